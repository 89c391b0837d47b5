//! IncrementalAlterConfigs (key 44), versions 0 and 1: changes of single settings (KIP-339).
//!
//! The changes of a resource hold all together or not at all; each resource is answered for itself.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use super::configs::{self, BROKER_LOGGER, Change, Use, invalid, resource};
use super::{Api, Call, text};
use crate::refusal::Refusal;

impl Api for IncrementalAlterConfigsRequest {
    async fn answer(self, call: &Call<'_>) -> IncrementalAlterConfigsResponse {
        let key = |asked: &AlterConfigsResource| (asked.resource_type, asked.resource_name.clone());
        let repeated = configs::repeated(self.resources.iter().map(key));
        let mut responses = Vec::new();
        for asked in &self.resources {
            let altered = if repeated.contains(&key(asked)) {
                Err(configs::named_twice())
            } else {
                alter(call, asked, self.validate_only).await
            };
            responses.push(response(asked, altered));
        }
        IncrementalAlterConfigsResponse {
            responses,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> IncrementalAlterConfigsResponse {
        let responses = self.resources.iter();
        IncrementalAlterConfigsResponse {
            responses: responses
                .map(|asked| response(asked, Err(error.into())))
                .collect(),
            ..Default::default()
        }
    }
}

async fn alter(
    call: &Call<'_>,
    asked: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Refusal> {
    let resource = resource(call, asked.resource_type, &asked.resource_name, Use::Alter)?;
    if asked.resource_type == BROKER_LOGGER {
        return Err(invalid("the log levels come from the broker's environment"));
    }
    let changes = asked.configs.iter().map(|config| {
        let change = Change::of(config.config_operation).ok_or_else(|| {
            let code = config.config_operation;
            let message = format!("unknown operation {code} on property {}", config.name);
            // Apache Kafka has not thought of it.
            Refusal::new(ErrorCode::UNKNOWN_SERVER_ERROR, message)
        })?;
        let value = config.value.as_ref().map(ToString::to_string);
        Ok((config.name.to_string(), change, value))
    });
    let changes = changes.collect::<Result<Vec<_>, Refusal>>()?;
    resource.change(call, changes, validate_only).await
}

fn response(
    asked: &AlterConfigsResource,
    altered: Result<(), Refusal>,
) -> AlterConfigsResourceResponse {
    let refusal = altered.err();
    AlterConfigsResourceResponse {
        error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
        error_message: refusal.and_then(|refusal| text(refusal.message)),
        resource_type: asked.resource_type,
        resource_name: asked.resource_name.clone(),
        ..Default::default()
    }
}
