// What people do with kafkajs, and what comes of it, line by line.
//
// Argument: the address of a broker. What it prints must be the same on every broker.

const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = require("kafkajs");

const print = (what, value) => console.log(what, JSON.stringify(value));

// The result, or the type of the error.
const outcome = async (promise) => {
  try {
    return await promise;
  } catch (error) {
    const inner = error.errors ? error.errors[0] : error;
    return inner.type || inner.name;
  }
};

// Some answers follow a change a moment later.
const until = async (what, get, wanted) => {
  let got;
  for (let tries = 0; tries < 100; tries += 1) {
    got = await get();
    if (wanted(got)) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  print(what, got);
};

const main = async () => {
  const kafka = new Kafka({ brokers: [process.argv[2]], clientId: "js", logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  print("create", await outcome(admin.createTopics({
    topics: [{ topic: "a", numPartitions: 2, configEntries: [{ name: "retention.ms", value: "100000" }] }],
  })));
  print("again", await outcome(admin.createTopics({ topics: [{ topic: "a" }] })));
  await until("topics", () => admin.listTopics(), (all) => all.includes("a"));
  print("grow", await outcome(admin.createPartitions({ topicPartitions: [{ topic: "a", count: 3 }] })));
  await until(
    "partitions",
    async () => (await admin.fetchTopicMetadata({ topics: ["a"] })).topics[0].partitions.length,
    (count) => count === 3,
  );
  const configs = async () => {
    const found = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: "a", configNames: ["retention.ms"] }],
    });
    const entry = found.resources[0].configEntries[0];
    return [entry.configValue, entry.configSource, entry.readOnly];
  };
  print("config", await configs());
  print("alter", await outcome(admin.alterConfigs({
    resources: [{ type: ConfigResourceTypes.TOPIC, name: "a", configEntries: [{ name: "retention.ms", value: "200000" }] }],
  })));
  await until("config", configs, ([value]) => value === "200000");
  print("bad", await outcome(admin.alterConfigs({
    resources: [{ type: ConfigResourceTypes.TOPIC, name: "a", configEntries: [{ name: "no.such", value: "1" }] }],
  })));

  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
    const messages = [];
    for (let number = 0; number < 30; number += 1) {
      messages.push({ key: `${number}`, value: `${compression} ${number}`, partition: number % 3, headers: { h: "v" } });
    }
    const sent = await producer.send({ topic: "a", compression, messages });
    print("sent", sent.map((one) => [one.partition, one.errorCode, one.baseOffset]).sort());
  }
  await producer.disconnect();

  const consumer = kafka.consumer({ groupId: "g" });
  await consumer.connect();
  await consumer.subscribe({ topics: [/^a$/], fromBeginning: true });
  const seen = [];
  await new Promise((resolve) => {
    consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        seen.push([partition, Number(message.offset), message.headers.h.toString()]);
        if (seen.length === 60) resolve();
      },
    });
  });
  print("read", seen.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
  await consumer.commitOffsets([{ topic: "a", partition: 1, offset: "7" }]);
  const group = (await admin.describeGroups(["g"])).groups[0];
  print("group", [group.state, group.protocol, group.members.length]);
  print("delete while in use", await outcome(admin.deleteGroups(["g"])));
  await consumer.disconnect();
  const offsets = async () => {
    const found = await admin.fetchOffsets({ groupId: "g", topics: ["a"] });
    return found[0].partitions.sort((a, b) => a.partition - b.partition).map((one) => one.offset);
  };
  print("offsets", await offsets());
  print("set", await outcome(admin.setOffsets({ groupId: "g", topic: "a", partitions: [{ partition: 0, offset: "3" }] })));
  print("offsets", await offsets());
  const ends = await admin.fetchTopicOffsets("a");
  print("ends", ends.sort((a, b) => a.partition - b.partition));
  print("delete records", await outcome(admin.deleteTopicRecords({ topic: "a", partitions: [{ partition: 0, offset: "5" }] })));
  print("low", (await admin.fetchTopicOffsets("a")).sort((a, b) => a.partition - b.partition).map((one) => one.low));
  print("groups", (await admin.listGroups()).groups);
  print("delete group", await outcome(admin.deleteGroups(["g"])));
  print("acls", await outcome(admin.describeAcls({
    resourceType: 1, resourcePatternType: 1, operation: 1, permissionType: 1,
  })));
  print("delete", await outcome(admin.deleteTopics({ topics: ["a"] })));
  await admin.disconnect();
};

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
