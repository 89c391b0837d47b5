//! What a partition gives the sink of its leader: a batch that is sent again, or the oldest open one.

use std::sync::Arc;

use bytes::Bytes;
use kafka_client_protocol::records::{self, BatchBuilder, RecordError, Seal, Sealed};
use tokio::time::Instant;

use super::{Batch, Finished, OpenBatch, Partition, State};
use crate::env::lock;
use crate::error::{Error, ErrorKind};
use crate::producer::delivery::Outcome;
use crate::producer::shared::Shared;
use crate::producer::window::{Identity, Ticket};

/// What the sink is to do with a partition.
#[derive(Debug)]
pub(crate) enum Next {
    /// Send this batch again.
    Again { ticket: Ticket, bytes: Bytes },
    /// Seal this batch and send it. `more` if another could follow at once.
    New {
        ticket: Ticket,
        batch: Unsealed,
        more: bool,
    },
    /// The batch is too large for what is left of the request.
    NoRoom,
    /// The request has a batch of the partition already.
    Taken,
    /// Nothing before this instant.
    At(Instant),
    /// Another broker leads the partition now, or none does.
    Elsewhere,
    /// Nothing now; an answer, a signal or a new leader brings it back.
    Nothing,
}

/// A batch that takes no more records and has its sequence. It is sealed without the partition's
/// lock: compressing takes long.
#[derive(Debug)]
pub(crate) struct Unsealed {
    builder: BatchBuilder,
    seal: Seal,
}

impl Unsealed {
    /// Its size before compression, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.builder.len()
    }

    pub(crate) fn records(&self) -> u32 {
        self.builder.record_count()
    }

    pub(crate) fn seal(self) -> Result<Sealed, RecordError> {
        self.builder.seal(&self.seal)
    }
}

impl Partition {
    /// What the sink of broker `node` is to send, in a request that has `room` for so many bytes. The
    /// number of the request tells it from others of the sink.
    pub(crate) fn next(
        self: &Arc<Self>,
        shared: &Shared,
        node: i32,
        now: Instant,
        (request, room): (u64, usize),
    ) -> Next {
        let mut renumbered = None;
        let next = self.next_of(
            &mut lock(&self.state),
            shared,
            node,
            now,
            (request, room),
            &mut renumbered,
        );
        // A logger is code of the user's: it may send.
        if let Some(identity) = renumbered {
            tracing::debug!(
                topic = %self.topic.name, partition = self.index, epoch = identity.epoch,
                "sequences start over under a new producer epoch"
            );
        }
        next
    }

    /// As [`Partition::next`], under the lock. `renumbered` is set to the identity under which the
    /// sequences start over, if they do.
    fn next_of(
        &self,
        state: &mut State,
        shared: &Shared,
        node: i32,
        now: Instant,
        (request, room): (u64, usize),
        renumbered: &mut Option<Identity>,
    ) -> Next {
        if state.queued_at == Some(node) {
            state.queued_at = None;
        }
        if self.leader() != node {
            return Next::Elsewhere;
        }
        // A batch was taken, then a caller filled another one and queued the partition again, all
        // while the request is being put together. A broker looks at one batch of each partition.
        if state.taken_for == Some((node, request)) {
            return Next::Taken;
        }
        if let Some(not_before) = state.not_before {
            if not_before > now {
                return Next::At(not_before);
            }
            state.not_before = None;
        }
        if shared.config.idempotent() {
            let Some(identity) = shared.identities.current() else {
                return Next::Nothing;
            };
            state.window.follow(identity);
            if state.window.must_renumber() {
                *renumbered = state.renumber(shared);
                if renumbered.is_none() {
                    return Next::Nothing;
                }
            }
        }
        if state.window.has_waiting() {
            let next = state.again(node, room);
            if matches!(next, Next::Again { .. }) {
                state.taken_for = Some((node, request));
            }
            return next;
        }
        if !state.is_ready(shared) || !state.window.may_send_new(node) {
            return Next::Nothing;
        }
        if state
            .open
            .front()
            .is_some_and(|open| open.builder.len() > room)
        {
            return Next::NoRoom;
        }
        let Some(open) = state.open.pop_front() else {
            return Next::Nothing;
        };
        state.taken_for = Some((node, request));
        let (ticket, batch) = state.close(shared, open, node);
        let more = state.is_ready(shared) && state.window.may_send_new(node);
        Next::New {
            ticket,
            batch,
            more,
        }
    }

    /// Takes in what sealing has made of a batch, and gives the bytes to send: `None` if it failed,
    /// or if the batch was given up meanwhile.
    pub(crate) fn sealed(
        &self,
        shared: &Shared,
        ticket: Ticket,
        sealed: Result<Sealed, RecordError>,
    ) -> Option<Bytes> {
        let _telling = shared.telling.begin();
        let mut finished = Vec::new();
        let bytes = {
            let mut state = lock(&self.state);
            match sealed {
                Ok(sealed) => {
                    if let Some(spare) = sealed.spare {
                        shared.recycle([spare]);
                    }
                    let entry = state.window.get_mut(ticket)?;
                    entry.batch.bytes = sealed.bytes.clone();
                    Some(sealed.bytes)
                }
                Err(error) => {
                    let error = Error::new(
                        ErrorKind::Serialization,
                        format!("the batch failed: {error}"),
                    )
                    .with_source(error)
                    .at_partition(&self.topic.name, self.index);
                    // It was never sent.
                    state.window.refused(ticket, false);
                    let entry = state.window.given_up(ticket)?;
                    finished.push(Finished::new(entry, Outcome::NotDelivered(error)));
                    None
                }
            }
        };
        Finished::tell_all(finished, shared);
        bytes
    }
}

impl State {
    /// Numbers everything in the window anew under the next epoch (KIP-360), which is given; `None` if
    /// that is not known yet.
    fn renumber(&mut self, shared: &Shared) -> Option<Identity> {
        let identity = shared.identities.after(self.window.identity())?;
        self.window.renumber(identity, |batch, sequence| {
            match records::reidentify(&batch.bytes, identity.id, identity.epoch, sequence) {
                Ok(bytes) => batch.bytes = bytes,
                // The bytes are our own, made by the sealing below.
                Err(error) => unreachable!("a sealed batch is whole: {error}"),
            }
        });
        Some(identity)
    }

    /// The batch that is sent again, if one is now.
    fn again(&mut self, node: i32, room: usize) -> Next {
        let Some(entry) = self.window.next_again() else {
            return Next::Nothing;
        };
        if entry.batch.bytes.len() > room {
            return Next::NoRoom;
        }
        let (ticket, bytes) = (entry.ticket, entry.batch.bytes.clone());
        self.window.resend(ticket, node);
        Next::Again { ticket, bytes }
    }

    /// Ends a batch and takes it into the window.
    fn close(&mut self, shared: &Shared, open: OpenBatch, node: i32) -> (Ticket, Unsealed) {
        let OpenBatch {
            builder,
            completion,
            created,
            reserved,
            ..
        } = open;
        let seal = shared.seal(self.window.identity(), self.window.next_sequence());
        completion.announce_no_more();
        let batch = Batch {
            bytes: Bytes::new(),
            completion,
            created,
            reserved,
            failures: 0,
            told: false,
        };
        let records = builder.record_count() as i32;
        let ticket = self.window.send_new(node, records, batch);
        (ticket, Unsealed { builder, seal })
    }

    /// Whether the oldest open batch is to be sent.
    pub(super) fn is_ready(&self, shared: &Shared) -> bool {
        match self.open.front() {
            Some(front) => {
                self.due.is_some_and(|due| front.number <= due)
                    || self.open.len() > 1
                    || front.builder.len() >= shared.config.batch_size
            }
            None => false,
        }
    }

    /// Whether there is something that the leader's sink could send, now or after a back-off.
    pub(super) fn has_work(&self, shared: &Shared) -> bool {
        self.window.has_waiting() || self.window.must_renumber() || self.is_ready(shared)
    }
}
