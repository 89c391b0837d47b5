// Franz-go's side of kafka-bench: does the job that its last argument describes, and prints the
// measurement, both as JSON (src/job.rs and src/usage.rs describe them).
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// The same for all clients, see src/peers/mod.rs.
	outstanding  = 100_000
	bufferMemory = 32 << 20
)

type job struct {
	Bootstrap  string   `json:"bootstrap"`
	Topic      string   `json:"topic"`
	Partitions int32    `json:"partitions"`
	LingerMs   *int64   `json:"linger_ms"`
	Codec      string   `json:"codec"`
	Values     values   `json:"values"`
	Workload   workload `json:"workload"`
}

type values struct {
	Letters int    `json:"letters"`
	Lines   string `json:"lines"`
}

type workload struct {
	Kind string `json:"kind"`
	// stream
	Records    int64 `json:"records"`
	WarmUp     int64 `json:"warm_up"`
	RoundRobin bool  `json:"round_robin"`
	// tasks
	Tasks      int   `json:"tasks"`
	WarmUpMs   int64 `json:"warm_up_ms"`
	MeasuredMs int64 `json:"measured_ms"`
	// backlog
	API string `json:"api"`
	// readers
	Readers   int   `json:"readers"`
	PerSecond int64 `json:"per_second"`
	// codec
	BatchRecords int64 `json:"batch_records"`
}

type latency struct {
	P50 int64 `json:"p50_ns"`
	P99 int64 `json:"p99_ns"`
}

type measurement struct {
	Records    int64    `json:"records"`
	Written    int64    `json:"written"`
	UserNs     int64    `json:"user_ns"`
	SystemNs   int64    `json:"system_ns"`
	WallNs     int64    `json:"wall_ns"`
	PeakRssKib int64    `json:"peak_rss_kib"`
	Waits      int64    `json:"waits"`
	Latency    *latency `json:"latency"`
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "kfake" {
		serve()
		return
	}
	result, err := run(os.Args[len(os.Args)-1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "franz-go:", err)
		os.Exit(1)
	}
}

func run(text string) (*measurement, error) {
	var job job
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return nil, err
	}
	if job.Workload.Kind == "backlog" {
		return backlog(&job)
	}
	if job.Workload.Kind == "readers" {
		return readers(&job)
	}
	values, err := job.Values.load()
	if err != nil {
		return nil, err
	}
	if job.Workload.Kind == "codec" {
		return codec(&job, values)
	}
	client, err := job.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	switch job.Workload.Kind {
	case "stream":
		return stream(client, &job, values)
	case "tasks":
		return tasks(client, &job, values)
	}
	return nil, fmt.Errorf("%q is not measured with franz-go", job.Workload.Kind)
}

func (v *values) load() ([][]byte, error) {
	if v.Lines == "" {
		value := make([]byte, v.Letters)
		for i := range value {
			value[i] = 'a' + byte(i%26)
		}
		return [][]byte{value}, nil
	}
	text, err := os.ReadFile(v.Lines)
	if err != nil {
		return nil, err
	}
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")), nil
}

func (j *job) client() (*kgo.Client, error) {
	options := []kgo.Opt{
		kgo.SeedBrokers(j.Bootstrap),
		kgo.DefaultProduceTopic(j.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.MaxBufferedRecords(outstanding),
		kgo.MaxBufferedBytes(bufferMemory),
	}
	switch j.Codec {
	case "none":
		options = append(options, kgo.ProducerBatchCompression(kgo.NoCompression()))
	case "lz4":
		options = append(options, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	case "zstd":
		options = append(options, kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	}
	if j.LingerMs != nil {
		options = append(options, kgo.ProducerLinger(time.Duration(*j.LingerMs)*time.Millisecond))
	}
	if j.Workload.RoundRobin {
		options = append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	return kgo.NewClient(options...)
}

// Deliveries are told to a callback; the client itself bounds how many are outstanding.
func stream(client *kgo.Client, job *job, values [][]byte) (*measurement, error) {
	feed := func(records int64) error {
		ctx := context.Background()
		var lock sync.Mutex
		var failed error
		done := func(_ *kgo.Record, err error) {
			if err != nil {
				lock.Lock()
				failed = errors.Join(failed, err)
				lock.Unlock()
			}
		}
		for n := range records {
			record := &kgo.Record{Value: values[n%int64(len(values))]}
			if job.Workload.RoundRobin {
				record.Partition = int32(n % int64(job.Partitions))
			}
			client.Produce(ctx, record, done)
		}
		if err := client.Flush(ctx); err != nil {
			return err
		}
		lock.Lock()
		defer lock.Unlock()
		return failed
	}
	if err := feed(job.Workload.WarmUp); err != nil {
		return nil, err
	}
	meter := start()
	if err := feed(job.Workload.Records); err != nil {
		return nil, err
	}
	result := meter.stop(job.Workload.Records)
	result.Written += job.Workload.WarmUp
	return result, nil
}

func tasks(client *kgo.Client, job *job, values [][]byte) (*measurement, error) {
	send := func(ms int64) ([]time.Duration, error) {
		end := time.Now().Add(time.Duration(ms) * time.Millisecond)
		calls := make([][]time.Duration, job.Workload.Tasks)
		failures := make([]error, job.Workload.Tasks)
		var group sync.WaitGroup
		for task := range calls {
			group.Go(func() {
				for begin := time.Now(); begin.Before(end); begin = time.Now() {
					record := &kgo.Record{Value: values[task%len(values)]}
					if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
						failures[task] = err
						return
					}
					calls[task] = append(calls[task], time.Since(begin))
				}
			})
		}
		group.Wait()
		var all []time.Duration
		for _, one := range calls {
			all = append(all, one...)
		}
		return all, errors.Join(failures...)
	}
	before, err := send(job.Workload.WarmUpMs)
	if err != nil {
		return nil, err
	}
	meter := start()
	calls, err := send(job.Workload.MeasuredMs)
	if err != nil {
		return nil, err
	}
	result := meter.stop(int64(len(calls)))
	result.Written += int64(len(before))
	sort.Slice(calls, func(i, j int) bool { return calls[i] < calls[j] })
	if len(calls) > 0 {
		at := func(percent int) int64 { return calls[min(len(calls)*percent/100, len(calls)-1)].Nanoseconds() }
		result.Latency = &latency{P50: at(50), P99: at(99)}
	}
	return result, nil
}

// The codec alone, on batches such as the client made, with the libraries and levels that it uses.
func codec(job *job, values [][]byte) (*measurement, error) {
	size := max(job.Workload.BatchRecords, 1)
	var batches [][]byte
	var next int
	for range max(int64(len(values))/size, 1) {
		var batch []byte
		for range size {
			batch = append(batch, values[next%len(values)]...)
			next++
		}
		batches = append(batches, batch)
	}
	var compress func([]byte) error
	switch job.Codec {
	case "zstd":
		encoder, err := zstd.NewWriter(nil,
			zstd.WithWindowSize(64<<10), zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
		if err != nil {
			return nil, err
		}
		defer encoder.Close()
		var out []byte
		compress = func(batch []byte) error {
			out = encoder.EncodeAll(batch, out[:0])
			return nil
		}
	case "lz4":
		var out bytes.Buffer
		writer := lz4.NewWriter(&out)
		compress = func(batch []byte) error {
			out.Reset()
			writer.Reset(&out)
			if _, err := writer.Write(batch); err != nil {
				return err
			}
			return writer.Close()
		}
	default:
		return nil, fmt.Errorf("%q is no codec", job.Codec)
	}
	meter := start()
	var done int64
	for n := 0; done < job.Workload.Records; n++ {
		if err := compress(batches[n%len(batches)]); err != nil {
			return nil, err
		}
		done += size
	}
	return meter.stop(done), nil
}

type meter struct {
	usage syscall.Rusage
	start time.Time
}

func start() meter {
	meter := meter{start: time.Now()}
	usage(&meter.usage)
	return meter
}

func (m *meter) stop(records int64) *measurement {
	wall := time.Since(m.start)
	var after syscall.Rusage
	usage(&after)
	return &measurement{
		Records:    records,
		Written:    records,
		UserNs:     after.Utime.Nano() - m.usage.Utime.Nano(),
		SystemNs:   after.Stime.Nano() - m.usage.Stime.Nano(),
		WallNs:     wall.Nanoseconds(),
		PeakRssKib: peakRssKib(),
		Waits:      after.Nvcsw - m.usage.Nvcsw,
	}
}

func usage(into *syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, into); err != nil {
		panic(err)
	}
}

// Linux keeps in ru_maxrss what the parent had when it started this program, so what the kernel
// tells of this program alone is taken.
func peakRssKib() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib
		}
	}
	return 0
}
