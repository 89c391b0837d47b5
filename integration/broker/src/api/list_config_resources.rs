//! ListConfigResources (key 74), versions 0 and 1: what has settings (KIP-1142).
//!
//! Version 0 lists the subscriptions to clients' metrics, version 1 the types that are asked for, or
//! all.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use super::configs::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use super::{Api, Call};
use crate::security::acl::AclOperation;

const TYPES_SINCE: i16 = 1;
const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

impl Api for ListConfigResourcesRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::DescribeConfigs)
    }

    async fn answer(self, call: &Call<'_>) -> ListConfigResourcesResponse {
        let types = match &*self.resource_types {
            _ if call.version < TYPES_SINCE => vec![CLIENT_METRICS],
            [] => ALL.to_vec(),
            asked => asked.to_vec(),
        };
        if !types.iter().all(|kind| ALL.contains(kind)) {
            return self.refuse(ErrorCode::UNSUPPORTED_VERSION);
        }
        let listed = ALL.iter().filter(|kind| types.contains(kind));
        let resources = listed.flat_map(|kind| {
            let named = move |resource_name: String| ConfigResource {
                resource_name: resource_name.into(),
                resource_type: *kind,
                ..Default::default()
            };
            names(call, *kind).into_iter().map(named)
        });
        ListConfigResourcesResponse {
            config_resources: resources.collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> ListConfigResourcesResponse {
        ListConfigResourcesResponse {
            error_code: error.code(),
            ..Default::default()
        }
    }
}

fn names(call: &Call<'_>, kind: i8) -> Vec<String> {
    let node = call.node;
    let settings = node.settings.get();
    match kind {
        TOPIC => {
            let topics = node.topics.all();
            topics.iter().map(|topic| topic.name.to_string()).collect()
        }
        GROUP => settings.groups().map(str::to_owned).collect(),
        CLIENT_METRICS => settings.client_metrics().map(str::to_owned).collect(),
        _ => vec![node.config().node_id.to_string()],
    }
}
