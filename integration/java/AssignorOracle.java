import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * What the assignors of Apache Kafka's consumer make of groups.
 *
 * <pre>java -cp "$KAFKA_JARS/*" integration/java/AssignorOracle.java &lt; groups.jsonl</pre>
 *
 * Each line that it reads is a group:
 * <pre>{"assignor": "range", "topics": {"orders": [["rack-of-a-replica", ..], ..]},
 *  "members": [{"id": "m", "instance": "i" or null, "subscription": "hex"}, ..]}</pre>
 * and the line that it writes is what each member gets: <pre>{"m": {"orders": [0, 1]}}</pre> or
 * <pre>{"failure": "what the assignor threw"}</pre> It writes when it has read all.
 */
public class AssignorOracle {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        // The assignors tell of odd groups, on the output.
        System.setProperty("org.apache.logging.log4j.level", "OFF");
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        List<String> answers = new ArrayList<>();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Object answer;
            try {
                answer = assign(JSON.readTree(line));
            } catch (RuntimeException thrown) {
                answer = Map.of("failure", thrown.toString());
            }
            answers.add(JSON.writeValueAsString(answer));
        }
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        answers.forEach(out::println);
        out.flush();
    }

    /** A new one for each group: they remember things. */
    private static ConsumerPartitionAssignor assignor(String name) {
        return List.of(new RangeAssignor(), new RoundRobinAssignor(), new StickyAssignor(),
                new CooperativeStickyAssignor())
            .stream().filter(assignor -> assignor.name().equals(name)).findFirst().orElseThrow();
    }

    private static Map<String, Map<String, Set<Integer>>> assign(JsonNode group) {
        // As the consumer's coordinator has them: the sticky assignors go by the order of this map.
        Map<String, Subscription> subscriptions = new HashMap<>();
        for (JsonNode member : group.get("members")) {
            byte[] bytes = HexFormat.of().parseHex(member.get("subscription").asText());
            Subscription subscription =
                ConsumerProtocol.deserializeSubscription(ByteBuffer.wrap(bytes));
            subscription.setGroupInstanceId(Optional.ofNullable(member.get("instance").textValue()));
            subscriptions.put(member.get("id").asText(), subscription);
        }
        Map<String, Map<String, Set<Integer>>> assigned = new TreeMap<>();
        assignor(group.get("assignor").asText())
            .assign(cluster(group.get("topics")), new GroupSubscription(subscriptions))
            .groupAssignment()
            .forEach((id, assignment) -> assigned.put(id, byTopic(assignment.partitions())));
        return assigned;
    }

    /** A node for each rack; one without a rack has the replicas of partitions that are on none. */
    private static Cluster cluster(JsonNode topics) {
        Map<String, Node> nodes = new HashMap<>();
        Node without = new Node(0, "localhost", 9092);
        List<PartitionInfo> partitions = new ArrayList<>();
        topics.fields().forEachRemaining(topic -> {
            int number = 0;
            for (JsonNode racks : topic.getValue()) {
                List<Node> replicas = new ArrayList<>();
                for (JsonNode rack : racks) {
                    replicas.add(nodes.computeIfAbsent(rack.asText(),
                        name -> new Node(1 + nodes.size(), "localhost", 9092, name)));
                }
                if (replicas.isEmpty()) {
                    replicas.add(without);
                }
                Node[] array = replicas.toArray(Node[]::new);
                partitions.add(new PartitionInfo(topic.getKey(), number, array[0], array,
                    Arrays.copyOf(array, 1)));
                number += 1;
            }
        });
        List<Node> all = new ArrayList<>(nodes.values());
        all.add(without);
        return new Cluster("cluster", all, partitions, Set.of(), Set.of());
    }

    private static Map<String, Set<Integer>> byTopic(List<TopicPartition> partitions) {
        Map<String, Set<Integer>> byTopic = new TreeMap<>();
        for (TopicPartition partition : partitions) {
            boolean isNew = byTopic.computeIfAbsent(partition.topic(), topic -> new TreeSet<>())
                .add(partition.partition());
            if (!isNew) {
                throw new IllegalStateException(partition + " was given twice to one member");
            }
        }
        return byTopic;
    }
}
