import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentLinkedQueue;

import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetCommitCallback;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Java's client as members of a group, told what to do on standard input. Arguments, commands and events
 * are those of integration/src/member.rs. All commit by hand.
 */
public final class Member implements Runnable, ConsumerRebalanceListener {
    private static final long COMMIT_INTERVAL_MS = 300;
    private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);
    private static String[] arguments;

    private final String name;
    private final Queue<String> commands = new ConcurrentLinkedQueue<>();
    private final KafkaConsumer<byte[], byte[]> consumer;
    /** Behind what was handled, of the partitions that it owns. */
    private final Map<TopicPartition, Long> positions = new HashMap<>();

    public static void main(String[] args) throws IOException {
        arguments = args;
        Map<String, Member> members = new HashMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "join":
                    Member member = new Member(words[1], words.length > 3 ? words[3] : null);
                    members.put(words[1], member);
                    new Thread(member, words[1]).start();
                    break;
                case "busy":
                    members.get(words[1]).commands.add(words[2]);
                    break;
                case "leave":
                    members.get(words[1]).commands.add("leave");
                    break;
                default:
                    throw new IllegalArgumentException(line);
            }
        }
        // Who started it has ended: it dies without leaving.
        Runtime.getRuntime().halt(0);
    }

    private Member(String name, String instance) {
        this.name = name;
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("group.id", arguments[2]);
        settings.put("session.timeout.ms", arguments[3]);
        settings.put("heartbeat.interval.ms", arguments[4]);
        settings.put("max.poll.interval.ms", arguments[5]);
        settings.put("client.id", name);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("max.poll.records", "50");
        settings.put("partition.assignment.strategy",
            "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        if (instance != null) {
            settings.put("group.instance.id", instance);
        }
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        consumer = new KafkaConsumer<>(settings, bytes, bytes);
    }

    @Override
    public void run() {
        consumer.subscribe(List.of(arguments[1]), this);
        long nextCommit = now();
        long busy = 0;
        while (true) {
            String command = commands.poll();
            if ("leave".equals(command)) {
                break;
            }
            if (command != null) {
                busy = Long.parseLong(command);
            }
            try {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(COMMIT_INTERVAL_MS / 3));
                if (!records.isEmpty()) {
                    long from = now();
                    if (busy > 0) {
                        tell("busy", "\"ms\":" + busy);
                        sleep(busy);
                        busy = 0;
                    }
                    handled(from, records);
                }
                if (now() >= nextCommit) {
                    commit(positions.keySet(), false);
                    nextCommit = now() + COMMIT_INTERVAL_MS * 1000;
                }
            } catch (RuntimeException error) {
                tell("failed", "\"error\":" + quoted(error.toString()));
            }
        }
        tell("leaving", "");
        try {
            consumer.close();
        } catch (RuntimeException error) {
            tell("failed", "\"error\":" + quoted(error.toString()));
        }
        tell("left", "");
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        if (!partitions.isEmpty()) {
            tell("assigned", numbers(partitions));
        }
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        commit(partitions, true);
        gone("revoked", partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        gone("lost", partitions);
    }

    private void gone(String event, Collection<TopicPartition> partitions) {
        if (!partitions.isEmpty()) {
            positions.keySet().removeAll(partitions);
            tell(event, numbers(partitions));
        }
    }

    private void handled(long from, ConsumerRecords<byte[], byte[]> records) {
        Queue<long[]> ranges = new ArrayDeque<>();
        long[] range = null;
        for (ConsumerRecord<byte[], byte[]> record : records) {
            positions.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
            if (range != null && range[0] == record.partition() && range[2] + 1 == record.offset()) {
                range[2]++;
            } else {
                range = new long[] {record.partition(), record.offset(), record.offset()};
                ranges.add(range);
            }
        }
        StringJoiner joined = new StringJoiner(",", "[", "]");
        for (long[] one : ranges) {
            joined.add("[" + one[0] + "," + one[1] + "," + one[2] + "]");
        }
        tell("handled", "\"from\":" + from + ",\"ranges\":" + joined);
    }

    /** In the loop nobody waits for commits: records go on through every rebalance and every outage. */
    private void commit(Collection<TopicPartition> partitions, boolean wait) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        StringJoiner joined = new StringJoiner(",", "[", "]");
        for (TopicPartition partition : partitions) {
            Long position = positions.get(partition);
            if (position != null) {
                offsets.put(partition, new OffsetAndMetadata(position));
                joined.add("[" + partition.partition() + "," + position + "]");
            }
        }
        if (offsets.isEmpty()) {
            return;
        }
        long from = now();
        OffsetCommitCallback committed = (ignored, failure) -> tell("committed", "\"from\":" + from
            + ",\"offsets\":" + joined + ",\"error\":" + (failure == null ? "null" : quoted(failure.toString())));
        if (!wait) {
            consumer.commitAsync(offsets, committed);
            return;
        }
        try {
            consumer.commitSync(offsets);
            committed.onComplete(offsets, null);
        } catch (RuntimeException failure) {
            committed.onComplete(offsets, failure);
        }
    }

    private static String numbers(Collection<TopicPartition> partitions) {
        StringJoiner joined = new StringJoiner(",", "\"partitions\":[", "]");
        partitions.forEach(partition -> joined.add(Integer.toString(partition.partition())));
        return joined.toString();
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "'").replace("\n", " ") + '"';
    }

    /** Microseconds of the machine's monotonic clock, which is where HotSpot takes nanoTime from on Linux. */
    private static long now() {
        return System.nanoTime() / 1000;
    }

    private static void sleep(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    private void tell(String event, String more) {
        synchronized (OUT) {
            String line = "{\"member\":\"" + name + "\",\"at\":" + now() + ",\"event\":\"" + event + "\""
                + (more.isEmpty() ? "" : "," + more) + "}\n";
            try {
                OUT.write(line.getBytes(StandardCharsets.UTF_8));
            } catch (IOException error) {
                Runtime.getRuntime().halt(0);
            }
        }
    }
}
