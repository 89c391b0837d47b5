import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.ConsumerProtocolAssignment;
import org.apache.kafka.common.message.ConsumerProtocolSubscription;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;

/**
 * Writes golden bytes: what Apache Kafka's own classes put on the wire, with the values beside it.
 *
 * <pre>java -cp "$KAFKA_JARS/*" integration/java/GoldenFrames.java \
 *     kafka-client/protocol/tests/golden integration/golden</pre>
 *
 * The first directory gets messages and record batches, the second the records that a group
 * coordinator keeps in __consumer_offsets. The output is the same in every run.
 */
public class GoldenFrames {
    private static final List<ApiKeys> APIS = List.of(
        ApiKeys.API_VERSIONS, ApiKeys.METADATA, ApiKeys.PRODUCE, ApiKeys.FETCH,
        ApiKeys.LIST_OFFSETS, ApiKeys.FIND_COORDINATOR, ApiKeys.JOIN_GROUP, ApiKeys.SYNC_GROUP,
        ApiKeys.HEARTBEAT, ApiKeys.LEAVE_GROUP, ApiKeys.OFFSET_COMMIT, ApiKeys.OFFSET_FETCH,
        ApiKeys.INIT_PRODUCER_ID, ApiKeys.CREATE_TOPICS, ApiKeys.DELETE_TOPICS,
        ApiKeys.DESCRIBE_GROUPS, ApiKeys.LIST_GROUPS, ApiKeys.DESCRIBE_CLUSTER);

    /** How a message is filled. */
    private enum Variant {
        /** As the class makes it: defaults, empty arrays. */
        DEFAULT("default"),
        /** Every field of the version set, arrays of two, tagged fields too. */
        SET("set"),
        /** Like SET with arrays of one, and every field that can be null is null. */
        NULL("null"),
        /** Like SET, plus tagged fields that no version knows. Flexible versions only. */
        UNKNOWN_TAGS("unknown_tags");

        final String word;

        Variant(String word) {
            this.word = word;
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 2) {
            System.err.println("usage: GoldenFrames MESSAGES_DIRECTORY COORDINATOR_DIRECTORY");
            System.exit(2);
        }
        Path messages = Files.createDirectories(Path.of(args[0]));
        Path coordinator = Files.createDirectories(Path.of(args[1]));

        for (ApiKeys api : APIS) {
            String name = api.name().toLowerCase();
            try (PrintStream out = open(messages.resolve(name + ".txt"), "message bodies of " + api.name
                + " (API key " + api.id + "), without header and length prefix",
                "<Request|Response> v<version> <variant> <hex> <json>", VARIANTS)) {
                String base = "org.apache.kafka.common.message." + api.name;
                message(out, "Request", base + "RequestData", false);
                message(out, "Response", base + "ResponseData", false);
            }
        }
        try (PrintStream out = open(messages.resolve("headers.txt"), "request and response headers",
            "<Request|Response> v<version> <variant> <hex> <json>", VARIANTS)) {
            message(out, "Request", RequestHeaderData.class.getName(), false);
            message(out, "Response", ResponseHeaderData.class.getName(), false);
        }
        try (PrintStream out = open(messages.resolve("header_versions.txt"),
            "the header versions that belong to each version of each API",
            "<api key> <name> v<version> <request header version> <response header version>")) {
            for (ApiKeys api : APIS) {
                for (short v = api.messageType.lowestSupportedVersion();
                        v <= api.messageType.highestSupportedVersion(true); v++) {
                    out.printf("%d %s v%d %d %d%n", api.id, api.name, v,
                        api.requestHeaderVersion(v), api.responseHeaderVersion(v));
                }
            }
        }
        try (PrintStream out = open(messages.resolve("consumer_protocol.txt"),
            "subscriptions and assignments of the classic group protocol, "
                + "with the two bytes of version in front, as they travel in JoinGroup and SyncGroup",
            "<Subscription|Assignment> v<version> <variant> <hex> <json>", VARIANTS)) {
            message(out, "Subscription", ConsumerProtocolSubscription.class.getName(), true);
            message(out, "Assignment", ConsumerProtocolAssignment.class.getName(), true);
        }
        try (PrintStream out = open(messages.resolve("records.txt"), "record batches",
            "<codec> <variant> <hex> <json>",
            "The json says what is in the batch. Bytes are hex. A record with \"valueSize\" instead of",
            "\"value\" has a value whose byte i is (7 * i + offset of the record) mod 251.",
            "Variant `magic1` is in the message format before record batches.")) {
            records(out);
        }
        try (PrintStream out = open(messages.resolve("consumer_offsets.txt"),
            "keys and values of records in __consumer_offsets, " + PREFIXES,
            "<key or value> v<version> <variant> <hex> <json>", VARIANTS)) {
            for (org.apache.kafka.coordinator.group.generated.CoordinatorRecordType type
                    : org.apache.kafka.coordinator.group.generated.CoordinatorRecordType.values()) {
                coordinatorRecord(out, type.newRecordKey(), type.newRecordValue());
            }
        }
        try (PrintStream out = open(messages.resolve("transaction_state.txt"),
            "keys and values of records in __transaction_state, " + PREFIXES,
            "<key or value> v<version> <variant> <hex> <json>", VARIANTS)) {
            for (org.apache.kafka.coordinator.transaction.generated.CoordinatorRecordType type
                    : org.apache.kafka.coordinator.transaction.generated.CoordinatorRecordType.values()) {
                coordinatorRecord(out, type.newRecordKey(), type.newRecordValue());
            }
        }
        try (PrintStream out = open(coordinator.resolve("consumer_offsets.txt"),
            "keys and values of records in __consumer_offsets, with the two bytes of type (key) "
                + "or version (value) in front",
            "<OffsetCommitKey|OffsetCommitValue|GroupMetadataKey|GroupMetadataValue> v<version> "
                + "<variant> <hex> <json>", VARIANTS)) {
            for (String name : List.of("OffsetCommitKey", "OffsetCommitValue",
                    "GroupMetadataKey", "GroupMetadataValue")) {
                message(out, name, "org.apache.kafka.coordinator.group.generated." + name, true);
            }
        }
    }

    private static final String PREFIXES =
        "with the two bytes of type (key) or version (value) in front";

    private static final String VARIANTS = """
        Variants: `default` as the class makes it; `set` every field of the version set, arrays of two,
        tagged fields included; `null` as `set`, with arrays of one and null wherever it is allowed;
        `unknown_tags` as `set`, with tagged fields that no version knows. The json has the values as
        Kafka's own converter writes them (bytes are base64; record batches appear as their size in
        bytes; they are the batch that line `none set` of records.txt shows).""";

    private static PrintStream open(Path path, String what, String format, String... notes)
            throws Exception {
        PrintStream out = new PrintStream(Files.newOutputStream(path), false, StandardCharsets.UTF_8);
        out.println("# Golden bytes: " + what + ".");
        out.println("# Origin: the classes of Apache Kafka "
            + org.apache.kafka.common.utils.AppInfoParser.getVersion()
            + " (its published jars), written by integration/java/GoldenFrames.java.");
        out.println("# One case a line: " + format);
        for (String note : notes) {
            note.lines().forEach(line -> out.println("# " + line));
        }
        return out;
    }

    // ---- messages, filled by what the schema of a version says ----

    private static void message(PrintStream out, String kind, String className, boolean prefixed)
            throws Exception {
        Class<?> type = Class.forName(className);
        short lowest = type.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
        short highest = type.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
        Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
        for (short version = lowest; version <= highest; version++) {
            Schema schema = schemas[version];
            for (Variant variant : Variant.values()) {
                if (variant == Variant.UNKNOWN_TAGS && !isFlexible(schema)) {
                    continue;
                }
                Message data = (Message) type.getConstructor().newInstance();
                if (variant != Variant.DEFAULT) {
                    fill(data, schema, variant, kind, 0);
                }
                ByteBuffer bytes;
                if (!prefixed) {
                    bytes = MessageUtil.toByteBufferAccessor(data, version).buffer();
                } else if (kind.endsWith("Key")) {
                    // The key's type is what its readers look at first, not a version.
                    bytes = MessageUtil.toCoordinatorTypePrefixedByteBuffer((ApiMessage) data);
                } else {
                    bytes = MessageUtil.toVersionPrefixedByteBuffer(version, data);
                }
                out.printf("%s v%d %s %s %s%n", kind, version, variant.word, hex(bytes),
                    json(data, version));
            }
        }
    }

    private static void coordinatorRecord(PrintStream out, ApiMessage key, ApiMessage value)
            throws Exception {
        for (ApiMessage message : List.of(key, value)) {
            message(out, message.getClass().getSimpleName(), message.getClass().getName(), true);
        }
    }

    private static boolean isFlexible(Schema schema) {
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields) {
                return true;
            }
        }
        return false;
    }

    /** `index` makes the elements of an array differ. */
    private static void fill(Message data, Schema schema, Variant variant, String path, int index)
            throws Exception {
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tagged) {
                for (Field field : tagged.fields().values()) {
                    set(data, field, variant, path, index);
                }
                if (variant == Variant.UNKNOWN_TAGS) {
                    data.unknownTaggedFields().add(new RawTaggedField(200, new byte[] {1, 2, 3}));
                    data.unknownTaggedFields().add(new RawTaggedField(90_000, new byte[0]));
                }
            } else {
                set(data, bound.def, variant, path, index);
            }
        }
    }

    private static void set(Message data, Field field, Variant variant, String path, int index)
            throws Exception {
        Method setter = setter(data.getClass(), field.name);
        Class<?> java = setter.getParameterTypes()[0];
        String inner = path + "." + field.name;
        Object value;
        if (variant == Variant.NULL && field.type.isNullable()) {
            value = null;
        } else if (field.type.isArray()) {
            value = elements(setter, field.type.arrayElementType().orElseThrow(), variant, inner);
        } else if (field.type instanceof Schema schema) {
            Message struct = (Message) java.getConstructor().newInstance();
            fill(struct, schema, variant, inner, index);
            value = struct;
        } else if (field.type == Type.UINT16) {
            value = (int) scalar(int.class, field.name, inner, index) & 0xffff;
        } else {
            value = scalar(java, field.name, inner, index);
        }
        try {
            setter.invoke(data, value);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException("cannot set " + inner, e.getCause());
        }
    }

    private static Object elements(Method setter, Type element, Variant variant, String path)
            throws Exception {
        Class<?> java = setter.getParameterTypes()[0];
        int length = variant == Variant.NULL ? 1 : 2;
        if (java == byte[].class || java == ByteBuffer.class) {
            throw new IllegalStateException(path + ": bytes are no array");
        }
        // Collections of structs with a key are classes of their own; the others are lists.
        @SuppressWarnings("unchecked")
        Collection<Object> all = java == List.class
            ? new ArrayList<>()
            : (Collection<Object>) java.getConstructor().newInstance();
        Class<?> of = java == List.class
            ? (Class<?>) ((ParameterizedType) setter.getGenericParameterTypes()[0])
                .getActualTypeArguments()[0]
            : null;
        for (int i = 0; i < length; i++) {
            if (element instanceof Schema schema) {
                Class<?> struct = of != null ? of : elementOfCollection(java);
                Message data = (Message) struct.getConstructor().newInstance();
                fill(data, schema, variant, path, i);
                all.add(data);
            } else {
                all.add(scalar(of, path.substring(path.lastIndexOf('.') + 1), path, i));
            }
        }
        return all;
    }

    private static Class<?> elementOfCollection(Class<?> collection) {
        ParameterizedType parent = (ParameterizedType) collection.getGenericSuperclass();
        return (Class<?>) parent.getActualTypeArguments()[0];
    }

    private static Method setter(Class<?> type, String snake) {
        String wanted = "set" + snake.replace("_", "");
        for (Method method : type.getMethods()) {
            if (method.getName().equalsIgnoreCase(wanted) && method.getParameterCount() == 1) {
                return method;
            }
        }
        throw new IllegalStateException(type.getName() + " has no setter for " + snake);
    }

    /** A value that tells by itself which field it belongs to; sensible where only some make sense. */
    private static Object scalar(Class<?> java, String name, String path, int index) {
        Object sensible = switch (name) {
            case "error_code" -> (short) new int[] {3, 27}[index % 2];
            case "acks" -> (short) -1;
            case "isolation_level", "key_type" -> (byte) 1;
            case "magic" -> (byte) 2;
            default -> null;
        };
        if (sensible != null) {
            return sensible;
        }
        CRC32 crc = new CRC32();
        crc.update((path + index).getBytes(StandardCharsets.UTF_8));
        long hash = crc.getValue() * 0x9E3779B97F4A7C15L;
        if (java == boolean.class || java == Boolean.class) {
            return index % 2 == 0;
        } else if (java == byte.class || java == Byte.class) {
            return (byte) (hash >> 40);
        } else if (java == short.class || java == Short.class) {
            return (short) (hash >> 40);
        } else if (java == int.class || java == Integer.class) {
            return (int) (hash >> 24);
        } else if (java == long.class || java == Long.class) {
            return hash;
        } else if (java == double.class || java == Double.class) {
            return (hash >> 40) / 16.0;
        } else if (java == String.class) {
            // Two bytes of UTF-8 for one letter, so that lengths in letters and bytes differ.
            return name.replace('_', '-') + "-ü" + index;
        } else if (java == Uuid.class) {
            return new Uuid(hash, Long.rotateLeft(hash, 17) | 1);
        } else if (java == byte[].class) {
            return ("bytes of " + name + " " + index).getBytes(StandardCharsets.UTF_8);
        } else if (java == ByteBuffer.class) {
            return ByteBuffer.wrap(("bytes of " + name + " " + index).getBytes(StandardCharsets.UTF_8));
        } else if (java.isAssignableFrom(MemoryRecords.class)) {
            return batch(Compression.NONE, PLAIN, threeRecords());
        }
        throw new IllegalStateException(path + ": no value for " + java);
    }

    private static JsonNode json(Message data, short version) throws Exception {
        Class<?> converter = Class.forName(data.getClass().getName() + "JsonConverter");
        try {
            // With false, records appear as their size.
            return (JsonNode) converter
                .getMethod("write", data.getClass(), short.class, boolean.class)
                .invoke(null, data, version, false);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    // ---- record batches ----

    /** What the header of a batch says besides its codec. */
    private record Head(TimestampType timestamps, long baseOffset, long appendTime, long producerId,
                        short producerEpoch, int sequence, boolean transactional, int leaderEpoch) {
        Head with(TimestampType timestamps, long appendTime) {
            return new Head(timestamps, baseOffset, appendTime, producerId, producerEpoch, sequence,
                transactional, leaderEpoch);
        }

        Head from(long producerId, int producerEpoch, int sequence, boolean transactional) {
            return new Head(timestamps, baseOffset, appendTime, producerId, (short) producerEpoch,
                sequence, transactional, leaderEpoch);
        }
    }

    private static final Head PLAIN = new Head(TimestampType.CREATE_TIME, 0L,
        RecordBatch.NO_TIMESTAMP, RecordBatch.NO_PRODUCER_ID, RecordBatch.NO_PRODUCER_EPOCH,
        RecordBatch.NO_SEQUENCE, false, RecordBatch.NO_PARTITION_LEADER_EPOCH);

    private static void records(PrintStream out) {
        Map<String, Compression> codecs = new LinkedHashMap<>();
        codecs.put("none", Compression.NONE);
        codecs.put("gzip", Compression.of(CompressionType.GZIP).build());
        codecs.put("snappy", Compression.of(CompressionType.SNAPPY).build());
        codecs.put("lz4", Compression.of(CompressionType.LZ4).build());
        codecs.put("zstd", Compression.of(CompressionType.ZSTD).build());

        Head idempotent = PLAIN.from(4_294_967_301L, 3, Integer.MAX_VALUE - 1, false);
        Head transactional = PLAIN.from(77L, 0, 12, true);
        Head stored = new Head(TimestampType.CREATE_TIME, 1_000_000_007L, RecordBatch.NO_TIMESTAMP,
            5L, (short) 1, 0, false, 42);
        for (Map.Entry<String, Compression> codec : codecs.entrySet()) {
            String name = codec.getKey();
            Compression compression = codec.getValue();
            batch(out, name, "set", compression, PLAIN, threeRecords(), true);
            batch(out, name, "idempotent", compression, idempotent, threeRecords(), true);
            batch(out, name, "transactional", compression, transactional, threeRecords(), true);
            batch(out, name, "stored", compression, stored, threeRecords(), true);
            batch(out, name, "append_time", compression,
                PLAIN.with(TimestampType.LOG_APPEND_TIME, 1_700_000_009_999L), threeRecords(), true);
            batch(out, name, "many", compression, PLAIN, manyRecords(), true);
            if (!name.equals("none")) {
                // More than one block of each codec's framing.
                batch(out, name, "large", compression, PLAIN, largeRecords(), false);
            }
        }
        MemoryRecords marker = MemoryRecords.withEndTransactionMarker(9L, 1_700_000_000_123L, 42,
            77L, (short) 0, new EndTransactionMarker(ControlRecordType.COMMIT, 13));
        line(out, "none", "commit_marker", marker, true);

        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        try (MemoryRecordsBuilder old = MemoryRecords.builder(buffer, RecordBatch.MAGIC_VALUE_V1,
                Compression.NONE, TimestampType.CREATE_TIME, 0L)) {
            old.append(1_700_000_000_000L, bytes("key"), bytes("value"));
            line(out, "none", "magic1", old.build(), true);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<SimpleRecord> threeRecords() {
        return List.of(
            new SimpleRecord(1_700_000_000_000L, bytes("key-0"), bytes("value of record 0"),
                new Header[] {
                    new RecordHeader("trace", bytes("a1b2")),
                    new RecordHeader("empty", new byte[0]),
                    new RecordHeader("null", (byte[]) null),
                    new RecordHeader("trace", bytes("the same name again")),
                }),
            // No key, and older than the one before: a negative delta.
            new SimpleRecord(1_699_999_999_000L, null, bytes("")),
            // A tombstone.
            new SimpleRecord(1_700_000_000_500L, bytes("key-2"), (byte[]) null));
    }

    private static List<SimpleRecord> manyRecords() {
        List<SimpleRecord> all = new ArrayList<>();
        for (int i = 0; i < 150; i++) {
            all.add(new SimpleRecord(1_700_000_000_000L + i, bytes("k" + i % 7), bytes("value " + i)));
        }
        return all;
    }

    private static List<SimpleRecord> largeRecords() {
        List<SimpleRecord> all = new ArrayList<>();
        for (int record = 0; record < 4; record++) {
            byte[] value = new byte[70_000];
            for (int i = 0; i < value.length; i++) {
                value[i] = (byte) ((7 * i + record) % 251);
            }
            all.add(new SimpleRecord(1_700_000_000_000L, bytes("large-" + record), value));
        }
        return all;
    }

    private static void batch(PrintStream out, String codec, String variant, Compression compression,
            Head head, List<SimpleRecord> records, boolean withValues) {
        line(out, codec, variant, batch(compression, head, records), withValues);
    }

    private static MemoryRecords batch(Compression compression, Head head, List<SimpleRecord> records) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        try (MemoryRecordsBuilder builder = new MemoryRecordsBuilder(buffer,
                RecordBatch.MAGIC_VALUE_V2, compression, head.timestamps, head.baseOffset,
                head.appendTime, head.producerId, head.producerEpoch, head.sequence,
                head.transactional, false, head.leaderEpoch, buffer.capacity())) {
            records.forEach(builder::append);
            return builder.build();
        }
    }

    private static void line(PrintStream out, String codec, String variant, MemoryRecords records,
            boolean withValues) {
        out.printf("%s %s %s %s%n", codec, variant, hex(records.buffer()),
            describe(records, withValues));
    }

    /** Read back by Kafka's own reader, so that the description is of the bytes. */
    private static String describe(MemoryRecords records, boolean withValues) {
        RecordBatch batch = records.batches().iterator().next();
        StringBuilder json = new StringBuilder();
        json.append("{\"magic\":").append(batch.magic())
            .append(",\"baseOffset\":").append(batch.baseOffset())
            .append(",\"lastOffset\":").append(batch.lastOffset())
            .append(",\"partitionLeaderEpoch\":").append(batch.partitionLeaderEpoch())
            .append(",\"timestampType\":\"").append(batch.timestampType()).append('"')
            .append(",\"maxTimestamp\":").append(batch.maxTimestamp())
            .append(",\"producerId\":").append(batch.producerId())
            .append(",\"producerEpoch\":").append(batch.producerEpoch())
            .append(",\"baseSequence\":").append(batch.baseSequence())
            .append(",\"lastSequence\":").append(batch.lastSequence())
            .append(",\"isTransactional\":").append(batch.isTransactional())
            .append(",\"isControlBatch\":").append(batch.isControlBatch())
            .append(",\"records\":[");
        String comma = "";
        for (org.apache.kafka.common.record.internal.Record record : batch) {
            json.append(comma).append("{\"offset\":").append(record.offset())
                .append(",\"timestamp\":").append(record.timestamp())
                .append(",\"key\":").append(quoted(record.key()));
            if (withValues) {
                json.append(",\"value\":").append(quoted(record.value()));
            } else {
                json.append(",\"valueSize\":").append(record.valueSize());
            }
            json.append(",\"headers\":[");
            String between = "";
            for (Header header : record.headers()) {
                json.append(between).append("[\"").append(header.key()).append("\",")
                    .append(quoted(header.value() == null ? null : ByteBuffer.wrap(header.value())))
                    .append(']');
                between = ",";
            }
            json.append("]}");
            comma = ",";
        }
        return json.append("]}").toString();
    }

    private static String quoted(ByteBuffer bytes) {
        return bytes == null ? "null" : '"' + hex(bytes) + '"';
    }

    private static String hex(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return HexFormat.of().formatHex(copy);
    }
}
