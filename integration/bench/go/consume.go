package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The same for all clients, see src/consume/mod.rs.
const partitionBytes = 1 << 20

// What is done with the values, so that they are looked at.
var seen int

// Reads all that the topic has, many records at a time, after another consumer has read some of it.
func backlog(job *job) (*measurement, error) {
	if job.Workload.API != "batch" {
		return nil, fmt.Errorf("%q is not measured with franz-go", job.Workload.API)
	}
	before, err := job.consumer()
	if err != nil {
		return nil, err
	}
	_, err = take(before, job.Workload.WarmUp)
	before.Close()
	if err != nil {
		return nil, err
	}
	meter := start()
	client, err := job.consumer()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	taken, err := take(client, job.Workload.Records)
	if err != nil {
		return nil, err
	}
	result := meter.stop(taken)
	if taken != job.Workload.Records {
		return nil, fmt.Errorf("%d records came of %d", taken, job.Workload.Records)
	}
	return result, nil
}

func (j *job) consumer() (*kgo.Client, error) {
	offsets := make(map[int32]kgo.Offset)
	for partition := range j.Partitions {
		offsets[partition] = kgo.NewOffset().AtStart()
	}
	return kgo.NewClient(
		kgo.SeedBrokers(j.Bootstrap),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{j.Topic: offsets}),
		kgo.FetchMaxPartitionBytes(partitionBytes),
	)
}

func take(client *kgo.Client, records int64) (int64, error) {
	var taken int64
	for taken < records {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			return taken, err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			seen += len(record.Value)
			taken++
		})
	}
	return taken, nil
}
