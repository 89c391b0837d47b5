"""A record there and back by confluent-kafka, that is librdkafka.

Arguments: a topic, then properties as name=value. Prints the value that was read.
"""

import sys

from confluent_kafka import Consumer, Producer


def main() -> None:
    topic, *pairs = sys.argv[1:]
    config = dict(pair.split("=", 1) for pair in pairs)
    value = f"by confluent-kafka to {topic}"
    errors = []

    producer = Producer({**config, "error_cb": errors.append})
    producer.produce(topic, value.encode(), on_delivery=lambda error, _: error and errors.append(error))
    if producer.flush(20) or errors:
        sys.exit(f"not delivered: {errors}")

    group = {"group.id": topic, "auto.offset.reset": "earliest"}
    consumer = Consumer({**config, **group, "error_cb": errors.append})
    consumer.subscribe([topic])
    message = consumer.poll(20)
    if message is None or message.error():
        sys.exit(f"not received: {message and message.error()}, {errors}")
    print(message.value().decode())
    consumer.close()


main()
