import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.AuthorizationResult;

/**
 * Writes golden verdicts: what the authorizer of Apache Kafka says of random requests under random
 * rules, one set of rules and its requests a line.
 *
 * <pre>java -cp "$KAFKA_JARS/*" integration/java/GoldenVerdicts.java \
 *     integration/broker/tests/golden</pre>
 *
 * The output is the same in every run.
 */
public class GoldenVerdicts {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int CASES = 1000;
    private static final int REQUESTS = 8;

    // Few and much alike, so that rules and requests meet.
    private static final String[] NAMES = {"a", "ab", "abc", "b", "ba", "*", "*a", "kafka-cluster"};
    private static final String[] ASKED = {"a", "ab", "abc", "abd", "b", "ba", "c", "*a"};
    private static final String[] PRINCIPALS = {"User:a", "User:b", "User:*", "Group:a"};
    private static final String[] HOSTS = {"*", "*", "127.0.0.1", "10.0.0.1"};
    private static final ResourceType[] TYPES = {
        ResourceType.TOPIC, ResourceType.TOPIC, ResourceType.GROUP, ResourceType.CLUSTER,
        ResourceType.TRANSACTIONAL_ID, ResourceType.DELEGATION_TOKEN, ResourceType.USER,
    };

    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        Files.createDirectories(directory);
        Random random = new Random(42);
        Path path = directory.resolve("verdicts.json");
        try (PrintStream out = new PrintStream(path.toFile(), StandardCharsets.UTF_8)) {
            for (int number = 0; number < CASES; number++) {
                out.print(JSON.writeValueAsString(oneCase(random)) + "\n");
            }
        }
    }

    private static Map<String, Object> oneCase(Random random) throws Exception {
        StandardAuthorizer authorizer = new StandardAuthorizer();
        boolean open = random.nextInt(4) == 0;
        List<String> superUsers = random.nextInt(8) == 0 ? List.of("User:b", "User:c") : List.of();
        authorizer.configure(Map.of(
            "node.id", "1",
            "super.users", String.join(";", superUsers),
            "allow.everyone.if.no.acl.found", Boolean.toString(open)));
        authorizer.withPluginMetrics(new PluginMetricsImpl(new Metrics(), Map.of()));
        Set<StandardAcl> acls = new LinkedHashSet<>();
        int count = random.nextInt(16);
        for (int number = 0; number < count; number++) {
            acls.add(acl(random));
        }
        Map<Uuid, StandardAcl> snapshot = new LinkedHashMap<>();
        for (StandardAcl acl : acls) {
            snapshot.put(new Uuid(1, snapshot.size() + 1), acl);
        }
        authorizer.loadSnapshot(snapshot);
        authorizer.completeInitialLoad();

        List<Object> requests = new ArrayList<>();
        for (int number = 0; number < REQUESTS; number++) {
            requests.add(request(random, authorizer));
        }
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("super_users", superUsers);
        one.put("open_without_acls", open);
        one.put("acls", acls.stream().map(GoldenVerdicts::shown).toList());
        one.put("requests", requests);
        authorizer.close();
        return one;
    }

    private static StandardAcl acl(Random random) {
        PatternType pattern = random.nextInt(3) == 0 ? PatternType.PREFIXED : PatternType.LITERAL;
        boolean denies = random.nextInt(4) == 0;
        return new StandardAcl(
            one(random, TYPES), one(random, NAMES), pattern, one(random, PRINCIPALS),
            one(random, HOSTS), operation(random, 2),
            denies ? AclPermissionType.DENY : AclPermissionType.ALLOW);
    }

    private static List<Object> shown(StandardAcl acl) {
        return List.of(
            acl.resourceType().code(), acl.resourceName(), acl.patternType().code(),
            acl.principal(), acl.host(), acl.operation().code(), acl.permissionType().code());
    }

    private static List<Object> request(Random random, StandardAuthorizer authorizer)
            throws Exception {
        String user = random.nextBoolean() ? "a" : "b";
        String host = random.nextInt(3) == 0 ? "10.0.0.1" : "127.0.0.1";
        AclOperation operation = operation(random, 3);
        ResourceType type = one(random, TYPES);
        String name = type == ResourceType.CLUSTER ? "kafka-cluster" : one(random, ASKED);
        AuthorizableRequestContext context = context(user, host);
        Action action = new Action(
            operation, new ResourcePattern(type, name, PatternType.LITERAL), 1, true, true);
        boolean allowed = authorizer.authorize(context, List.of(action)).get(0)
            == AuthorizationResult.ALLOWED;
        boolean any = authorizer.authorizeByResourceType(context, operation, type)
            == AuthorizationResult.ALLOWED;
        return List.of("User:" + user, host, operation.code(), type.code(), name, allowed, any);
    }

    /** Half of them are those that others imply. */
    private static AclOperation operation(Random random, int from) {
        if (random.nextBoolean()) {
            return random.nextBoolean() ? AclOperation.READ : AclOperation.DESCRIBE;
        }
        return AclOperation.fromCode((byte) (from + random.nextInt(16 - from)));
    }

    private static AuthorizableRequestContext context(String user, String host) throws Exception {
        InetAddress address = InetAddress.getByName(host);
        KafkaPrincipal principal = new KafkaPrincipal(KafkaPrincipal.USER_TYPE, user);
        return new AuthorizableRequestContext() {
            @Override public String listenerName() { return "SASL_SSL"; }
            @Override public SecurityProtocol securityProtocol() { return SecurityProtocol.SASL_SSL; }
            @Override public KafkaPrincipal principal() { return principal; }
            @Override public InetAddress clientAddress() { return address; }
            @Override public int requestType() { return 0; }
            @Override public int requestVersion() { return 0; }
            @Override public String clientId() { return "test"; }
            @Override public int correlationId() { return 0; }
        };
    }

    private static <T> T one(Random random, T[] all) {
        return all[random.nextInt(all.length)];
    }
}
