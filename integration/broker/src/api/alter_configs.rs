//! AlterConfigs (key 33), versions 0 to 2: all settings of a resource at once.
//!
//! What the request does not name goes back to its default, which is why Kafka's own tools use
//! IncrementalAlterConfigs.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
};

use super::configs::{self, BROKER_LOGGER, Use, invalid, resource};
use super::{Api, Call, text};
use crate::refusal::Refusal;

impl Api for AlterConfigsRequest {
    async fn answer(self, call: &Call<'_>) -> AlterConfigsResponse {
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
        AlterConfigsResponse {
            responses,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> AlterConfigsResponse {
        let responses = self.resources.iter();
        AlterConfigsResponse {
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
        return Err(invalid(
            "log levels are changed by IncrementalAlterConfigs only",
        ));
    }
    let properties = asked.configs.iter().map(|config| {
        let value = config.value.as_ref().map(ToString::to_string);
        (config.name.to_string(), value)
    });
    let properties = properties.collect();
    resource.replace(call, properties, validate_only).await
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
