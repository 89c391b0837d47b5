//! Produce (key 0), versions 3 to 13: batches to the logs.
//!
//! Announced from version 0 for the sake of old librdkafka, see [`super::SERVED`]; a request below
//! 3 ends the connection.
//!
//! Each partition is judged and answered for itself. With one replica, `acks` 1 and -1 are the
//! same, unless a test holds the high watermark: `min.insync.replicas` counts for no more than there
//! are replicas, as in Kafka. With `acks`
//! 0 nothing is answered; an error then ends the connection, the only sign the client can get.
//!
//! Version 7 allows zstd, 8 has messages for errors and names the records at fault (KIP-467), 13
//! names topics by id.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use kafka_client_protocol::api::produce::{
    BatchIndexAndErrorMessage, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceData, TopicProduceResponse,
};

use kafka_client_protocol::records::BatchHeader;
use kafka_client_protocol::{ErrorCode, StrBytes, Uuid};

use super::{Api, Call, Named, Part, Target, TopicRef, parts, text};
use crate::env;
use crate::partition::{Partition, Standing, Until};
use crate::quota;
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::topics::Topic;
use crate::validate::{one_batch, validate};

const ALL: i16 = -1;
const TOPIC_IDS_SINCE: i16 = 13;
/// The format of batches that may have the attribute.
const MAGIC: i8 = 2;

impl Api for ProduceRequest {
    const NAMES: Named = Named::Partitions;

    const QUOTA: Option<quota::Kind> = Some(quota::Kind::Produce);

    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        // Before anything else, as in Kafka: that there are no transactions here comes after it.
        match &self.transactional_id {
            Some(id) => call.needs_on_transactional_id(AclOperation::Write, id),
            None => Ok(()),
        }
    }

    fn needs_on_topics(&self, _: &Call<'_>) -> Option<AclOperation> {
        Some(AclOperation::Write)
    }

    async fn answer(self, call: &Call<'_>) -> ProduceResponse {
        let outright = self.outright_refusal();
        let pending = RefCell::new(Vec::new());
        let mut answer = self.answer_each(|asked, data| {
            if let Some(refusal) = &outright {
                return Err(refusal.clone());
            }
            let by_id = call.version >= TOPIC_IDS_SINCE;
            let topic = call.node.find_topic(by_id, asked.topic_id, &asked.name)?;
            let (answer, waits) = append(call, &topic, data, self.acks)?;
            if let Some(waits) = waits {
                pending.borrow_mut().push(Pending {
                    name: asked.name.clone(),
                    topic_id: asked.topic_id,
                    index: data.index,
                    waits,
                });
            }
            Ok(answer)
        });
        let pending = pending.into_inner();
        if !pending.is_empty() {
            // As in Kafka, only who waits for all replicas has a limit.
            let patience = (self.acks == ALL).then_some(self.timeout_ms);
            let patience = patience.map(|ms| u64::try_from(ms).unwrap_or(0));
            wait_for(
                call,
                pending,
                patience.map(Duration::from_millis),
                &mut answer,
            )
            .await;
        }
        answer
    }

    fn refuse(&self, error: ErrorCode) -> ProduceResponse {
        self.answer_each(|_, _| Err(error.into()))
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let topics = self.topic_data.iter();
        topics
            .flat_map(|topic| {
                let named = TopicRef::new(&topic.name, topic.topic_id);
                Part::partitions(named, topic.partition_data.iter().map(|one| one.index))
            })
            .collect()
    }

    fn take(&mut self, target: &Target<'_>) -> Option<Self> {
        let taken = parts::take(
            &mut self.topic_data,
            |topic| &mut topic.partition_data,
            |topic, one| target.is(TopicRef::new(&topic.name, topic.topic_id), one.index),
        );
        (!taken.is_empty()).then(|| Self {
            topic_data: taken,
            ..self.clone()
        })
    }

    fn put(answer: &mut ProduceResponse, refused: ProduceResponse) {
        parts::put_by(
            &mut answer.responses,
            refused.responses,
            |topic| (topic.name.clone(), topic.topic_id),
            |known, topic| {
                parts::put_partitions(
                    &mut known.partition_responses,
                    topic.partition_responses,
                    |one| one.index,
                );
            },
        );
    }

    fn wants_answer(&self) -> bool {
        self.acks != 0
    }

    fn closes_unanswered(answer: &ProduceResponse) -> bool {
        let partitions = answer
            .responses
            .iter()
            .flat_map(|topic| &topic.partition_responses);
        partitions
            .into_iter()
            .any(|partition| partition.error_code != 0)
    }
}

/// A batch that is appended, and not to be acknowledged yet.
struct Pending {
    name: StrBytes,
    topic_id: Uuid,
    index: i32,
    waits: Waits,
}

/// What it waits for: that all before an offset is on the disk, or has every replica.
struct Waits {
    partition: Arc<Partition>,
    end_offset: i64,
    until: Until,
}

impl Waits {
    fn standing(&self) -> Standing {
        self.partition.standing(self.end_offset, self.until)
    }
}

/// Waits until that is so for all, or the client's patience is at its end: what is missing then is told so, though
/// it is in the log.
async fn wait_for(
    call: &Call<'_>,
    pending: Vec<Pending>,
    patience: Option<Duration>,
    answer: &mut ProduceResponse,
) {
    let decided = async |until| {
        for Pending { waits, .. } in &pending {
            waits.partition.decided(waits.end_offset, until).await;
        }
    };
    let all = async {
        // As in Kafka, the disk takes as long as it takes.
        decided(Until::Forced).await;
        if let Some(patience) = patience {
            // What is not there then is told so below.
            let _ = env::timeout(patience, decided(Until::Committed)).await;
        }
    };
    tokio::select! {
        biased;
        () = all => {}
        () = call.node.stopped() => {}
        () = call.connection.is_left() => {}
    }
    for one in pending {
        let error = match one.waits.standing() {
            Standing::There => continue,
            Standing::Pending => ErrorCode::REQUEST_TIMED_OUT,
            Standing::Failed => ErrorCode::KAFKA_STORAGE_ERROR,
        };
        let mut topics = answer.responses.iter_mut();
        let topic = topics.find(|topic| topic.name == one.name && topic.topic_id == one.topic_id);
        let mut partitions = topic
            .into_iter()
            .flat_map(|topic| &mut topic.partition_responses);
        if let Some(told) = partitions.find(|told| told.index == one.index) {
            told.error_code = error.code();
        }
    }
}

trait Parts {
    fn outright_refusal(&self) -> Option<Refusal>;

    fn has_transactional_batch(&self) -> bool;

    fn answer_each(
        &self,
        one: impl Fn(
            &TopicProduceData,
            &PartitionProduceData,
        ) -> Result<PartitionProduceResponse, Refusal>,
    ) -> ProduceResponse;
}

impl Parts for ProduceRequest {
    /// What is wrong with the request as a whole.
    fn outright_refusal(&self) -> Option<Refusal> {
        if !(-1..=1).contains(&self.acks) {
            let message = format!("acks {} is none of -1, 0 and 1", self.acks);
            return Some(Refusal::new(ErrorCode::INVALID_REQUIRED_ACKS, message));
        }
        if self.transactional_id.is_none() && self.has_transactional_batch() {
            return Some(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED.into());
        }
        if self.transactional_id.is_some() {
            let message = "this broker has no transactions yet: remove transactional.id";
            return Some(Refusal::new(ErrorCode::INVALID_TXN_STATE, message));
        }
        None
    }

    fn has_transactional_batch(&self) -> bool {
        let partitions = self
            .topic_data
            .iter()
            .flat_map(|topic| &topic.partition_data);
        let batches = partitions.filter_map(|data| data.records.as_ref());
        let mut heads = batches.filter_map(|batch| BatchHeader::parse(batch).ok());
        heads.any(|head| head.magic == MAGIC && head.attributes.is_transactional())
    }

    fn answer_each(
        &self,
        one: impl Fn(
            &TopicProduceData,
            &PartitionProduceData,
        ) -> Result<PartitionProduceResponse, Refusal>,
    ) -> ProduceResponse {
        let topic_answer = |topic: &TopicProduceData| TopicProduceResponse {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partition_responses: topic
                .partition_data
                .iter()
                .map(|data| one(topic, data).unwrap_or_else(|refusal| refused(data.index, refusal)))
                .collect(),
            ..Default::default()
        };
        ProduceResponse {
            responses: self.topic_data.iter().map(topic_answer).collect(),
            ..Default::default()
        }
    }
}

/// Appends a batch; what is to be waited for before that is acknowledged.
fn append(
    call: &Call<'_>,
    topic: &Topic,
    data: &PartitionProduceData,
    acks: i16,
) -> Result<(PartitionProduceResponse, Option<Waits>), Refusal> {
    let partition = topic.partition(data.index).ok_or_else(|| {
        Refusal::new(
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            format!("topic {} has no partition {}", topic.name, data.index),
        )
    })?;
    if topic.is_internal() {
        return Err(Refusal::new(
            ErrorCode::INVALID_TOPIC_EXCEPTION,
            format!(
                "{} is the broker's own: clients may not write to it",
                topic.name
            ),
        ));
    }
    let batch = one_batch(data.records.as_ref());
    let batch = batch.inspect_err(|_| partition.traffic().produced(true))?;
    let now_ms = call.node.env.wall_ms();
    let appended = validate(batch, &topic.config(), call.version, now_ms)
        .and_then(|batch| partition.append(&batch, now_ms));
    partition.traffic().produced(appended.is_err());
    let answer = match appended {
        Ok((appended, ends)) => {
            let answer = PartitionProduceResponse {
                index: data.index,
                base_offset: appended.base_offset,
                log_append_time_ms: appended.append_time_ms,
                log_start_offset: ends.start_offset,
                ..Default::default()
            };
            if appended.is_awaited {
                partition.force_apart();
            }
            // Of a batch that was there already the offset is in the past, and all before the end is enough.
            let end_offset = ends.end_offset;
            let until = match acks {
                ALL => (ends.high_watermark < end_offset).then_some(Until::Committed),
                0 => None,
                _ => appended.is_awaited.then_some(Until::Forced),
            };
            let waits = until.map(|until| Waits {
                partition: Arc::clone(partition),
                end_offset,
                until,
            });
            return Ok((answer, waits));
        }
        // The start tells an idempotent producer whether retention has removed what is missing.
        Err(refusal) if tells_start(refusal.code) => PartitionProduceResponse {
            log_start_offset: partition.ends().start_offset,
            ..refused(data.index, refusal)
        },
        Err(refusal) => refused(data.index, refusal),
    };
    Ok((answer, None))
}

/// Whether Kafka's answer has the log's start beside this error: not where the batch has not got as
/// far as the log, or the log is what failed.
fn tells_start(error: ErrorCode) -> bool {
    !matches!(
        error,
        ErrorCode::CORRUPT_MESSAGE
            | ErrorCode::MESSAGE_TOO_LARGE
            | ErrorCode::RECORD_LIST_TOO_LARGE
            | ErrorCode::UNSUPPORTED_COMPRESSION_TYPE
            | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::KAFKA_STORAGE_ERROR
    )
}

fn refused(index: i32, refusal: Refusal) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: refusal.code.code(),
        base_offset: -1,
        record_errors: refusal
            .records
            .into_iter()
            .map(|(batch_index, message)| BatchIndexAndErrorMessage {
                batch_index,
                batch_index_error_message: text(message),
                ..Default::default()
            })
            .collect(),
        error_message: text(refusal.message),
        ..Default::default()
    }
}
