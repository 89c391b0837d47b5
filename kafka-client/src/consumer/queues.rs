//! Data of a consumer whose partitions are read apart, each by a stream of its own. Pure.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use super::TopicPartition;
use super::position::Assigned;
use super::shared::Fetched;

/// What has arrived, by partition.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    queues: BTreeMap<TopicPartition, Queue>,
}

#[derive(Debug)]
struct Queue {
    /// Tells this assignment of the partition from those before.
    assigned: Arc<Assigned>,
    data: VecDeque<Fetched>,
    bytes: usize,
    /// A stream reads it.
    is_taken: bool,
    waker: Option<Waker>,
}

impl Queue {
    fn new(assigned: Arc<Assigned>) -> Self {
        Self {
            assigned,
            data: VecDeque::new(),
            bytes: 0,
            is_taken: false,
            waker: None,
        }
    }
}

impl Queues {
    /// The queue of this assignment, if it is the one.
    fn queue(&mut self, assigned: &Arc<Assigned>) -> Option<&mut Queue> {
        let queue = self.queues.get_mut(&assigned.partition)?;
        Arc::ptr_eq(&queue.assigned, assigned).then_some(queue)
    }

    /// Puts data behind what there is of its partition, whose stream is to be woken then.
    pub(crate) fn put(&mut self, fetched: Fetched) -> Option<Waker> {
        let queue = self.queue(&fetched.assigned)?;
        queue.bytes += fetched.bytes.bytes;
        queue.data.push_back(fetched);
        queue.waker.take()
    }

    /// The next data of a partition.
    pub(crate) fn take(&mut self, assigned: &Arc<Assigned>) -> Option<Fetched> {
        let queue = self.queue(assigned)?;
        let fetched = queue.data.pop_front()?;
        queue.bytes -= fetched.bytes.bytes;
        Some(fetched)
    }

    /// Bytes that wait for the stream of a partition.
    pub(crate) fn bytes(&mut self, assigned: &Arc<Assigned>) -> usize {
        self.queue(assigned).map_or(0, |queue| queue.bytes)
    }

    /// How many partitions share the buffer.
    pub(crate) fn len(&self) -> usize {
        self.queues.len()
    }

    /// Takes in a partition that was assigned; what there was of a former assignment is returned.
    pub(crate) fn add(&mut self, assigned: &Arc<Assigned>) -> VecDeque<Fetched> {
        if self.queue(assigned).is_some() {
            return VecDeque::new();
        }
        let queue = Queue::new(assigned.clone());
        let former = self.queues.insert(assigned.partition.clone(), queue);
        former.map(|queue| queue.data).unwrap_or_default()
    }

    /// A partition that no stream reads yet; one does from now on.
    pub(crate) fn next_untaken(&mut self) -> Option<Arc<Assigned>> {
        let queue = self.queues.values_mut().find(|queue| {
            !queue.is_taken && queue.assigned.is_owned() && !queue.assigned.is_held()
        })?;
        queue.is_taken = true;
        Some(queue.assigned.clone())
    }

    /// The stream of a partition is no more; what it has not taken is returned.
    pub(crate) fn leave(&mut self, assigned: &Arc<Assigned>) -> VecDeque<Fetched> {
        if !assigned.is_owned() {
            if self.queue(assigned).is_none() {
                return VecDeque::new();
            }
            let queue = self.queues.remove(&assigned.partition);
            return queue.map(|queue| queue.data).unwrap_or_default();
        }
        let Some(queue) = self.queue(assigned) else {
            return VecDeque::new();
        };
        (queue.is_taken, queue.waker, queue.bytes) = (false, None, 0);
        std::mem::take(&mut queue.data)
    }

    /// What there is of partitions that have gone and had no stream.
    pub(crate) fn forget_gone(&mut self) -> Vec<Fetched> {
        let mut gone = Vec::new();
        self.queues.retain(|_, queue| {
            let stays = queue.is_taken || queue.assigned.is_owned();
            if !stays {
                gone.extend(queue.data.drain(..));
            }
            stays
        });
        gone
    }

    /// Whom to wake when there is data of a partition, or when its stream ends.
    pub(crate) fn wait(&mut self, assigned: &Arc<Assigned>, waker: &Waker) {
        if let Some(queue) = self.queue(assigned) {
            queue.waker = Some(waker.clone());
        }
    }

    /// Its stream no longer waits.
    pub(crate) fn forget(&mut self, assigned: &Arc<Assigned>) {
        if let Some(queue) = self.queue(assigned) {
            queue.waker = None;
        }
    }

    /// Whether one of the streams waits.
    pub(crate) fn has_waiting(&self) -> bool {
        self.queues.values().any(|queue| queue.waker.is_some())
    }

    /// All who wait, and no longer do.
    pub(crate) fn wakers(&mut self) -> Vec<Waker> {
        let queues = self.queues.values_mut();
        queues.filter_map(|queue| queue.waker.take()).collect()
    }
}
