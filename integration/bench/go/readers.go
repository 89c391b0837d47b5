package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Each record goes to all of many consumers, each with a connection of its own; none comes faster than it is read.
func readers(job *job) (*measurement, error) {
	producer, err := job.client()
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	records := job.Workload.PerSecond * job.Workload.MeasuredMs / 1000
	failures := make([]error, job.Workload.Readers)
	var group sync.WaitGroup
	meter := start()
	for reader := range failures {
		client, err := job.consumer()
		if err != nil {
			return nil, err
		}
		group.Go(func() {
			defer client.Close()
			_, failures[reader] = take(client, records)
		})
	}
	values, err := job.Values.load()
	if err != nil {
		return nil, err
	}
	ticker := time.NewTicker(time.Second / time.Duration(job.Workload.PerSecond))
	defer ticker.Stop()
	for range records {
		<-ticker.C
		record := &kgo.Record{Value: values[0]}
		if err := producer.ProduceSync(context.Background(), record).FirstErr(); err != nil {
			return nil, err
		}
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	result := meter.stop(records * int64(job.Workload.Readers))
	result.Written = records
	return result, nil
}
