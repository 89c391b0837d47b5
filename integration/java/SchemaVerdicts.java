import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.JsonNode;
import io.apicurio.registry.rules.compatibility.protobuf.ProtobufCompatibilityCheckerLibrary;
import io.apicurio.registry.utils.protobuf.schema.ProtobufFile;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;

/**
 * Writes golden verdicts about pairs of schemas, one pair a line: of Apache Avro 1.12.0 about those in Avro, with
 * random ones behind those that are written by hand, and of Apicurio Registry 2.6.2 about those in Protobuf. Both
 * are under the Apache License 2.0.
 *
 * <pre>java -cp "$JUDGES/*" integration/java/SchemaVerdicts.java \
 *     kafka-client/formats/tests/pairs kafka-client/formats/tests/golden</pre>
 *
 * The output is the same in every run.
 */
public class SchemaVerdicts {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final int RANDOM_PAIRS = 1500;

    public static void main(String[] args) throws Exception {
        Path pairs = Path.of(args[0]);
        Path golden = Path.of(args[1]);
        Files.createDirectories(golden);
        try (PrintStream out = stream(golden.resolve("avro.jsonl"))) {
            for (JsonNode pair : read(pairs.resolve("avro.jsonl"))) {
                avro(out, pair.get("name").asText(), pair.get("old").asText(), pair.get("new").asText());
            }
            for (int number = 0; number < RANDOM_PAIRS; number++) {
                Random random = new Random(number);
                Maker maker = new Maker(random);
                Object old = maker.schema(3);
                Object changed = number % 4 == 0 ? new Maker(random).schema(3) : maker.changed(old);
                avro(out, "random " + number, JSON.writeValueAsString(old), JSON.writeValueAsString(changed));
            }
        }
        try (PrintStream out = stream(golden.resolve("protobuf.jsonl"))) {
            for (JsonNode pair : read(pairs.resolve("protobuf.jsonl"))) {
                Map<String, Object> line = line(pair.get("name").asText());
                line.put("old", pair.get("old").asText());
                line.put("new", pair.get("new").asText());
                ProtobufFile before = new ProtobufFile(pair.get("old").asText());
                ProtobufFile after = new ProtobufFile(pair.get("new").asText());
                line.put("apicurio", new ProtobufCompatibilityCheckerLibrary(before, after).validate());
                out.print(JSON.writeValueAsString(line) + "\n");
            }
        }
    }

    /** Both ways. Pairs that are no schemas are left out: random ones may have a name twice. */
    private static void avro(PrintStream out, String name, String old, String changed) throws Exception {
        Schema before;
        Schema after;
        try {
            before = parse(old);
            after = parse(changed);
        } catch (RuntimeException error) {
            return;
        }
        Map<String, Object> line = line(name);
        line.put("old", old);
        line.put("new", changed);
        line.put("new_reads_old", reads(after, before));
        line.put("old_reads_new", reads(before, after));
        out.print(JSON.writeValueAsString(line) + "\n");
    }

    private static Schema parse(String text) {
        Schema.Parser parser = new Schema.Parser();
        parser.setValidateDefaults(false);
        return parser.parse(text);
    }

    private static boolean reads(Schema reader, Schema writer) {
        return SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getType()
            == SchemaCompatibilityType.COMPATIBLE;
    }

    private static Map<String, Object> line(String name) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("name", name);
        return line;
    }

    private static List<JsonNode> read(Path path) throws Exception {
        List<JsonNode> nodes = new ArrayList<>();
        for (String line : Files.readAllLines(path)) {
            nodes.add(JSON.readTree(line));
        }
        return nodes;
    }

    private static PrintStream stream(Path path) throws Exception {
        return new PrintStream(path.toFile(), StandardCharsets.UTF_8);
    }

    /** Makes random schemas of few names, so that two are often alike, and changes one place of a schema. */
    private static final class Maker {
        private static final String[] PRIMITIVES = {
            "null", "boolean", "int", "long", "float", "double", "bytes", "string",
        };

        private final Random random;
        private int named;

        Maker(Random random) {
            this.random = random;
        }

        Object schema(int depth) {
            int kind = depth == 0 ? 0 : random.nextInt(9);
            Map<String, Object> made = new LinkedHashMap<>();
            switch (kind) {
                case 3:
                    made.put("type", "array");
                    made.put("items", schema(depth - 1));
                    return made;
                case 4:
                    made.put("type", "map");
                    made.put("values", schema(depth - 1));
                    return made;
                case 5: {
                    Map<String, Object> branches = new LinkedHashMap<>();
                    for (int count = 1 + random.nextInt(3); count > 0; count--) {
                        Object branch = schema(depth - 1);
                        if (!(branch instanceof List)) {
                            branches.put(kindOf(branch), branch);
                        }
                    }
                    return new ArrayList<>(branches.values());
                }
                case 6:
                    made.put("type", "enum");
                    made.put("name", "E" + named++);
                    made.put("symbols", new ArrayList<>(List.of("A", "B", "C").subList(0, 1 + random.nextInt(3))));
                    if (random.nextInt(3) == 0) {
                        made.put("default", "A");
                    }
                    return made;
                case 7:
                    if (random.nextInt(3) == 0) {
                        made.put("type", "fixed");
                        made.put("name", "F" + named++);
                        made.put("size", 1 + random.nextInt(3));
                        return made;
                    }
                    return record(depth);
                case 8:
                    return record(depth);
                default:
                    return PRIMITIVES[random.nextInt(PRIMITIVES.length)];
            }
        }

        private Map<String, Object> record(int depth) {
            Map<String, Object> made = new LinkedHashMap<>();
            made.put("type", "record");
            made.put("name", "R" + named++);
            List<Object> fields = new ArrayList<>();
            for (int count = random.nextInt(4); count > 0; count--) {
                fields.add(field("f" + count, schema(depth - 1)));
            }
            made.put("fields", fields);
            return made;
        }

        private Map<String, Object> field(String name, Object type) {
            Map<String, Object> field = new LinkedHashMap<>();
            field.put("name", name);
            field.put("type", type);
            if (random.nextInt(3) == 0) {
                field.put("default", null);
            }
            return field;
        }

        private static String kindOf(Object schema) {
            if (schema instanceof Map<?, ?> map) {
                return map.containsKey("name") ? (String) map.get("name") : (String) map.get("type");
            }
            return (String) schema;
        }

        /** A copy with a change somewhere. */
        @SuppressWarnings("unchecked")
        Object changed(Object schema) {
            if (schema instanceof List<?> branches) {
                List<Object> copy = new ArrayList<>(branches);
                int place = random.nextInt(Math.max(1, copy.size()));
                switch (copy.isEmpty() ? 2 : random.nextInt(3)) {
                    case 0 -> copy.remove(place);
                    case 1 -> copy.set(place, changed(copy.get(place)));
                    default -> copy.add(PRIMITIVES[random.nextInt(PRIMITIVES.length)]);
                }
                return copy;
            }
            if (!(schema instanceof Map)) {
                return switch (random.nextInt(3)) {
                    case 0 -> List.of("null".equals(schema) ? "int" : "null", schema);
                    default -> PRIMITIVES[random.nextInt(PRIMITIVES.length)];
                };
            }
            Map<String, Object> copy = new LinkedHashMap<>((Map<String, Object>) schema);
            switch ((String) copy.get("type")) {
                case "array" -> copy.put("items", changed(copy.get("items")));
                case "map" -> copy.put("values", changed(copy.get("values")));
                case "fixed" -> copy.put("size", 1 + random.nextInt(3));
                case "enum" -> {
                    List<String> symbols = List.of("A", "B", "C", "D").subList(0, 1 + random.nextInt(4));
                    copy.put("symbols", symbols);
                }
                default -> copy.put("fields", changedFields((List<Object>) copy.get("fields")));
            }
            if (copy.containsKey("name") && random.nextInt(6) == 0) {
                if (random.nextBoolean()) {
                    copy.put("aliases", List.of(copy.get("name")));
                }
                copy.put("name", copy.get("name") + "x");
            }
            return copy;
        }

        @SuppressWarnings("unchecked")
        private List<Object> changedFields(List<Object> fields) {
            List<Object> copy = new ArrayList<>(fields);
            if (copy.isEmpty() || random.nextInt(4) == 0) {
                copy.add(field("g", PRIMITIVES[random.nextInt(PRIMITIVES.length)]));
                return copy;
            }
            int place = random.nextInt(copy.size());
            Map<String, Object> field = new LinkedHashMap<>((Map<String, Object>) copy.get(place));
            switch (random.nextInt(4)) {
                case 0 -> copy.remove(place);
                case 1 -> {
                    if (random.nextBoolean()) {
                        field.put("aliases", List.of(field.get("name")));
                    }
                    field.put("name", field.get("name") + "x");
                    copy.set(place, field);
                }
                default -> {
                    field.put("type", changed(field.get("type")));
                    copy.set(place, field);
                }
            }
            return copy;
        }
    }
}
