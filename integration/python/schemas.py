"""Writes and reads records by the serializers of confluent-kafka, with a schema registry.

    python schemas.py write BOOTSTRAP REGISTRY   # records of each format and form, to topics python-FORMAT-FORM
    python schemas.py read BOOTSTRAP REGISTRY    # those in topics rust-FORMAT-FORM, one line of JSON each
    python schemas.py evolve BOOTSTRAP REGISTRY  # what the registry says of a schema that does not fit
"""

import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import (
    Schema,
    SchemaRegistryClient,
    SchemaRegistryError,
    header_schema_id_serializer,
    prefix_schema_id_serializer,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

AVRO = json.dumps({
    "type": "record", "name": "Order", "namespace": "shop",
    "fields": [
        {"name": "customer", "type": "string"},
        {"name": "cents", "type": "long"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
})
JSON = json.dumps({
    "$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object",
    "properties": {
        "customer": {"type": "string"},
        "cents": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["null", "string"]},
    },
    "required": ["customer", "cents", "tags"],
})
ORDERS = [
    {"customer": "Ada", "cents": 1250, "tags": [], "note": None},
    {"customer": "Grace Ü €", "cents": -1, "tags": ["a", ""], "note": "x"},
    {"customer": "", "cents": 2**53, "tags": ["b"] * 100, "note": ""},
]


def message_class():
    """shop.Sales.Order, the second message in the first: the way to it is more than one step."""
    file = descriptor_pb2.FileDescriptorProto(name="order.proto", package="shop", syntax="proto3")
    sales = file.message_type.add(name="Sales")
    sales.nested_type.add(name="Empty")
    order = sales.nested_type.add(name="Order")
    field = descriptor_pb2.FieldDescriptorProto
    order.oneof_decl.add(name="_note")
    order.field.add(name="customer", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    order.field.add(name="cents", number=2, type=field.TYPE_INT64, label=field.LABEL_OPTIONAL)
    order.field.add(name="tags", number=3, type=field.TYPE_STRING, label=field.LABEL_REPEATED)
    order.field.add(name="note", number=4, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL,
                    oneof_index=0, proto3_optional=True)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Sales.Order"))


ORDER = message_class()


def to_message(order):
    return ORDER(**{name: value for name, value in order.items() if value is not None})


def from_message(message):
    note = message.note if message.HasField("note") else None
    return {"customer": message.customer, "cents": message.cents, "tags": list(message.tags), "note": note}


FORMS = {"prefix": prefix_schema_id_serializer, "header": header_schema_id_serializer}


def write(bootstrap, registry):
    producer = Producer({"bootstrap.servers": bootstrap})
    for form, serializer in FORMS.items():
        settings = {"auto.register.schemas": True, "schema.id.serializer": serializer}
        formats = {
            "avro": (AvroSerializer(registry, AVRO, conf=settings), dict),
            "json": (JSONSerializer(JSON, registry, conf=settings), dict),
            "protobuf": (ProtobufSerializer(ORDER, registry, conf=settings), to_message),
        }
        for name, (serialize, convert) in formats.items():
            topic = f"python-{name}-{form}"
            for order in ORDERS:
                headers = []
                context = SerializationContext(topic, MessageField.VALUE, headers)
                producer.produce(topic, serialize(convert(order), context), headers=headers)
    if producer.flush(30):
        raise SystemExit("records were not delivered")


def read(bootstrap, registry):
    deserializers = {
        "avro": (AvroDeserializer(registry, AVRO), dict),
        "json": (JSONDeserializer(JSON, schema_registry_client=registry), dict),
        "protobuf": (ProtobufDeserializer(ORDER, {}, registry), from_message),
    }
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "schemas"})
    for name, (deserialize, convert) in deserializers.items():
        for form in ("prefix", "guid", "header"):
            topic = f"rust-{name}-{form}"
            consumer.assign([TopicPartition(topic, 0, 0)])
            orders = []
            while len(orders) < len(ORDERS):
                message = consumer.poll(20)
                if message is None or message.error():
                    raise SystemExit(f"{topic}: {message and message.error()}")
                headers = message.headers() or []
                context = SerializationContext(topic, MessageField.VALUE, headers)
                orders.append(convert(deserialize(message.value(), context)))
            print(json.dumps({"topic": topic, "orders": orders}))
    consumer.close()


def evolve(_, registry):
    narrow = json.loads(AVRO)
    narrow["fields"].append({"name": "currency", "type": "string"})
    schema = Schema(json.dumps(narrow), "AVRO")
    print(registry.test_compatibility("python-avro-prefix-value", schema))
    try:
        registry.register_schema("python-avro-prefix-value", schema)
    except SchemaRegistryError as error:
        print(error.http_status_code, error.error_code, "/currency" in error.error_message)
    registry.set_compatibility("python-avro-prefix-value", "NONE")
    print(registry.get_compatibility("python-avro-prefix-value"))
    registered = registry.register_schema("python-avro-prefix-value", schema)
    latest = registry.get_latest_version("python-avro-prefix-value")
    print(latest.version, latest.schema_id == registered, registry.get_versions("python-avro-prefix-value"))
    print(len(registry.get_subjects()), registry.delete_subject("python-json-prefix-value"))
    try:
        registry.get_latest_version("python-json-prefix-value")
    except SchemaRegistryError as error:
        print(error.http_status_code, error.error_code)


def main(command, bootstrap, url):
    registry = SchemaRegistryClient({"url": url})
    {"write": write, "read": read, "evolve": evolve}[command](bootstrap, registry)


main(*sys.argv[1:])
