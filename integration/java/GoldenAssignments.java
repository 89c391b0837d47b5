import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
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
import org.apache.kafka.common.message.ConsumerProtocolAssignment;
import org.apache.kafka.common.message.ConsumerProtocolSubscription;

/**
 * Writes golden assignments: what the assignors of Apache Kafka's consumer make of random groups,
 * and the bytes its consumer sends in JoinGroup and SyncGroup.
 *
 * <pre>java -cp "$KAFKA_JARS/*" integration/java/GoldenAssignments.java \
 *     kafka-client/tests/golden</pre>
 *
 * The output is the same in every run.
 */
public class GoldenAssignments {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int CASES = 100;

    private static final class Member {
        String id;
        String instance;
        String rack;
        List<String> topics = new ArrayList<>();
        List<TopicPartition> owned = new ArrayList<>();
        int generation = -1;

        Subscription subscription(String assignor) {
            boolean sticky = assignor.equals("sticky");
            Subscription subscription = new Subscription(topics, sticky ? userData() : null,
                sticky ? List.of() : owned, generation, Optional.ofNullable(rack));
            subscription.setGroupInstanceId(Optional.ofNullable(instance));
            return subscription;
        }

        private ByteBuffer userData() {
            StickyAssignor assignor = new StickyAssignor();
            if (generation >= 0) {
                assignor.onAssignment(new Assignment(owned),
                    new ConsumerGroupMetadata("group", generation, id, Optional.empty()));
            }
            return assignor.subscriptionUserData(new HashSet<>(topics));
        }

        Map<String, Object> json() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("id", id);
            if (instance != null) {
                json.put("instance", instance);
            }
            if (rack != null) {
                json.put("rack", rack);
            }
            json.put("topics", topics);
            if (!owned.isEmpty()) {
                json.put("owned", byTopic(owned));
            }
            json.put("generation", generation);
            return json;
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 1) {
            System.err.println("usage: GoldenAssignments DIRECTORY");
            System.exit(2);
        }
        Path directory = Files.createDirectories(Path.of(args[0]));
        try (PrintStream out = open(directory.resolve("consumer_blobs.txt"),
                "what a consumer sends in JoinGroup (subscription) and its group's leader in SyncGroup "
                    + "(assignment)",
                "<subscription|assignment> v<version> <hex> <json>",
                "The version with which the consumer sends them is the highest that is here.")) {
            blobs(out);
        }
        try (PrintStream out = open(directory.resolve("range.txt"), "assignments of RangeAssignor",
                "<json>")) {
            Random random = new Random(20_260_101);
            for (int i = 0; i < CASES; i++) {
                eager(out, random, new RangeAssignor());
            }
        }
        try (PrintStream out = open(directory.resolve("roundrobin.txt"),
                "assignments of RoundRobinAssignor", "<json>")) {
            Random random = new Random(20_260_103);
            for (int i = 0; i < CASES; i++) {
                eager(out, random, new RoundRobinAssignor());
            }
        }
        try (PrintStream out = open(directory.resolve("cooperative_sticky.txt"),
                "assignments of CooperativeStickyAssignor", "<json>",
                "`assigned` is what the members get in the rebalance, `settled`, where there are no racks, what they have after",
                "the rebalances that follow because some of them had to give partitions up.")) {
            Random random = new Random(20_260_102);
            for (int i = 0; i < CASES; i++) {
                sticky(out, random, new CooperativeStickyAssignor());
            }
        }
        try (PrintStream out = open(directory.resolve("sticky.txt"),
                "assignments of StickyAssignor", "<json>",
                "`owned` is what the members had in the generation before.")) {
            Random random = new Random(20_260_104);
            for (int i = 0; i < CASES; i++) {
                sticky(out, random, new StickyAssignor());
            }
        }
    }

    private static PrintStream open(Path path, String what, String format, String... notes)
            throws Exception {
        PrintStream out = new PrintStream(Files.newOutputStream(path), false, StandardCharsets.UTF_8);
        out.println("# Golden assignments: " + what + ".");
        out.println("# Origin: the classes of Apache Kafka "
            + org.apache.kafka.common.utils.AppInfoParser.getVersion()
            + " (its published jars), written by integration/java/GoldenAssignments.java.");
        out.println("# One case a line: " + format);
        for (String note : notes) {
            out.println("# " + note);
        }
        return out;
    }

    // ---- bytes ----

    private static void blobs(PrintStream out) throws Exception {
        List<TopicPartition> none = List.of();
        // Neither topics nor partitions in order, as a consumer may have them.
        List<TopicPartition> some = List.of(new TopicPartition("orders", 11),
            new TopicPartition("payments", 0), new TopicPartition("orders", 2),
            new TopicPartition("orders", 3));
        for (ConsumerPartitionAssignor assignor
                : List.of(new RangeAssignor(), new StickyAssignor(),
                    new CooperativeStickyAssignor())) {
            subscription(out, assignor, List.of("orders"), none, -1, null);
            subscription(out, assignor, List.of("payments", "orders", "größen"), some, 7, null);
            subscription(out, assignor, List.of("payments", "orders"), some, 7, "east-1");
        }
        for (List<TopicPartition> partitions : List.of(none, some)) {
            for (short version = 0; version <= ConsumerProtocolAssignment.HIGHEST_SUPPORTED_VERSION;
                    version++) {
                ByteBuffer bytes =
                    ConsumerProtocol.serializeAssignment(new Assignment(partitions), version);
                Map<String, Object> json = new LinkedHashMap<>();
                json.put("partitions", partitions.stream()
                    .map(p -> List.<Object>of(p.topic(), p.partition())).toList());
                out.printf("assignment v%d %s %s%n", version, hex(bytes),
                    JSON.writeValueAsString(json));
            }
        }
    }

    private static void subscription(PrintStream out, ConsumerPartitionAssignor assignor,
            List<String> topics, List<TopicPartition> owned, int generation, String rack)
            throws Exception {
        if (generation >= 0) {
            assignor.onAssignment(new Assignment(owned),
                new ConsumerGroupMetadata("group", generation, "member", Optional.empty()));
        }
        for (short version = 0; version <= ConsumerProtocolSubscription.HIGHEST_SUPPORTED_VERSION;
                version++) {
            // With an eager assignor, all was given up before.
            boolean cooperative = assignor instanceof CooperativeStickyAssignor;
            Subscription subscription = new Subscription(topics,
                assignor.subscriptionUserData(new HashSet<>(topics)),
                cooperative ? owned : List.of(), generation, Optional.ofNullable(rack));
            ByteBuffer bytes = ConsumerProtocol.serializeSubscription(subscription, version);
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("assignor", assignor.name());
            json.put("topics", topics);
            json.put("owned", owned.stream()
                .map(p -> List.<Object>of(p.topic(), p.partition())).toList());
            json.put("generation", generation);
            json.put("rack", rack);
            out.printf("subscription v%d %s %s%n", version, hex(bytes),
                JSON.writeValueAsString(json));
        }
    }

    private static String hex(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    // ---- groups ----

    private static void eager(PrintStream out, Random random, ConsumerPartitionAssignor assignor)
            throws Exception {
        Map<String, Integer> partitions = randomPartitions(random);
        boolean equal = random.nextBoolean();
        List<String> topics = randomTopics(random, partitions);
        List<Member> members = new ArrayList<>();
        for (int i = 0, count = 1 + random.nextInt(7); i < count; i++) {
            Member member = randomMember(random, members.size());
            member.topics = equal ? topics : randomTopics(random, partitions);
            members.add(member);
        }
        Map<String, List<List<String>>> racks = randomRacks(random, partitions, members);
        Map<String, Object> json = json(partitions, racks, members);
        json.put("assigned", json(assign(assignor, partitions, racks, members)));
        out.println(JSON.writeValueAsString(json));
    }

    private static void sticky(PrintStream out, Random random, ConsumerPartitionAssignor assignor)
            throws Exception {
        // A group as it was before.
        Map<String, Integer> partitions = randomPartitions(random);
        boolean equal = random.nextInt(3) == 0;
        List<String> topics = randomTopics(random, partitions);
        List<Member> members = new ArrayList<>();
        for (int i = 0, count = 1 + random.nextInt(6); i < count; i++) {
            Member member = randomMember(random, i);
            member.topics = equal ? topics : randomTopics(random, partitions);
            members.add(member);
        }
        settle(partitions, Map.of(), members);

        // What brings the rebalance about.
        for (int i = random.nextInt(3); i > 0 && members.size() > 1; i--) {
            members.remove(random.nextInt(members.size()));
        }
        for (int i = random.nextInt(3); i > 0; i--) {
            Member member = randomMember(random, 10 + i);
            member.topics = equal ? topics : randomTopics(random, partitions);
            members.add(member);
        }
        if (random.nextInt(3) == 0) {
            for (Map.Entry<String, Integer> topic : partitions.entrySet()) {
                topic.setValue(Math.max(1, topic.getValue() + random.nextInt(4)));
            }
        }
        if (!equal && random.nextInt(3) == 0) {
            Member member = members.get(random.nextInt(members.size()));
            member.topics = randomTopics(random, partitions);
            // The consumer gives up what it no longer subscribes to before it joins.
            member.owned = new ArrayList<>(member.owned);
            member.owned.removeIf(owned -> !member.topics.contains(owned.topic()));
        }
        if (random.nextInt(5) == 0) {
            // One that was out of touch, and another has got its partitions.
            Member late = members.get(random.nextInt(members.size()));
            Member other = members.get(random.nextInt(members.size()));
            if (late != other && late.generation > 0) {
                List<TopicPartition> both = new ArrayList<>(other.owned);
                both.removeIf(owned -> !late.topics.contains(owned.topic()));
                late.owned = both;
                late.generation -= 1;
            }
        }

        Map<String, List<List<String>>> racks = randomRacks(random, partitions, members);
        Map<String, Object> json = json(partitions, racks, members);
        json.put("assigned", json(assign(assignor, partitions, racks, members)));
        if (assignor instanceof CooperativeStickyAssignor && racks.isEmpty()) {
            json.put("settled", json(settle(partitions, racks, members)));
        }
        out.println(JSON.writeValueAsString(json));
    }

    /** Rebalances until nothing changes any more. */
    private static Map<String, List<TopicPartition>> settle(Map<String, Integer> partitions,
            Map<String, List<List<String>>> racks, List<Member> members) {
        Map<String, List<TopicPartition>> last = Map.of();
        for (int generation = 5; ; generation++) {
            if (generation == 50) {
                throw new IllegalStateException("no end of rebalances");
            }
            Map<String, List<TopicPartition>> assigned =
                assign(new CooperativeStickyAssignor(), partitions, racks, members);
            if (assigned.equals(last)) {
                return assigned;
            }
            last = assigned;
            for (Member member : members) {
                member.owned = assigned.get(member.id);
                member.generation = generation;
            }
        }
    }

    private static Map<String, List<TopicPartition>> assign(ConsumerPartitionAssignor assignor,
            Map<String, Integer> partitions, Map<String, List<List<String>>> racks,
            List<Member> members) {
        List<PartitionInfo> infos = new ArrayList<>();
        List<Node> nodes = List.of(new Node(0, "localhost", 9092), new Node(1, "localhost", 9093, "a"),
            new Node(2, "localhost", 9094, "b"), new Node(3, "localhost", 9095, "c"));
        partitions.forEach((topic, count) -> {
            for (int partition = 0; partition < count; partition++) {
                List<String> on = racks.isEmpty() ? List.of() : racks.get(topic).get(partition);
                Node[] replicas = nodes.stream()
                    .filter(node -> on.isEmpty() ? !node.hasRack() : on.contains(node.rack()))
                    .toArray(Node[]::new);
                infos.add(new PartitionInfo(topic, partition, replicas[0], replicas, replicas));
            }
        });
        Cluster cluster = new Cluster("cluster", nodes, infos, Set.of(), Set.of());
        // As the consumer's coordinator has them: the sticky assignors go by the order of this map.
        Map<String, Subscription> subscriptions = new HashMap<>();
        for (Member member : members) {
            subscriptions.put(member.id, member.subscription(assignor.name()));
        }
        Map<String, List<TopicPartition>> sorted = new TreeMap<>();
        assignor.assign(cluster, new GroupSubscription(subscriptions)).groupAssignment()
            .forEach((id, assignment) -> {
                List<TopicPartition> list = new ArrayList<>(assignment.partitions());
                list.sort((a, b) -> a.topic().equals(b.topic())
                    ? Integer.compare(a.partition(), b.partition())
                    : a.topic().compareTo(b.topic()));
                sorted.put(id, list);
            });
        return sorted;
    }

    private static Map<String, Integer> randomPartitions(Random random) {
        Map<String, Integer> partitions = new TreeMap<>();
        for (int i = 0, count = 1 + random.nextInt(5); i < count; i++) {
            partitions.put("t" + i, 1 + random.nextInt(8));
        }
        return partitions;
    }

    /** Some of those that exist, at times one that does not. */
    private static List<String> randomTopics(Random random, Map<String, Integer> partitions) {
        Set<String> topics = new TreeSet<>();
        List<String> all = new ArrayList<>(partitions.keySet());
        for (int i = 0, count = 1 + random.nextInt(all.size()); i < count; i++) {
            topics.add(all.get(random.nextInt(all.size())));
        }
        if (random.nextInt(8) == 0) {
            topics.add("missing");
        }
        List<String> list = new ArrayList<>(topics);
        Collections.shuffle(list, random);
        return list;
    }

    private static Member randomMember(Random random, int index) {
        Member member = new Member();
        member.id = "m" + random.nextInt(10) + "-" + index;
        if (random.nextInt(3) == 0) {
            member.instance = "i" + random.nextInt(10) + "-" + index;
        }
        return member;
    }

    /** At times members and the replicas of partitions are on racks; else empty. */
    private static Map<String, List<List<String>>> randomRacks(Random random,
            Map<String, Integer> partitions, List<Member> members) {
        Map<String, List<List<String>>> racks = new TreeMap<>();
        if (random.nextInt(3) > 0) {
            return racks;
        }
        List<String> names = Arrays.asList("a", "b", "c");
        for (Member member : members) {
            if (random.nextInt(4) > 0) {
                member.rack = names.get(random.nextInt(3));
            }
        }
        partitions.forEach((topic, count) -> {
            List<List<String>> ofTopic = new ArrayList<>();
            for (int partition = 0; partition < count; partition++) {
                Collections.shuffle(names, random);
                ofTopic.add(new ArrayList<>(new TreeSet<>(names.subList(0, random.nextInt(4)))));
            }
            racks.put(topic, ofTopic);
        });
        return racks;
    }

    private static Map<String, Object> json(Map<String, Integer> partitions,
            Map<String, List<List<String>>> racks, List<Member> members) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("partitions", new TreeMap<>(partitions));
        if (!racks.isEmpty()) {
            json.put("racks", racks);
        }
        json.put("members", members.stream().map(Member::json).toList());
        return json;
    }

    private static Map<String, Object> json(Map<String, List<TopicPartition>> assigned) {
        Map<String, Object> json = new TreeMap<>();
        assigned.forEach((id, partitions) -> json.put(id, byTopic(partitions)));
        return json;
    }

    private static Map<String, List<Integer>> byTopic(List<TopicPartition> partitions) {
        Map<String, List<Integer>> byTopic = new TreeMap<>();
        for (TopicPartition partition : partitions) {
            byTopic.computeIfAbsent(partition.topic(), topic -> new ArrayList<>())
                .add(partition.partition());
        }
        return byTopic;
    }
}
