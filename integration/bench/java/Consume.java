import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Java's side of kafka-bench consume: does the job that its argument describes, and prints the
 * measurement, both as JSON (src/job.rs and src/usage.rs describe them). Its start and what it
 * compiles before the measurement do not count.
 */
public class Consume {
    /** The same for all clients, see src/consume/mod.rs. */
    private static final int PARTITION_BYTES = 1 << 20;

    /** What is done with the values, so that they are looked at. */
    private static long seen;

    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        JsonNode job = mapper.readTree(arguments[0]);
        JsonNode backlog = job.get("workload");
        if (!backlog.get("kind").asText().equals("backlog")
                || !backlog.get("api").asText().equals("batch")) {
            throw new IllegalArgumentException(backlog + " is not measured with Java");
        }
        long records = backlog.get("records").asLong();
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        try (var consumer = assigned(job)) {
            take(consumer, backlog.get("warm_up").asLong());
        }
        Map<String, Object> result = new LinkedHashMap<>();
        // A new consumer: nothing that is measured was fetched before.
        long cpu = system.getProcessCpuTime();
        long start = System.nanoTime();
        try (var consumer = assigned(job)) {
            long taken = take(consumer, records);
            result.put("wall_ns", System.nanoTime() - start);
            result.put("user_ns", system.getProcessCpuTime() - cpu);
            if (taken != records) {
                throw new IllegalStateException(taken + " records came of " + records);
            }
        }
        // The JVM tells CPU time as a whole.
        result.put("system_ns", 0);
        result.put("records", records);
        result.put("written", 0);
        result.put("peak_rss_kib", peakRssKib());
        result.put("waits", 0);
        System.out.println(mapper.writeValueAsString(result));
    }

    private static KafkaConsumer<byte[], byte[]> assigned(JsonNode job) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", job.get("bootstrap").asText());
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        properties.put("check.crcs", "true");
        properties.put("max.partition.fetch.bytes", PARTITION_BYTES);
        ByteArrayDeserializer deserializer = new ByteArrayDeserializer();
        var consumer = new KafkaConsumer<>(properties, deserializer, deserializer);
        List<TopicPartition> partitions = new ArrayList<>();
        for (int partition = 0; partition < job.get("partitions").asInt(); partition++) {
            partitions.add(new TopicPartition(job.get("topic").asText(), partition));
        }
        consumer.assign(partitions);
        return consumer;
    }

    private static long take(KafkaConsumer<byte[], byte[]> consumer, long records) {
        long taken = 0;
        while (taken < records) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                seen += record.value().length;
                taken++;
            }
        }
        return taken;
    }

    private static long peakRssKib() throws Exception {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        return 0;
    }
}
