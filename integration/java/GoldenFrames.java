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
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.InvalidMetadataException;
import org.apache.kafka.common.errors.RefreshRetriableException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.ConsumerProtocolAssignment;
import org.apache.kafka.common.message.ConsumerProtocolSubscription;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.LeaderChangeMessageJsonConverter;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
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
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

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
    /** What brokers send each other over listeners that are open to clients. */
    private static final Set<ApiKeys> BETWEEN_BROKERS = EnumSet.of(
        ApiKeys.INITIALIZE_SHARE_GROUP_STATE, ApiKeys.READ_SHARE_GROUP_STATE,
        ApiKeys.WRITE_SHARE_GROUP_STATE, ApiKeys.DELETE_SHARE_GROUP_STATE,
        ApiKeys.READ_SHARE_GROUP_STATE_SUMMARY);

    /** What a broker offers to clients. */
    private static final List<ApiKeys> APIS = ApiKeys.brokerApis().stream()
        .filter(api -> !BETWEEN_BROKERS.contains(api)).sorted().toList();

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
        try (PrintStream out = open(messages.resolve("error_codes.txt"), "the error codes of answers",
            "<code> <name> <class>",
            "The class is the narrowest of these that the code's exception belongs to:",
            "InvalidMetadataException, RefreshRetriableException, RetriableException, else `-`.")) {
            for (Errors error : Errors.values()) {
                out.printf("%d %s %s%n", error.code(), error.name(), classOf(error.exception()));
            }
        }
        try (PrintStream out = open(messages.resolve("records.txt"), "record batches",
            "<codec> <variant> <hex> <json>",
            "The json says what is in the batch. Bytes are hex. A record with \"valueSize\" instead of",
            "\"value\" has a value whose byte i is (7 * i + offset of the record) mod 251.",
            "The variants that begin with `v0_` or `v1_` are in the message formats before record",
            "batches. Their json is an array of what Kafka counts as batches: a message without codec,",
            "or one with a codec, which contains the records.")) {
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

    private static String classOf(Exception exception) {
        for (Class<?> type : List.of(InvalidMetadataException.class, RefreshRetriableException.class,
                RetriableException.class)) {
            if (type.isInstance(exception)) {
                return type.getSimpleName();
            }
        }
        return "-";
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
            // What compaction writes: the base timestamp is the delete horizon.
            line(out, name, "delete_horizon",
                batch(compression, transactional, threeRecords(), 1_700_000_700_000L), true);
            line(out, name, "delete_horizon_append_time", batch(compression,
                transactional.with(TimestampType.LOG_APPEND_TIME, 1_700_000_009_999L),
                threeRecords(), 1_700_000_700_000L), true);
            batch(out, name, "many", compression, PLAIN, manyRecords(), true);
            if (!name.equals("none")) {
                // More than one block of each codec's framing.
                batch(out, name, "large", compression, PLAIN, largeRecords(), false);
            }
        }
        controlRecords(out);
        codecs.remove("zstd");
        codecs.forEach((name, compression) -> oldFormats(out, name, compression));
    }

    private static void controlRecords(PrintStream out) {
        long time = 1_700_000_000_123L;
        for (ControlRecordType type : List.of(ControlRecordType.COMMIT, ControlRecordType.ABORT)) {
            line(out, "none", type.name().toLowerCase() + "_marker",
                MemoryRecords.withEndTransactionMarker(9L, time, 42, 77L, (short) 3,
                    new EndTransactionMarker(type, 13)), true);
        }
        LeaderChangeMessage change = new LeaderChangeMessage()
            .setLeaderId(2)
            .setVoters(List.of(voter(1), voter(2), voter(3)))
            .setGrantingVoters(List.of(voter(2), voter(3)));
        line(out, "none", "leader_change", MemoryRecords.withLeaderChangeMessage(11L, time, 6,
            ByteBuffer.allocate(1 << 10), change), true);
        line(out, "none", "snapshot_header", MemoryRecords.withSnapshotHeaderRecord(0L, time, 6,
            ByteBuffer.allocate(1 << 10),
            new SnapshotHeaderRecord().setLastContainedLogTimestamp(time - 1)), true);
        line(out, "none", "snapshot_footer", MemoryRecords.withSnapshotFooterRecord(4L, time, 6,
            ByteBuffer.allocate(1 << 10), new SnapshotFooterRecord()), true);
        line(out, "none", "kraft_version", MemoryRecords.withKRaftVersionRecord(1L, time, 6,
            ByteBuffer.allocate(1 << 10), new KRaftVersionRecord().setKRaftVersion((short) 1)), true);
        line(out, "none", "kraft_voters", MemoryRecords.withVotersRecord(2L, time, 6,
            ByteBuffer.allocate(1 << 10), new VotersRecord()), true);

        // No release writes this version of the message yet, but its definition has it.
        change.setVersion((short) 1);
        change.voters().forEach(voter -> voter.setVoterDirectoryId(new Uuid(5, voter.voterId())));
        change.grantingVoters().forEach(
            voter -> voter.setVoterDirectoryId(new Uuid(5, voter.voterId())));
        ByteBuffer buffer = ByteBuffer.allocate(1 << 10);
        try (MemoryRecordsBuilder builder = new MemoryRecordsBuilder(buffer,
                RecordBatch.MAGIC_VALUE_V2, Compression.NONE, TimestampType.CREATE_TIME, 11L, time,
                RecordBatch.NO_PRODUCER_ID, RecordBatch.NO_PRODUCER_EPOCH, RecordBatch.NO_SEQUENCE,
                false, true, 6, buffer.capacity())) {
            builder.appendControlRecord(time, ControlRecordType.LEADER_CHANGE,
                MessageUtil.toByteBufferAccessor(change, (short) 1).buffer());
            line(out, "none", "leader_change_v1", builder.build(), true);
        }
    }

    private static LeaderChangeMessage.Voter voter(int id) {
        return new LeaderChangeMessage.Voter().setVoterId(id);
    }

    /** Message sets as they were before record batches: Kafka's classes still write them. */
    private static void oldFormats(PrintStream out, String codec, Compression compression) {
        List<SimpleRecord> three = new ArrayList<>();
        for (SimpleRecord record : threeRecords()) {
            three.add(new SimpleRecord(record.timestamp(), record.key(), record.value()));
        }
        long[] inRow = {1_000_000_007L, 1_000_000_008L, 1_000_000_009L};
        long[] withGaps = {1_000_000_007L, 1_000_000_011L, 1_000_000_040L};
        long[] fromZero = {0, 1, 2, 3};
        byte v0 = RecordBatch.MAGIC_VALUE_V0;
        byte v1 = RecordBatch.MAGIC_VALUE_V1;
        TimestampType created = TimestampType.CREATE_TIME;
        TimestampType appended = TimestampType.LOG_APPEND_TIME;
        set(out, codec, "v0_set", oldFormat(v0, compression, created, inRow, three), true);
        set(out, codec, "v0_gaps", oldFormat(v0, compression, created, withGaps, three), true);
        MemoryRecords first = oldFormat(v1, compression, created, inRow, three);
        set(out, codec, "v1_set", first, true);
        set(out, codec, "v1_gaps", oldFormat(v1, compression, created, withGaps, three), true);
        set(out, codec, "v1_append_time", oldFormat(v1, compression, appended, inRow, three), true);

        if (!codec.equals("none")) {
            set(out, codec, "v0_large",
                oldFormat(v0, compression, created, fromZero, largeRecords()), false);
            set(out, codec, "v1_large",
                oldFormat(v1, compression, created, fromZero, largeRecords()), false);
        }

        // The offset is not covered by the checksum.
        ByteBuffer zero = copy(first.buffer());
        zero.putLong(0, 0);
        set(out, codec, "v1_offset_0", MemoryRecords.readableRecords(zero), true);

        // A segment that was begun before two upgrades of the message format.
        ByteBuffer all = ByteBuffer.allocate(1 << 16);
        all.put(oldFormat(v0, compression, created, fromZero, three).buffer().duplicate());
        all.put(oldFormat(v1, compression, created, new long[] {3, 4, 5}, three).buffer().duplicate());
        all.put(batch(compression, new Head(created, 6L, RecordBatch.NO_TIMESTAMP, 5L, (short) 1, 0,
            false, 42), threeRecords()).buffer().duplicate());
        all.flip();
        set(out, codec, "v0_v1_v2", MemoryRecords.readableRecords(all), true);
    }

    private static MemoryRecords oldFormat(byte magic, Compression compression,
            TimestampType timestamps, long[] offsets, List<SimpleRecord> records) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        try (MemoryRecordsBuilder builder = MemoryRecords.builder(buffer, magic, compression,
                timestamps, offsets[0], 1_700_000_009_999L)) {
            for (int i = 0; i < records.size(); i++) {
                builder.appendWithOffset(offsets[i], records.get(i));
            }
            return builder.build();
        }
    }

    private static ByteBuffer copy(ByteBuffer bytes) {
        ByteBuffer copy = ByteBuffer.allocate(bytes.remaining());
        copy.put(bytes.duplicate());
        return copy.flip();
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
        return batch(compression, head, records, RecordBatch.NO_TIMESTAMP);
    }

    private static MemoryRecords batch(Compression compression, Head head, List<SimpleRecord> records,
            long deleteHorizonMs) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        try (MemoryRecordsBuilder builder = new MemoryRecordsBuilder(new ByteBufferOutputStream(buffer),
                RecordBatch.MAGIC_VALUE_V2, compression, head.timestamps, head.baseOffset,
                head.appendTime, head.producerId, head.producerEpoch, head.sequence,
                head.transactional, false, head.leaderEpoch, buffer.capacity(), deleteHorizonMs)) {
            records.forEach(builder::append);
            return builder.build();
        }
    }

    private static void line(PrintStream out, String codec, String variant, MemoryRecords records,
            boolean withValues) {
        out.printf("%s %s %s %s%n", codec, variant, hex(records.buffer()),
            describe(records.batches().iterator().next(), withValues));
    }

    private static void set(PrintStream out, String codec, String variant, MemoryRecords records,
            boolean withValues) {
        StringJoiner batches = new StringJoiner(",", "[", "]");
        for (RecordBatch batch : records.batches()) {
            batches.add(describe(batch, withValues));
        }
        out.printf("%s %s %s %s%n", codec, variant, hex(records.buffer()), batches);
    }

    /** Read back by Kafka's own reader, so that the description is of the bytes. */
    private static String describe(RecordBatch batch, boolean withValues) {
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
            .append(",\"deleteHorizonMs\":").append(deleteHorizon(batch))
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
            json.append(']');
            if (batch.isControlBatch()) {
                json.append(",\"control\":").append(control(record));
            }
            json.append('}');
            comma = ",";
        }
        return json.append("]}").toString();
    }

    private static String deleteHorizon(RecordBatch batch) {
        return batch.deleteHorizonMs().isPresent()
            ? Long.toString(batch.deleteHorizonMs().getAsLong()) : "null";
    }

    private static String control(org.apache.kafka.common.record.internal.Record record) {
        ControlRecordType type = ControlRecordType.parse(record.key());
        String value = switch (type) {
            case ABORT, COMMIT -> "{\"coordinatorEpoch\":"
                + EndTransactionMarker.deserialize(record).coordinatorEpoch() + "}";
            case LEADER_CHANGE -> {
                // Kafka's reader takes each version for 0; the message says which it is.
                short version = record.value().getShort();
                yield LeaderChangeMessageJsonConverter.write(new LeaderChangeMessage(
                    new ByteBufferAccessor(record.value()), version), version).toString();
            }
            default -> "{}";
        };
        return "{\"type\":\"" + type + "\",\"value\":" + value + "}";
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
