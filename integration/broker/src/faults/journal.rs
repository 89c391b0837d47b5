//! The journal: which requests came, the latest of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use kafka_client_protocol::ApiKey;

/// Requests that the journal keeps.
const REQUESTS_MAX: usize = 10_000;
/// Topic names that the requests in the journal have together: a Fetch may name thousands.
const TOPICS_MAX: usize = 100_000;

/// Bytes of the names and bodies that the requests in the journal have together: a name may be as
/// long as its client likes.
const BYTES_MAX: usize = 16 << 20;

/// A request the broker received.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// When it was there as a whole, by the broker's [clock](crate::Builder::wall_clock).
    pub received: SystemTime,
    /// The number of its connection: the broker counts them from 1 on.
    pub connection: u64,
    /// The API.
    pub api_key: ApiKey,
    /// The version of the request.
    pub api_version: i16,
    /// The client's name for itself, empty if it gave none.
    pub client_id: String,
    /// What the client calls the request.
    pub correlation_id: i32,
    /// The client's address, or a name for an in-memory connection.
    pub peer: Arc<str>,
    /// The listener that it came in on, by Kafka's name.
    pub listener: Arc<str>,
    /// Who made it, such as `User:alice`; `User:ANONYMOUS` before it has said its name.
    pub principal: Arc<str>,
    /// The topics that the request names, each once, in its order; an id that no topic has is
    /// written out. Empty for all topics, and for a request that could not be read.
    pub topics: Vec<String>,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// The request's body, without its header: the first bytes of it, see
    /// [`Builder::journal_bodies`](crate::Builder::journal_bodies). Empty for APIs whose bodies have
    /// secrets.
    pub request: Bytes,
    /// The same of the answer as it was sent, with its length and header. Empty if there was none.
    pub answer: Bytes,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestOutcome {
    /// It is in work.
    Pending,
    /// An answer was given.
    Answered,
    /// It was applied, and wants no answer.
    Unanswered,
    /// The connection was closed, or is with what there is of an answer.
    Closed,
    /// The connection was reset.
    Reset,
    /// The connection was left open and dead.
    Silenced,
}

impl RequestOutcome {
    /// As it is written for other programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Silenced => "silenced",
        }
    }
}

/// Whether bodies of an API have what nobody is to read: passwords, and what is as good as one.
pub(crate) fn has_secrets(api: ApiKey) -> bool {
    matches!(
        api,
        ApiKey::SASL_HANDSHAKE
            | ApiKey::SASL_AUTHENTICATE
            | ApiKey::ALTER_CONFIGS
            | ApiKey::INCREMENTAL_ALTER_CONFIGS
            | ApiKey::ALTER_USER_SCRAM_CREDENTIALS
            | ApiKey::CREATE_DELEGATION_TOKEN
            | ApiKey::RENEW_DELEGATION_TOKEN
            | ApiKey::EXPIRE_DELEGATION_TOKEN
            | ApiKey::DESCRIBE_DELEGATION_TOKEN
    )
}

/// The latest requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: VecDeque<JournalEntry>,
    /// The number of the first one.
    first: u64,
    topics: usize,
    bytes: usize,
}

impl JournalEntry {
    fn bytes(&self) -> usize {
        let topics = self.topics.iter().map(String::len);
        let names = self.client_id.len() + self.principal.len() + topics.sum::<usize>();
        names + self.request.len() + self.answer.len()
    }
}

impl Journal {
    /// Adds a request; its number.
    pub(super) fn push(&mut self, entry: JournalEntry) -> u64 {
        self.topics += entry.topics.len();
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        self.shrink();
        self.first + self.entries.len() as u64 - 1
    }

    /// Notes how the request of a number ended, if it is still there.
    pub(super) fn end(&mut self, number: u64, outcome: RequestOutcome, answer: Bytes) {
        let index = number.checked_sub(self.first);
        let index = index.and_then(|index| usize::try_from(index).ok());
        let Some(entry) = index.and_then(|index| self.entries.get_mut(index)) else {
            return;
        };
        entry.outcome = outcome;
        self.bytes += answer.len();
        entry.answer = answer;
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.entries.len() > REQUESTS_MAX
            || ((self.topics > TOPICS_MAX || self.bytes > BYTES_MAX) && self.entries.len() > 1)
        {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.first += 1;
            self.topics -= oldest.topics.len();
            self.bytes -= oldest.bytes();
        }
    }

    pub(super) fn entries(&self) -> Vec<JournalEntry> {
        self.entries.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Self {
            first: self.first + self.entries.len() as u64,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(correlation_id: i32, topics: usize) -> JournalEntry {
        JournalEntry {
            received: SystemTime::UNIX_EPOCH,
            connection: 1,
            outcome: RequestOutcome::Pending,
            request: Bytes::new(),
            answer: Bytes::new(),
            api_key: ApiKey::FETCH,
            api_version: 4,
            client_id: String::new(),
            correlation_id,
            peer: "".into(),
            listener: "".into(),
            principal: "".into(),
            topics: vec!["t".to_owned(); topics],
        }
    }

    #[test]
    fn the_journal_is_bounded() {
        let mut journal = Journal::default();
        for correlation_id in 0..10_005 {
            journal.push(entry(correlation_id, 1));
        }
        let entries = journal.entries();
        assert_eq!(entries.len(), 10_000);
        assert_eq!(entries[0].correlation_id, 5);
    }

    #[test]
    fn the_end_of_a_request_is_noted_while_the_journal_has_it() {
        let mut journal = Journal::default();
        let numbers: Vec<u64> = (0..3).map(|id| journal.push(entry(id, 1))).collect();
        journal.end(
            numbers[1],
            RequestOutcome::Answered,
            Bytes::from_static(b"x"),
        );
        let outcomes = |journal: &Journal| -> Vec<_> {
            let entries = journal.entries().into_iter();
            entries.map(|entry| entry.outcome).collect()
        };
        let (pending, answered) = (RequestOutcome::Pending, RequestOutcome::Answered);
        assert_eq!(outcomes(&journal), [pending, answered, pending]);
        journal.clear();
        let next = journal.push(entry(3, 1));
        journal.end(numbers[2], answered, Bytes::new());
        assert_eq!(outcomes(&journal), [pending]);
        journal.end(next, answered, Bytes::new());
        assert_eq!(outcomes(&journal), [answered]);
    }

    #[test]
    fn long_answers_push_out_the_old_ones() {
        let mut journal = Journal::default();
        for id in 0..40 {
            let number = journal.push(entry(id, 0));
            let answer = Bytes::from(vec![0; 1 << 20]);
            journal.end(number, RequestOutcome::Answered, answer);
        }
        assert_eq!(journal.entries().len(), 16);
    }

    #[test]
    fn requests_with_many_topics_push_out_more_of_the_old_ones() {
        let mut journal = Journal::default();
        for correlation_id in 0..30 {
            journal.push(entry(correlation_id, 10_000));
        }
        let entries = journal.entries();
        assert_eq!((entries.len(), entries[0].correlation_id), (10, 20));
        journal.push(entry(30, 200_000));
        assert_eq!(journal.entries().len(), 1, "the latest is kept");
        journal.push(entry(31, 0));
        assert_eq!(journal.entries()[0].correlation_id, 31);
    }

    #[test]
    fn long_names_push_out_more_of_the_old_ones() {
        let mut journal = Journal::default();
        for correlation_id in 0..2_000 {
            journal.push(JournalEntry {
                client_id: "x".repeat(16_000),
                topics: vec!["y".repeat(16_000)],
                ..entry(correlation_id, 0)
            });
        }
        let bytes: usize = journal
            .entries()
            .iter()
            .map(|one| one.client_id.len())
            .sum();
        assert!((1 << 20..=16 << 20).contains(&bytes), "{bytes}");
        assert_eq!(journal.entries().last().unwrap().correlation_id, 1_999);
    }
}
