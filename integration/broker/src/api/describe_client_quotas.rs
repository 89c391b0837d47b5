//! DescribeClientQuotas (key 48), versions 0 and 1: quotas of the entities that a filter takes.
//!
//! An entity must have each part that the filter names, as the filter wants it; with `strict` it
//! must have no others.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::describe_client_quotas::{
    ComponentData, DescribeClientQuotasRequest, DescribeClientQuotasResponse, EntityData,
    EntryData, ValueData,
};

use super::{Api, Call, text};
use crate::quota::{Entity, Part};
use crate::security::acl::AclOperation;

const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const SPECIFIED: i8 = 2;

impl Api for DescribeClientQuotasRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::DescribeConfigs)
    }

    async fn answer(self, call: &Call<'_>) -> DescribeClientQuotasResponse {
        if let Err(message) = check(&self.components) {
            return refused(ErrorCode::INVALID_REQUEST, message);
        }
        let quotas = call.node.quotas();
        let found = quotas.limits().iter();
        let found = found.filter(|(entity, _)| takes(&self, entity));
        let entries = found.map(|(entity, values)| EntryData {
            entity: parts(entity)
                .into_iter()
                .filter_map(|(kind, part)| {
                    let entity_name = match part {
                        Part::Absent => return None,
                        Part::Default => None,
                        Part::Named(name) => Some(name.as_str().into()),
                    };
                    Some(EntityData {
                        entity_type: kind.into(),
                        entity_name,
                        ..Default::default()
                    })
                })
                .collect(),
            values: values
                .iter()
                .map(|(key, value)| ValueData {
                    key: key.as_str().into(),
                    value: *value,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        });
        DescribeClientQuotasResponse {
            error_message: None,
            entries: Some(entries.collect()),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeClientQuotasResponse {
        refused(error, error.text())
    }
}

fn refused(error: ErrorCode, message: impl Into<String>) -> DescribeClientQuotasResponse {
    DescribeClientQuotasResponse {
        error_code: error.code(),
        error_message: text(message),
        entries: None,
        ..Default::default()
    }
}

fn parts(entity: &Entity) -> [(&'static str, &Part); 3] {
    [
        ("user", &entity.user),
        ("client-id", &entity.client_id),
        ("ip", &entity.ip),
    ]
}

/// Whether the filter is one. The texts are Kafka's.
fn check(components: &[ComponentData]) -> Result<(), String> {
    for (index, one) in components.iter().enumerate() {
        let kind = &*one.entity_type;
        if kind.is_empty() {
            return Err("Invalid empty entity type.".to_owned());
        }
        if !["user", "client-id", "ip"].contains(&kind) {
            return Err(format!("Unsupported entity type {kind}"));
        }
        if components[..index]
            .iter()
            .any(|other| other.entity_type == one.entity_type)
        {
            return Err(format!(
                "Entity type {kind} cannot appear more than once in the filter."
            ));
        }
        match (one.match_type, &one.r#match) {
            (EXACT, Some(_)) | (DEFAULT | SPECIFIED, None) => {}
            (EXACT, None) => {
                return Err(
                    "Request specified MATCH_TYPE_EXACT, but set match string to null.".to_owned(),
                );
            }
            (DEFAULT, Some(_)) => {
                return Err(
                    "Request specified MATCH_TYPE_DEFAULT, but also specified a match string."
                        .to_owned(),
                );
            }
            (SPECIFIED, Some(_)) => {
                return Err(
                    "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string."
                        .to_owned(),
                );
            }
            (other, _) => return Err(format!("Unknown match type {other}")),
        }
    }
    let has = |kind: &str| components.iter().any(|one| one.entity_type == kind);
    if has("ip") && components.len() > 1 {
        return Err(
            "Invalid entity filter component combination. IP filter component should not be used \
             with user or clientId filter component."
                .to_owned(),
        );
    }
    Ok(())
}

fn takes(request: &DescribeClientQuotasRequest, entity: &Entity) -> bool {
    parts(entity).into_iter().all(|(kind, part)| {
        let mut components = request.components.iter();
        match components.find(|one| one.entity_type == kind) {
            None => !request.strict || *part == Part::Absent,
            Some(one) => match (one.match_type, part) {
                (_, Part::Absent) => false,
                (EXACT, Part::Named(name)) => one.r#match.as_deref() == Some(name),
                (DEFAULT, part) => *part == Part::Default,
                (SPECIFIED, _) => true,
                _ => false,
            },
        }
    })
}
