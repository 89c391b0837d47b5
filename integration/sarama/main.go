// What people do with sarama, and what comes of it, line by line.
//
// Argument: the address of a broker. What it prints must be the same on every broker.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// The error's name, or "ok".
func outcome(err error) string {
	var code sarama.KError
	var topic *sarama.TopicError
	var partition *sarama.TopicPartitionError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &topic):
		return fmt.Sprintf("code %d", int16(topic.Err))
	case errors.As(err, &partition):
		return fmt.Sprintf("code %d", int16(partition.Err))
	case errors.As(err, &code):
		return fmt.Sprintf("code %d", int16(code))
	}
	return "an error"
}

// Some answers follow a change a moment later.
func until(what string, get func() (string, bool)) {
	var text string
	for tries := 0; tries < 100; tries++ {
		var done bool
		if text, done = get(); done {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Println(what, text)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type reader struct {
	wanted int
	seen   []string
	lock   sync.Mutex
	done   context.CancelFunc
}

func (*reader) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*reader) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		session.MarkMessage(message, "m")
		r.lock.Lock()
		r.seen = append(r.seen, fmt.Sprintf("%d/%02d %s", message.Partition, message.Offset, message.Value))
		if len(r.seen) == r.wanted {
			session.Commit()
			r.done()
		}
		r.lock.Unlock()
	}
	return nil
}

func main() {
	brokers := []string{os.Args[1]}
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.ClientID = "go"
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	admin, err := sarama.NewClusterAdmin(brokers, config)
	check(err)
	retention := "100000"
	detail := &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": &retention}}
	fmt.Println("create", outcome(admin.CreateTopic("a", detail, false)))
	fmt.Println("again", outcome(admin.CreateTopic("a", detail, false)))
	fmt.Println("bad", outcome(admin.CreateTopic("b", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 3}, false)))
	until("topics", func() (string, bool) {
		topics, err := admin.ListTopics()
		check(err)
		names := []string{}
		for name, topic := range topics {
			names = append(names, fmt.Sprint(name, topic.NumPartitions, len(topic.ConfigEntries)))
		}
		sort.Strings(names)
		return fmt.Sprint(names), len(names) == 1
	})
	fmt.Println("grow", outcome(admin.CreatePartitions("a", 3, nil, false)))
	fmt.Println("shrink", outcome(admin.CreatePartitions("a", 1, nil, false)))
	more := "200000"
	fmt.Println("alter", outcome(admin.IncrementalAlterConfig(sarama.TopicResource, "a", map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &more},
	}, false)))
	until("config", func() (string, bool) {
		entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: "a", ConfigNames: []string{"retention.ms"}})
		check(err)
		return fmt.Sprint(entries[0].Value, entries[0].Source, entries[0].ReadOnly), entries[0].Value == more
	})

	codecs := []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD}
	for _, codec := range codecs {
		config.Producer.Compression = codec
		producer, err := sarama.NewSyncProducer(brokers, config)
		check(err)
		messages := []*sarama.ProducerMessage{}
		for number := range 6 {
			messages = append(messages, &sarama.ProducerMessage{Topic: "a", Partition: int32(number % 3), Value: sarama.StringEncoder(fmt.Sprint(codec, number))})
		}
		fmt.Println("send", codec, outcome(producer.SendMessages(messages)))
		check(producer.Close())
	}

	group, err := sarama.NewConsumerGroup(brokers, "g", config)
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	r := &reader{wanted: 30, done: cancel}
	for ctx.Err() == nil {
		check(group.Consume(ctx, []string{"a"}, r))
	}
	sort.Strings(r.seen)
	fmt.Println("read", r.seen)
	check(group.Close())

	groups, err := admin.ListConsumerGroups()
	check(err)
	fmt.Println("groups", groups)
	described, err := admin.DescribeConsumerGroups([]string{"g"})
	check(err)
	fmt.Println("group", described[0].State, described[0].ProtocolType, len(described[0].Members))
	offsets, err := admin.ListConsumerGroupOffsets("g", map[string][]int32{"a": {0, 1, 2}})
	check(err)
	for partition := range int32(3) {
		block := offsets.GetBlock("a", partition)
		fmt.Println("offset", partition, block.Offset, block.Metadata, int16(block.Err))
	}
	client, err := sarama.NewClient(brokers, config)
	check(err)
	for _, at := range []int64{sarama.OffsetNewest, sarama.OffsetOldest} {
		offset, err := client.GetOffset("a", 1, at)
		fmt.Println("get", at, offset, outcome(err))
	}
	fmt.Println("delete offset", outcome(admin.DeleteConsumerGroupOffset("g", "a", 1)))
	fmt.Println("delete records", outcome(admin.DeleteRecords("a", map[int32]int64{0: 4})))
	fmt.Println("delete group", outcome(admin.DeleteConsumerGroup("g")))
	fmt.Println("again", outcome(admin.DeleteConsumerGroup("g")))
	dirs, err := admin.DescribeLogDirs([]int32{1})
	check(err)
	fmt.Println("log dirs", len(dirs[1]), dirs[1][0].ErrorCode)
	_, err = admin.ListAcls(sarama.AclFilter{ResourceType: sarama.AclResourceAny, ResourcePatternTypeFilter: sarama.AclPatternAny, Operation: sarama.AclOperationAny, PermissionType: sarama.AclPermissionAny})
	fmt.Println("acls", outcome(err))
	fmt.Println("delete", outcome(admin.DeleteTopic("a")), outcome(admin.DeleteTopic("c")))
	check(client.Close())
	check(admin.Close())
}
