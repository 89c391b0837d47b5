import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Java's side of kafka-bench: does the job that its argument describes, and prints the measurement,
 * both as JSON (src/job.rs and src/usage.rs describe them). Its start and what it compiles before
 * the measurement do not count.
 */
public class Produce {
    /** The same for all clients, see src/peers/mod.rs. */
    private static final int OUTSTANDING = 100_000;
    private static final int BUFFER_MEMORY = 32 << 20;

    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        JsonNode job = mapper.readTree(arguments[0]);
        JsonNode stream = job.get("workload");
        if (!stream.get("kind").asText().equals("stream")) {
            throw new IllegalArgumentException(stream.get("kind") + " is not measured with Java");
        }
        byte[] value = new byte[job.get("values").get("letters").asInt()];
        for (int i = 0; i < value.length; i++) {
            value[i] = (byte) ('a' + i % 26);
        }
        long records = stream.get("records").asLong();
        long warmUp = stream.get("warm_up").asLong();
        Map<String, Object> result = new LinkedHashMap<>();
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        ByteArraySerializer serializer = new ByteArraySerializer();
        try (var producer = new KafkaProducer<>(properties(job), serializer, serializer)) {
            feed(producer, job, value, warmUp);
            long cpu = system.getProcessCpuTime();
            long start = System.nanoTime();
            feed(producer, job, value, records);
            result.put("wall_ns", System.nanoTime() - start);
            result.put("user_ns", system.getProcessCpuTime() - cpu);
        }
        // The JVM tells CPU time as a whole.
        result.put("system_ns", 0);
        result.put("records", records);
        result.put("written", records + warmUp);
        result.put("peak_rss_kib", peakRssKib());
        result.put("waits", 0);
        System.out.println(mapper.writeValueAsString(result));
    }

    private static Properties properties(JsonNode job) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", job.get("bootstrap").asText());
        properties.put("acks", "all");
        properties.put("enable.idempotence", "true");
        properties.put("buffer.memory", String.valueOf(BUFFER_MEMORY));
        properties.put("compression.type", job.get("codec").asText());
        if (!job.get("linger_ms").isNull()) {
            properties.put("linger.ms", job.get("linger_ms").asText());
        }
        return properties;
    }

    /** Deliveries are told to a callback. */
    private static void feed(
            KafkaProducer<byte[], byte[]> producer, JsonNode job, byte[] value, long records)
            throws Exception {
        String topic = job.get("topic").asText();
        Semaphore room = new Semaphore(OUTSTANDING);
        AtomicReference<Exception> failure = new AtomicReference<>();
        for (long n = 0; n < records; n++) {
            room.acquire();
            producer.send(new ProducerRecord<>(topic, value), (metadata, error) -> {
                room.release();
                if (error != null) {
                    failure.set(error);
                }
            });
        }
        producer.flush();
        if (failure.get() != null) {
            throw failure.get();
        }
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
