//! The journal: which requests came, the latest of them.

use std::collections::VecDeque;
use std::sync::Arc;

use kafka_client_protocol::ApiKey;

/// Requests that the journal keeps.
const REQUESTS_MAX: usize = 10_000;
/// Topic names that the requests in the journal have together: a Fetch may name thousands.
const TOPICS_MAX: usize = 100_000;

/// Bytes of the names that the requests in the journal have together: a name may be as long as its
/// client likes.
const BYTES_MAX: usize = 16 << 20;

/// A request the broker received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
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
}

/// The latest requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: VecDeque<JournalEntry>,
    topics: usize,
    bytes: usize,
}

impl JournalEntry {
    fn bytes(&self) -> usize {
        let topics = self.topics.iter().map(String::len);
        self.client_id.len() + self.principal.len() + topics.sum::<usize>()
    }
}

impl Journal {
    pub(super) fn push(&mut self, entry: JournalEntry) {
        self.topics += entry.topics.len();
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.entries.len() > REQUESTS_MAX
            || ((self.topics > TOPICS_MAX || self.bytes > BYTES_MAX) && self.entries.len() > 1)
        {
            let Some(oldest) = self.entries.pop_front() else {
                break;
            };
            self.topics -= oldest.topics.len();
            self.bytes -= oldest.bytes();
        }
    }

    pub(super) fn entries(&self) -> Vec<JournalEntry> {
        self.entries.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(correlation_id: i32, topics: usize) -> JournalEntry {
        JournalEntry {
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
