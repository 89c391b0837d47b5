"""Three faults as a client in Python meets them.

Arguments: the broker, and the address of its endpoint for faults.
"""

import json
import sys
import time
import urllib.request

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

bootstrap, endpoint = sys.argv[1:]


def call(method, path, body=None):
    request = urllib.request.Request(endpoint + path, json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def produce(value, **config):
    delivered = []
    producer = Producer({"bootstrap.servers": bootstrap, **config})
    producer.produce("orders", value, on_delivery=lambda error, message: delivered.append((error, message)))
    assert producer.flush(20) == 0, "not delivered"
    [(error, message)] = delivered
    assert error is None, error
    return message.offset()


def end_offset():
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none"})
    _, end = consumer.get_watermark_offsets(TopicPartition("orders", 0), timeout=10)
    consumer.close()
    return end


admin = AdminClient({"bootstrap.servers": bootstrap})
admin.create_topics([NewTopic("orders", 1)])["orders"].result()

# The answer to a batch is lost: an idempotent producer sends it again, and it is there once.
fault = call("POST", "/faults", {"when": {"api": "Produce"}, "then": ["apply", "close"]})
produce(b"once", **{"enable.idempotence": True})
assert end_offset() == 1
[told] = [one for one in call("GET", "/faults") if one["id"] == fault["id"]]
assert told["hits"] == 1, told
print("lost answer")

# A batch is refused twice, and then taken.
refuse = {"when": {"api": "Produce", "times": 2}, "then": [{"error": "NOT_ENOUGH_REPLICAS"}]}
call("POST", "/faults", refuse)
began = time.monotonic()
assert produce(b"later", **{"retry.backoff.ms": 200}) == 1
assert time.monotonic() - began >= 0.4
sent = [one for one in call("GET", "/journal") if one["api"] == "Produce"]
assert len(sent) == 5, sent
print("long delivery")

# The coordinator moves: a consumer commits all the same.
group = {"group.id": "g", "auto.offset.reset": "earliest", "enable.auto.commit": False}
consumer = Consumer({"bootstrap.servers": bootstrap, **group})
consumer.subscribe(["orders"])
message = consumer.poll(20)
assert message is not None and message.error() is None, message
call("POST", "/state/move_coordinator", {"group": "g"})
consumer.commit(message, asynchronous=False)
[committed] = consumer.committed([TopicPartition("orders", 0)], timeout=10)
assert committed.offset == 1, committed
consumer.close()
print("moved coordinator")
