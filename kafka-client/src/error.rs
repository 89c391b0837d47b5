//! The client's errors.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::{ApiKey, ErrorCode};

use crate::producer::Undelivered;
use crate::record::ConsumerRecord;

/// What went wrong, with where: topic, partition, broker and API are named where they are known.
///
/// Cheap to clone: the records of a failed batch share one error.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    code: Option<ErrorCode>,
    api: Option<ApiKey>,
    broker: Option<String>,
    topic: Option<Arc<str>>,
    partition: Option<i32>,
    /// Not a byte of the request was written.
    unsent: bool,
    /// What it came from has ended by it.
    fatal: bool,
    /// The record that it is about.
    record: Option<Box<ConsumerRecord>>,
    /// An answer was larger than may be received.
    oversized: bool,
    /// Where to go on.
    resume_offset: Option<i64>,
    /// Nothing but a change by somebody helps.
    lasting: bool,
    /// It says what is wrong: no guess is to follow.
    explained: bool,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting or an argument is invalid. Nothing was sent.
    Config,
    /// No connection could be made.
    Connect,
    /// A broker does not believe who the client is, or the client does not believe who the broker is: by
    /// TLS or by SASL. It stays so until somebody changes something.
    Authentication,
    /// A connection ended while an answer was awaited.
    Disconnected,
    /// An operation took longer than its limit.
    Timeout,
    /// A peer sent something that is not Kafka's protocol, or not what was asked for.
    Protocol,
    /// The broker does not support an API, or no version of it that this client speaks.
    Unsupported,
    /// A broker answered with an error code, see [`Error::code`].
    Broker,
    /// The topic does not exist, or has no such partition.
    UnknownTopic,
    /// A record is larger than `max.request.size` or the topic's `max.message.bytes`.
    RecordTooLarge,
    /// The record is as good as any, but the broker refused another one of its batch, and so took
    /// none of them (KIP-467). It may be sent again.
    BatchRejected,
    /// `buffer.memory` stayed full for `max.block.ms`.
    BufferFull,
    /// A record could not be made from a value, or a value from a record.
    Serialization,
    /// A received record batch is corrupt.
    CorruptRecords,
    /// The member lost its place in its group: its partitions may belong to somebody else.
    GroupLost,
    /// The position has no offset to start from and `auto.offset.reset` is `none`, or the offset
    /// is no longer in the log.
    NoOffset,
    /// Records that were handed out are not in the log any more: it was truncated by an unclean
    /// election. [`Error::resume_offset`] is where the logs part.
    LogTruncated,
    /// The client, or the part of it that was used, is closed.
    Closed,
    /// Handlers of a listener fail. Told by [`Kafka::health`](crate::Kafka::health) alone.
    Handler,
}

impl ErrorKind {
    /// What all of these errors are; not connected, if they differ.
    pub(crate) fn common<'a>(errors: impl IntoIterator<Item = &'a Error>) -> Self {
        let mut kinds = errors.into_iter().map(Error::kind);
        let first = kinds.next().unwrap_or(Self::Connect);
        match kinds.all(|kind| kind == first) {
            true => first,
            false => Self::Connect,
        }
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            code: None,
            api: None,
            broker: None,
            topic: None,
            partition: None,
            unsent: false,
            fatal: false,
            record: None,
            oversized: false,
            resume_offset: None,
            lasting: false,
            explained: false,
            source: None,
        }))
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// One side does not believe the other.
    pub(crate) fn authentication(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Authentication, message).lasting()
    }

    pub(crate) fn closed(what: &str) -> Self {
        Self::new(ErrorKind::Closed, format!("the {what} is closed"))
    }

    pub(crate) fn runtime_ended() -> Self {
        Self::new(
            ErrorKind::Closed,
            "the tokio runtime that the client was made on has ended",
        )
    }

    pub(crate) fn timeout(what: impl fmt::Display, limit: Duration, setting: &str) -> Self {
        Self::new(
            ErrorKind::Timeout,
            format!("{what} took longer than {limit:?} ({setting} sets the limit)"),
        )
    }

    /// An error code of an answer.
    pub(crate) fn broker(code: ErrorCode, api: ApiKey) -> Self {
        let kind = match code {
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::UNKNOWN_TOPIC_ID => {
                ErrorKind::UnknownTopic
            }
            ErrorCode::MESSAGE_TOO_LARGE => ErrorKind::RecordTooLarge,
            ErrorCode::CORRUPT_MESSAGE => ErrorKind::CorruptRecords,
            _ => ErrorKind::Broker,
        };
        let mut error = Self::new(kind, code.to_string());
        error.inner().code = Some(code);
        error.inner().api = Some(api);
        error
    }

    /// The code that a broker gave with it.
    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        self.inner().code = Some(code);
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.inner().source = Some(Arc::from(source.into()));
        self
    }

    /// Says what an attempt failed with before time was up.
    pub(crate) fn caused_by(mut self, cause: &Self) -> Self {
        let inner = self.inner();
        inner.message = format!("{}; the last attempt: {cause}", inner.message);
        self
    }

    /// Takes no hints: it says itself what is wrong.
    pub(crate) fn explained(mut self) -> Self {
        self.inner().explained = true;
        self
    }

    pub(crate) fn is_explained(&self) -> bool {
        self.0.explained
    }

    /// Says what to look at.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        if self.0.explained {
            return self;
        }
        let inner = self.inner();
        inner.message = format!("{} ({hint})", inner.message);
        self
    }

    pub(crate) fn at_api(mut self, api: ApiKey) -> Self {
        self.inner().api = Some(api);
        self
    }

    pub(crate) fn at_broker(mut self, broker: impl fmt::Display) -> Self {
        self.inner().broker = Some(broker.to_string());
        self
    }

    pub(crate) fn at_topic(mut self, topic: &Arc<str>) -> Self {
        self.inner().topic = Some(topic.clone());
        self
    }

    pub(crate) fn at_partition(mut self, topic: &Arc<str>, partition: i32) -> Self {
        self.inner().topic = Some(topic.clone());
        self.inner().partition = Some(partition);
        self
    }

    /// Of a request of which not a byte was written: the broker knows nothing of it.
    pub(crate) fn unsent(mut self) -> Self {
        self.inner().unsent = true;
        self
    }

    /// About this record.
    pub(crate) fn with_record(mut self, record: ConsumerRecord) -> Self {
        self.inner().record = Some(Box::new(record));
        self
    }

    /// Of what ends by it.
    pub(crate) fn fatal(mut self) -> Self {
        self.inner().fatal = true;
        self
    }

    /// Of an answer that is larger than may be received.
    pub(crate) fn oversized(mut self) -> Self {
        self.inner().oversized = true;
        self
    }

    pub(crate) fn is_oversized(&self) -> bool {
        self.0.oversized
    }

    /// Of a partition that goes on from this offset, once it is sought to.
    pub(crate) fn resume_at(mut self, offset: i64) -> Self {
        self.inner().resume_offset = Some(offset);
        self
    }

    /// Of what stays so until somebody changes it, whatever its kind and code say.
    pub(crate) fn lasting(mut self) -> Self {
        self.inner().lasting = true;
        self
    }

    pub(crate) fn is_lasting(&self) -> bool {
        self.0.lasting
    }

    pub(crate) fn is_unsent(&self) -> bool {
        self.0.unsent
    }

    /// Names the topic, partition and broker that another error names.
    pub(crate) fn at_place_of(mut self, other: &Self) -> Self {
        let inner = self.inner();
        inner.topic.clone_from(&other.0.topic);
        inner.partition = other.0.partition;
        inner.broker.clone_from(&other.0.broker);
        self
    }

    /// To be completed: only by the constructors, before the error is shared.
    fn inner(&mut self) -> &mut Inner {
        if Arc::get_mut(&mut self.0).is_none() {
            let old = &self.0;
            self.0 = Arc::new(Inner {
                kind: old.kind,
                message: old.message.clone(),
                code: old.code,
                api: old.api,
                broker: old.broker.clone(),
                topic: old.topic.clone(),
                partition: old.partition,
                unsent: old.unsent,
                fatal: old.fatal,
                record: old.record.clone(),
                oversized: old.oversized,
                resume_offset: old.resume_offset,
                lasting: old.lasting,
                explained: old.explained,
                source: old.source.clone(),
            });
        }
        Arc::get_mut(&mut self.0).expect("just made, not shared")
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The error code, if a broker gave one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.0.code
    }

    /// The API that was called.
    #[must_use]
    pub fn api(&self) -> Option<ApiKey> {
        self.0.api
    }

    /// The broker that was talked to, as `host:port`.
    #[must_use]
    pub fn broker_address(&self) -> Option<&str> {
        self.0.broker.as_deref()
    }

    /// The topic it happened to.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        self.0.topic.as_deref()
    }

    /// The partition it happened to.
    #[must_use]
    pub fn partition(&self) -> Option<i32> {
        self.0.partition
    }

    /// The offset to [seek](crate::consumer::ConsumerHandle::seek) to, to go on behind records that
    /// cannot be read.
    #[must_use]
    pub fn resume_offset(&self) -> Option<i64> {
        self.0.resume_offset
    }

    /// The record that a typed consumer could not decode: as it was read, to be kept somewhere else.
    #[must_use]
    pub fn record(&self) -> Option<&ConsumerRecord> {
        self.0.record.as_deref()
    }

    /// The error of another library that it came from, such as an [`std::io::Error`], or a broker's own
    /// words. Its text is part of this one's, so [`source`](std::error::Error::source) gives what lies
    /// behind it.
    #[must_use]
    pub fn reason(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// Puts what helps behind the words of the broker, unless these only say what its code says.
    pub(crate) fn advise(self, advice: String) -> Self {
        let words = self.reason().map(ToString::to_string);
        let words = words.filter(|words| !says(&self.0.message, words));
        self.with_source(match words {
            Some(words) => format!("{words}; {advice}"),
            None => advice,
        })
    }

    /// Whether its own text has that of its reason.
    fn says_reason(&self) -> bool {
        let Some(reason) = self.reason() else {
            return false;
        };
        self.0.code.is_some() || self.0.message.contains(&reason.to_string())
    }

    /// Whether the same call may succeed later without anybody changing anything. A topic that the
    /// cluster was found not to have, or a partition that a topic lacks, is not: it has to be made.
    ///
    /// Later, and not at once: some of these errors come without delay, so wait for a moment
    /// (`retry.backoff.ms`) before you call again.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self.0.kind {
            _ if self.0.lasting => false,
            ErrorKind::Connect
            | ErrorKind::Disconnected
            | ErrorKind::Timeout
            | ErrorKind::BatchRejected
            | ErrorKind::BufferFull
            | ErrorKind::UnknownTopic => true,
            _ => self.0.code.is_some_and(ErrorCode::is_retriable),
        }
    }

    /// Whether the client it came from, such as a producer, cannot go on and must be replaced.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.0.fatal
            || matches!(self.0.kind, ErrorKind::Closed | ErrorKind::Unsupported)
            || matches!(
                self.0.code,
                Some(
                    ErrorCode::FENCED_INSTANCE_ID
                        | ErrorCode::PRODUCER_FENCED
                        | ErrorCode::CLUSTER_AUTHORIZATION_FAILED
                )
            )
    }

    /// Whether it is a limit of time that was reached.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }
}

/// Whether a text says what these words say.
fn says(text: &str, words: &str) -> bool {
    let words = words.trim_end_matches('.').to_lowercase();
    text.to_lowercase().contains(&words)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(topic) = &inner.topic {
            match inner.partition {
                Some(partition) => write!(f, "topic {topic} partition {partition}: ")?,
                None => write!(f, "topic {topic}: ")?,
            }
        }
        if let Some(api) = inner.api {
            write!(f, "{api}: ")?;
        }
        f.write_str(&inner.message)?;
        // What a broker says beside its code is the half that names the setting, unless it only says
        // the code's name in other words.
        if let (Some(_), Some(source)) = (inner.code, &inner.source) {
            let words = source.to_string();
            if !says(&inner.message, &words) {
                write!(f, ": {words}")?;
            }
        }
        if let Some(broker) = &inner.broker {
            write!(f, " (broker {broker})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        match self.reason() {
            Some(reason) if !self.says_reason() => write!(f, ": {reason}"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    /// What is not said by the text of this one: see [`Error::reason`].
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let reason = self.reason()?;
        match self.says_reason() {
            true => reason.source(),
            false => Some(reason),
        }
    }
}

/// How a send ended, when it did not end with [`Delivered`](crate::producer::Delivered).
#[derive(Clone, Debug)]
pub enum SendError {
    /// The record is not in the log and will not be: sending it again cannot double it.
    NotDelivered(Error),
    /// The record may be in the log: a request that may have written it went out, and no answer has
    /// settled it before it was given up. Sending it again may double it.
    /// [`guarantees`](crate::guarantees#when-the-outcome-is-unknown) lists when that is.
    Unknown(Error),
}

impl SendError {
    /// Why.
    #[must_use]
    pub fn error(&self) -> &Error {
        match self {
            Self::NotDelivered(error) | Self::Unknown(error) => error,
        }
    }

    /// Whether the record may be in the log all the same.
    #[must_use]
    pub fn possibly_written(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDelivered(error) => write!(f, "not delivered: {error}"),
            Self::Unknown(error) => write!(f, "delivery unknown: {error}"),
        }
    }
}

impl std::error::Error for SendError {
    /// What lies behind [`SendError::error`], whose own text is part of this one's.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().source()
    }
}

impl From<Undelivered> for Error {
    fn from(undelivered: Undelivered) -> Self {
        let first = undelivered.first.clone();
        let kind = first.as_ref().map_or(ErrorKind::Timeout, Self::kind);
        let error = Self::new(kind, undelivered.to_string());
        match first {
            Some(first) => error.with_source(first),
            None => error,
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        error.error().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producer::TryEnqueueError;

    #[test]
    fn an_error_says_where_it_happened_and_what_a_caller_may_do() {
        let error = Error::broker(ErrorCode::NOT_LEADER_OR_FOLLOWER, ApiKey::PRODUCE)
            .at_broker("one:9092")
            .at_partition(&Arc::from("orders"), 3);
        assert_eq!(
            error.to_string(),
            "topic orders partition 3: Produce: NOT_LEADER_OR_FOLLOWER (6): the broker is not the \
             partition's leader (broker one:9092)"
        );
        assert!(error.is_retriable() && !error.is_fatal());
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    /// As programs print an error with its causes.
    fn chain(error: &dyn std::error::Error) -> Vec<String> {
        let causes = std::iter::successors(Some(error), |error| error.source());
        causes.map(ToString::to_string).collect()
    }

    #[test]
    fn a_chain_of_causes_says_nothing_twice() {
        let reset = || std::io::Error::other("reset by peer");
        let gone = Error::new(ErrorKind::Disconnected, "gone").with_source(reset());
        let told = Error::new(ErrorKind::Connect, "cannot connect: reset by peer");
        let told = told.with_source(reset());
        let denied = || Error::broker(ErrorCode::TOPIC_AUTHORIZATION_FAILED, ApiKey::PRODUCE);
        let words = denied().with_source("ask the platform team");
        let same_words = denied().with_source("Not allowed for the topic.");
        let undelivered = Undelivered {
            not_delivered: 2,
            unknown: 0,
            pending: 0,
            first: Some(words.clone()),
        };
        let errors: Vec<Box<dyn std::error::Error>> = vec![
            Box::new(gone.clone()),
            Box::new(told.clone()),
            Box::new(words.clone()),
            Box::new(same_words.clone()),
            Box::new(crate::health::with_advice(words.clone())),
            Box::new(crate::health::with_advice(same_words)),
            Box::new(Error::new(ErrorKind::BatchRejected, "beside").with_source(words.clone())),
            Box::new(SendError::Unknown(gone.clone())),
            Box::new(SendError::NotDelivered(words.clone())),
            Box::new(SendError::Unknown(told.clone())),
            Box::new(Error::from(undelivered.clone())),
            Box::new(undelivered),
            Box::new(TryEnqueueError::Error(words.clone(), ())),
            Box::new(Error::new(ErrorKind::Timeout, "late").caused_by(&words)),
        ];
        for error in errors {
            let text = chain(&*error).join("; ").to_lowercase();
            for words in [
                "reset by peer",
                "platform team",
                "not allowed",
                "gone",
                "kafka-acls",
            ] {
                assert!(text.matches(words).count() <= 1, "{words}: {text}");
            }
        }
        let unknown = SendError::Unknown(gone);
        assert_eq!(chain(&unknown), ["delivery unknown: gone", "reset by peer"]);
        // Said or not, the error of another library can be looked at.
        let reason = told.reason().unwrap();
        assert!(reason.downcast_ref::<std::io::Error>().is_some());
        assert_eq!(words.reason().unwrap().to_string(), "ask the platform team");
    }

    #[test]
    fn context_added_to_a_shared_error_leaves_the_other_alone() {
        let shared = Error::new(ErrorKind::Disconnected, "gone").with_source("reset by peer");
        let located = shared.clone().at_topic(&Arc::from("orders"));
        assert_eq!(chain(&located), ["topic orders: gone", "reset by peer"]);
        assert_eq!(chain(&shared), ["gone", "reset by peer"]);
    }
}
