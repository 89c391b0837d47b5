//! DescribeProducers (key 61), version 0: the idempotent producers that a partition remembers
//! (KIP-664).

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicRequest, TopicResponse,
};

use super::{Api, Call, text};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::topics::check_name;

impl Api for DescribeProducersRequest {
    async fn answer(self, call: &Call<'_>) -> DescribeProducersResponse {
        DescribeProducersResponse {
            topics: self.topics.iter().map(|asked| topic(call, asked)).collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeProducersResponse {
        let refusal = Refusal::from(error);
        DescribeProducersResponse {
            topics: self
                .topics
                .iter()
                .map(|asked| answer(asked, |_| Err(refusal.clone())))
                .collect(),
            ..Default::default()
        }
    }
}

fn topic(call: &Call<'_>, asked: &TopicRequest) -> TopicResponse {
    let unknown = || Refusal::from(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    let topic = if !call.may_on_topic(AclOperation::Read, &asked.name) {
        Err(Refusal::from(ErrorCode::TOPIC_AUTHORIZATION_FAILED))
    } else {
        check_name(&asked.name).and_then(|()| {
            let known = call.node.topics.named(&asked.name);
            known.ok_or_else(unknown)
        })
    };
    answer(asked, |index| {
        let topic = topic.as_ref().map_err(Clone::clone)?;
        let partition = topic.partition(index).ok_or_else(unknown)?;
        let log = partition.log();
        let producers = log.producers().iter().map(|last| ProducerState {
            producer_id: last.id,
            producer_epoch: last.epoch.into(),
            last_sequence: last.sequence,
            last_timestamp: last.timestamp,
            coordinator_epoch: -1,
            current_txn_start_offset: -1,
            ..Default::default()
        });
        Ok(producers.collect())
    })
}

fn answer(
    asked: &TopicRequest,
    producers: impl Fn(i32) -> Result<Vec<ProducerState>, Refusal>,
) -> TopicResponse {
    let partitions = asked.partition_indexes.iter().map(|index| {
        let found = producers(*index);
        let (refusal, active_producers) = match found {
            Ok(producers) => (None, producers),
            Err(refusal) => (Some(refusal), Vec::new()),
        };
        PartitionResponse {
            partition_index: *index,
            error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
            error_message: refusal.and_then(|refusal| text(refusal.message)),
            active_producers,
            ..Default::default()
        }
    });
    TopicResponse {
        name: asked.name.clone(),
        partitions: partitions.collect(),
        ..Default::default()
    }
}
