"""What people do with confluent-kafka, and what comes of it, line by line.

Argument: the address of a broker. What it prints must be the same on every broker.
"""

import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def outcome(future):
    """The result of a future, or the name of its error."""
    try:
        return future.result(30)
    except KafkaException as error:
        return error.args[0].name()


def until(what, get, wanted):
    """Some answers follow a change a moment later."""
    for _ in range(100):
        got = get()
        if wanted(got):
            break
        time.sleep(0.1)
    print(what, got)


def main() -> None:
    address = sys.argv[1]
    admin = AdminClient({"bootstrap.servers": address})
    for name, future in admin.create_topics(
        [NewTopic("a", 2, 1, config={"retention.ms": "100000"}), NewTopic("b", 1, 5)]
    ).items():
        print("create", name, outcome(future))
    until("topics", lambda: sorted(admin.list_topics(timeout=20).topics), lambda all: "a" in all)
    print("grow", [outcome(one) for one in admin.create_partitions([NewPartitions("a", 3)]).values()])
    until("partitions", lambda: len(admin.list_topics("a", timeout=20).topics["a"].partitions), lambda n: n == 3)

    topic = ConfigResource(ResourceType.TOPIC, "a")
    configs = outcome(admin.describe_configs([topic])[topic])
    print("retention", configs["retention.ms"].value, configs["retention.ms"].source)
    change = ConfigResource(
        ResourceType.TOPIC,
        "a",
        incremental_configs=[
            ConfigEntry("retention.ms", "200000", incremental_operation=AlterConfigOpType.SET),
            ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND),
        ],
    )
    print("change", [outcome(one) for one in admin.incremental_alter_configs([change]).values()])
    until(
        "retention",
        lambda: outcome(admin.describe_configs([topic])[topic])["retention.ms"].value,
        lambda value: value == "200000",
    )

    for codec in CODECS:
        producer = Producer({"bootstrap.servers": address, "compression.type": codec, "enable.idempotence": True})
        for number in range(50):
            producer.produce("a", f"{codec} {number}" * 10, key=str(number), partition=number % 3)
        print("left after", codec, producer.flush(30))
    try:
        producer.produce("none-such", b"x")
        print("to an unknown topic", producer.flush(30))
    except KafkaException as error:
        print("to an unknown topic", error.args[0].name())

    group = {"bootstrap.servers": address, "group.id": "g", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer(group)
    consumer.subscribe(["^a$"])
    seen = []
    while len(seen) < 250:
        message = consumer.poll(20)
        if message is None or message.error():
            sys.exit(f"nothing after {len(seen)}: {message and message.error()}")
        seen.append((message.partition(), message.offset(), message.value()))
    print("read", len(seen), sorted({(partition, offset // 50) for partition, offset, _ in seen}))
    print("committed", sorted((one.partition, one.offset) for one in consumer.commit(asynchronous=False)))
    consumer.seek(TopicPartition("a", 1, 5))
    while True:
        message = consumer.poll(20)
        if message.partition() == 1:
            print("sought", message.offset(), message.value()[:12])
            break
    print("watermarks", consumer.get_watermark_offsets(TopicPartition("a", 0), timeout=20))
    described = outcome(admin.describe_consumer_groups(["g"])["g"])
    print("group", described.state.name, described.partition_assignor, len(described.members))
    consumer.close()

    offsets = outcome(list(admin.list_offsets({TopicPartition("a", 0): OffsetSpec.latest()}).values())[0])
    print("latest", offsets.offset)
    groups = outcome(admin.list_consumer_groups())
    print("groups", sorted((one.group_id, one.state.name) for one in groups.valid))
    print("delete records", [
        outcome(one).low_watermark for one in admin.delete_records([TopicPartition("a", 0, 10)]).values()
    ])
    print("delete group", [outcome(one) for one in admin.delete_consumer_groups(["g", "h"]).values()])
    print("acls", outcome(admin.describe_acls(any_rule())))
    print("delete", [outcome(one) for one in admin.delete_topics(["a", "c"]).values()])


def any_rule():
    from confluent_kafka.admin import (
        AclBindingFilter,
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
    )

    return AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )


main()
