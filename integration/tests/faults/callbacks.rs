//! Lesson 70: code of the user's runs under no lock of the client's. Functions that are given
//! outcomes, wakers, partitioners, encoders and loggers may all use the producer that calls them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

use kafka_broker::{Step, when};
use kafka_client::consumer::{ConsumerHandle, OffsetReset, TopicPartition};
use kafka_client::producer::{ChoosePartition, Partitioner, Producer, TopicPartitions};
use kafka_client::record::{
    DecodeError, EncodeError, HasTopic, KafkaRecord, Record, RecordBuffer, RecordRef,
};
use kafka_client::{ErrorCode, ErrorKind, NewTopic};
use kafka_client_protocol::ApiKey;
use tracing::span;

use super::Setting;

const SECOND: Duration = Duration::from_secs(1);

/// Runs a test on a thread of its own, with paused time: a lock that is taken twice blocks the thread,
/// which no timer of its runtime would notice.
fn ends<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let running = thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(test());
        done.send(()).unwrap();
    });
    match is_done.recv_timeout(30 * SECOND) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("a lock is held while the user's code runs"),
        _ => running.join().unwrap(),
    }
}

/// A record for partition 0 of a topic.
fn record(topic: &str) -> Record<'_> {
    Record::to(topic).partition(0).value("v")
}

/// Counts what it sends to partition 0 of a topic, from wherever it is called.
#[derive(Clone)]
struct Sends {
    producer: Producer,
    topic: &'static str,
    sent: Arc<AtomicUsize>,
}

impl Sends {
    fn new(producer: &Producer, topic: &'static str) -> Self {
        Self {
            producer: producer.clone(),
            topic,
            sent: Arc::default(),
        }
    }

    fn once(&self) {
        // Its outcome is told by the end of the log.
        drop(self.producer.try_enqueue(record(self.topic)).unwrap());
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Wake for Sends {
    fn wake(self: Arc<Self>) {
        self.once();
    }
}

#[test]
fn functions_and_wakers_that_are_told_an_outcome_may_send() {
    ends(async || {
        let setting = Setting::new().await;
        let topic = setting.topic("told", 1);
        let producer = setting.kafka().await.producer().build().await.unwrap();
        producer.send(record(topic)).await.unwrap();
        let sends = Sends::new(&producer, topic);

        let by_function = sends.clone();
        let delivery = producer.enqueue(record(topic)).await.unwrap();
        delivery.on_settled(move |_| by_function.once());
        let mut delivery = producer.enqueue(record(topic)).await.unwrap();
        let waker = Waker::from(Arc::new(sends.clone()));
        let poll = Future::poll(
            std::pin::pin!(&mut delivery),
            &mut Context::from_waker(&waker),
        );
        assert!(poll.is_pending());

        tokio::time::sleep(SECOND).await;
        producer.flush().await.unwrap();
        assert_eq!(sends.count(), 2);
        assert_eq!(setting.broker.end_offset(topic, 0), Some(5));
    });
}

/// What ends when the producer takes in that a topic was made anew is told like any other outcome.
#[test]
fn functions_may_send_when_a_topic_was_made_anew() {
    ends(async || {
        let setting = Setting::new().await;
        let topic = setting.topic("reborn", 2);
        let other = setting.topic("other", 1);
        let kafka = setting.client().metadata_max_age(5 * SECOND);
        let kafka = kafka.connect().await.unwrap();
        let producer = kafka.producer().linger(600 * SECOND);
        let producer = producer.delivery_timeout(1200 * SECOND).build().await;
        let producer = producer.unwrap();
        // Known, and nothing more.
        drop(producer.enqueue(record(other)).await.unwrap());
        let sends = Sends::new(&producer, other);

        // It lingers in a partition that the new topic lacks.
        let record = Record::to(topic).partition(1).value("v");
        let delivery = producer.enqueue(record).await.unwrap();
        let by_function = sends.clone();
        delivery.on_settled(move |result| {
            assert!(!result.unwrap_err().possibly_written());
            by_function.once();
        });
        kafka.delete_topic(topic).await.unwrap();
        kafka.create_topic(&NewTopic::new(topic)).await.unwrap();
        tokio::time::sleep(20 * SECOND).await;
        assert_eq!(sends.count(), 1);
        producer.flush().await.unwrap();
        assert_eq!(setting.broker.end_offset(other, 0), Some(2));
    });
}

/// Looks where a consumer is when it is woken.
struct Looks {
    handle: ConsumerHandle,
    times: AtomicUsize,
}

impl Looks {
    fn new(handle: ConsumerHandle) -> Arc<Self> {
        let times = AtomicUsize::default();
        Arc::new(Self { handle, times })
    }

    fn times(&self) -> usize {
        self.times.load(Ordering::Relaxed)
    }
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        assert_eq!(self.handle.assignment().len(), 1);
        self.times.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn who_waits_for_a_record_may_use_the_consumer_when_it_is_woken() {
    ends(async || {
        let setting = Setting::new().await;
        let topic = setting.topic("read", 1);
        let at = TopicPartition::new(topic, 0);
        let reader = setting.kafka().await.reader();
        let reader = reader.offset_reset(OffsetReset::None).assign([at.clone()]);
        let mut reader = reader.await.unwrap();
        let error = reader.recv().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoOffset, "nowhere to begin");
        // Out of range: the partition stops again.
        reader.handle().seek(&at, 1000).unwrap();
        let looks = Looks::new(reader.handle());
        let waker = Waker::from(looks.clone());
        {
            let received = std::pin::pin!(reader.recv());
            let polled = received.poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            tokio::time::sleep(SECOND).await;
            assert_eq!(looks.times(), 1);
        }
        let error = reader.recv().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoOffset);
    });
}

#[test]
fn who_waits_for_a_commit_may_use_the_consumer_when_it_is_woken() {
    ends(async || {
        let setting = Setting::new().await;
        let topic = setting.topic("committed", 1);
        let at = TopicPartition::new(topic, 0);
        let consumer = setting.kafka().await.consumer("committers");
        let consumer = consumer.assign([at.clone()]).await.unwrap();
        let handle = consumer.handle();
        let mut committed = std::pin::pin!(handle.commit_offsets([(at, 5)]));
        let looks = Looks::new(handle.clone());
        let waker = Waker::from(looks.clone());
        let polled = committed.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        tokio::time::sleep(SECOND).await;
        assert_eq!(looks.times(), 1);
        committed.await.unwrap();
    });
}

/// A partitioner that asks another record's way, by sending it.
#[derive(Default)]
struct Nested {
    producer: OnceLock<Producer>,
}

impl ChoosePartition for Nested {
    fn choose(&self, record: &Record<'_>, _: &TopicPartitions<'_>) -> i32 {
        if record.key.is_none() {
            let producer = self.producer.get().unwrap();
            let inner = Record::to(record.topic).key("inner").value("v");
            drop(producer.try_enqueue(inner).unwrap());
        }
        0
    }
}

#[test]
fn a_partitioner_may_send() {
    ends(async || {
        let setting = Setting::new().await;
        let topic = setting.topic("chosen", 1);
        let nested = Arc::new(Nested::default());
        let own = Partitioner::Custom(nested.clone());
        let producer = setting.kafka().await.producer().partitioner(own);
        let producer = producer.build().await.unwrap();
        producer.send(record(topic)).await.unwrap();
        assert!(nested.producer.set(producer.clone()).is_ok());
        for _ in 0..3 {
            let outer = Record::to(topic).value("v");
            producer.send(outer).await.unwrap();
        }
        assert_eq!(setting.broker.end_offset(topic, 0), Some(7));
    });
}

/// A record that sends another one while it is encoded.
struct Telltale(Sends);

impl KafkaRecord for Telltale {
    const TOPIC: Option<&'static str> = Some(Self::TOPIC_NAME);

    fn encode(&self, buffer: &mut RecordBuffer) -> Result<(), EncodeError> {
        buffer.key_mut().extend_from_slice(b"outer");
        self.0.once();
        Ok(())
    }

    fn decode(_: &RecordRef<'_>) -> Result<Self, DecodeError> {
        unreachable!("it is only sent")
    }
}

impl HasTopic for Telltale {
    const TOPIC_NAME: &'static str = "encoded";
}

#[test]
fn an_encoder_may_send() {
    ends(async || {
        let setting = Setting::new().await;
        let topic = setting.topic(Telltale::TOPIC_NAME, 1);
        let producer = setting.kafka().await.producer().build().await.unwrap();
        producer.send(record(topic)).await.unwrap();
        let sends = Sends::new(&producer, topic);
        for _ in 0..3 {
            producer.send(&Telltale(sends.clone())).await.unwrap();
        }
        assert_eq!(sends.count(), 3);
        assert_eq!(setting.broker.end_offset(topic, 0), Some(7));
    });
}

/// A logger that keeps its lines in Kafka, and sends them with the producer that they are about.
struct LogInKafka(Sends);

impl tracing::Subscriber for LogInKafka {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("kafka_client::producer")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.once();
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Everything that the producer says when a batch is refused, when sequences start over, and when a
/// topic was made anew.
#[test]
fn a_logger_may_send() {
    ends(async || {
        let setting = Setting::new().await;
        let topic = setting.topic("logged", 1);
        let kafka = setting.client().metadata_max_age(5 * SECOND);
        let kafka = kafka.connect().await.unwrap();
        let producer = kafka.producer().build().await.unwrap();
        producer.send(record(topic)).await.unwrap();
        let sends = Sends::new(&producer, topic);
        let _logger = tracing::subscriber::set_default(LogInKafka(sends.clone()));
        for code in [
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        ] {
            let before = sends.count();
            let refused = when(ApiKey::PRODUCE).then([Step::Error(code)]);
            let refused = setting.inject(refused);
            producer.send(record(topic)).await.unwrap();
            assert_eq!(refused.hits(), 1);
            assert!(sends.count() > before, "{code}");
        }
        producer.flush().await.unwrap();
        let records = 3 + sends.count();
        assert_eq!(setting.broker.end_offset(topic, 0), Some(records as i64));

        kafka.delete_topic(topic).await.unwrap();
        kafka.create_topic(&NewTopic::new(topic)).await.unwrap();
        let before = sends.count();
        tokio::time::sleep(20 * SECOND).await;
        assert!(sends.count() > before);
    });
}
