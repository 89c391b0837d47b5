//! All that waits may be called on a task that moves between threads: this compiles. Nothing of it is run.

use std::time::Duration;

use kafka_client::consumer::{Concurrency, ConsumerHandle, TopicPartition};
use kafka_client::producer::Producer;
use kafka_client::record::{ConsumerRecord, Record};
use kafka_client::{Error, Kafka, KafkaRecord, NewTopic};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct Order {
    #[kafka(key)]
    id: String,
}

const SECOND: Duration = Duration::from_secs(1);

fn on_a_task<T: Send>(_: impl Future<Output = T> + Send + 'static) {}

#[test]
fn all_that_waits_may_be_called_on_a_task() {
    on_a_task(topics());
    on_a_task(produce());
    on_a_task(consume());
    on_a_task(typed());
    on_a_task(acknowledge());
    on_a_task(read_apart());
    on_a_task(listen());
}

async fn topics() -> Result<(), Error> {
    let kafka = Kafka::connect("localhost:9092").await?;
    let (name, topic) = ("orders".to_owned(), NewTopic::new("orders"));
    kafka.create_topic(&topic).await?;
    kafka.partitions(&name).await?;
    kafka.delete_topic(&name).await?;
    kafka.wait_for_health(|_| true).await;
    Ok(())
}

async fn produce() -> Result<Producer, Box<dyn std::error::Error + Send + Sync>> {
    let kafka = Kafka::builder("localhost:9092").connect().await?;
    let producer = kafka.producer().build().await?;
    let name = "orders".to_owned();
    let order = Order { id: name.clone() };
    producer.send(Record::to(&name).value("v")).await?;
    producer.send(&order).await?;
    producer.send_to(&name, &order).await?;
    producer.enqueue(&order).await?.await?;
    producer.enqueue_to(&name, &order).await?.await?;
    producer.flush().await?;
    producer.flush_within(SECOND).await?;
    producer.clone().close_within(SECOND).await?;
    Ok(producer)
}

async fn handle(handle: &ConsumerHandle) -> Result<(), Error> {
    let at = [TopicPartition::new("orders", 0)];
    handle.commit().await?;
    handle.commit_async().await?;
    handle.commit_offsets([(at[0].clone(), 1)]).await?;
    handle.committed(&at).await?;
    handle.offsets(&at).await?;
    handle.offsets_for_times([(at[0].clone(), 1)]).await?;
    Ok(())
}

async fn consume() -> Result<(), Error> {
    let kafka = Kafka::connect("localhost:9092").await?;
    let names = ["orders".to_owned()];
    let mut member = kafka.consumer("group").subscribe(&names).await?;
    handle(&member.handle()).await?;
    drop(member.recv().await?);
    drop(member.poll(1, SECOND).await?);
    drop(member.recv_batch().await?);
    member.commit().await?;
    member.close_within(SECOND).await?;
    let reader = kafka.reader().assign(kafka.partitions(&names[0]).await?);
    reader.await?.close().await
}

async fn typed() -> Result<(), Error> {
    let kafka = Kafka::connect("localhost:9092").await?;
    let mut member = kafka.consumer("group").topic::<Order>().start().await?;
    drop(member.recv().await?.id.clone());
    member.commit().await?;
    member.close().await
}

async fn acknowledge() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let kafka = Kafka::connect("localhost:9092").await?;
    let member = kafka.consumer("group").manual_ack();
    let mut member = member.subscribe(["orders"]).await?;
    member.recv().await?.ack();
    let handler = async |record: ConsumerRecord| {
        drop(record);
        Ok::<_, std::io::Error>(())
    };
    let order = Concurrency::PerKey(4);
    member
        .for_each_concurrent(order, std::future::pending(), handler)
        .await?;
    Ok(member.close().await?)
}

async fn read_apart() -> Result<(), Error> {
    let kafka = Kafka::connect("localhost:9092").await?;
    let member = kafka.consumer("group").partition_streams();
    let mut member = member.subscribe(["orders"]).await?;
    let mut stream = member.recv().await?;
    drop(stream.recv().await);
    member.close().await
}

async fn listen() -> Result<(), kafka_client::listen::ListenError> {
    use kafka_client::listen::{Batch, Blocking, State, Topics, Value};

    let kafka = Kafka::connect("localhost:9092").await?;
    let single = async |Value(order): Value<Order>, State(name): State<String>| {
        drop((order, name));
    };
    let batch = async |orders: Batch<Order>| drop(orders);
    let listener = kafka.listen("group").state(String::new());
    let listener = listener
        .on(single)
        .on_batch_topic("more", batch, 10, SECOND);
    let listener = listener.retry(Blocking::times(1));
    let listener = listener.retry(Topics::after([SECOND])).ensure_topics(true);
    listener.run_until(std::future::pending()).await?;
    Ok(())
}
