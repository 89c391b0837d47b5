//! AlterClientQuotas (key 49), versions 0 and 1: quotas of users and client ids set and removed.
//!
//! Each entity is judged and answered for itself. Quotas of mutations are kept and shown; this
//! broker does not act on them, and says so in its log.

use std::collections::HashSet;
use std::sync::Arc;

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::alter_client_quotas::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, EntityData, EntryData, EntryResult,
};

use super::{Api, Call, text};
use crate::quota::{Entity, KEY_OF_MUTATIONS, Limits, Part};
use crate::security::acl::AclOperation;

impl Api for AlterClientQuotasRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::AlterConfigs)
    }

    async fn answer(self, call: &Call<'_>) -> AlterClientQuotasResponse {
        let request = Arc::new(self);
        let changing = Arc::clone(&request);
        let alter_all = move |limits: &mut Limits| -> Vec<Result<(), String>> {
            let entries = changing.entries.iter();
            entries.map(|entry| alter(limits, entry)).collect()
        };
        let results = if request.validate_only {
            let mut limits = call.node.quotas().limits().clone();
            Ok(alter_all(&mut limits))
        } else {
            let changed = call.node.apart(move |node| node.change_quotas(alter_all));
            changed.await.unwrap_or_else(Err)
        };
        let results = match results {
            Ok(results) => results,
            Err(error) => {
                tracing::error!(%error, "quotas were not stored");
                return request.refuse(ErrorCode::KAFKA_STORAGE_ERROR);
            }
        };
        let mut ops = request.entries.iter().flat_map(|entry| &entry.ops);
        if ops.any(|op| &*op.key == KEY_OF_MUTATIONS && !op.remove) {
            tracing::warn!("quotas of {KEY_OF_MUTATIONS} have no effect in this broker");
        }
        let entries = request.entries.iter().zip(results);
        let entry = |(entry, result): (&EntryData, Result<(), String>)| match result {
            Ok(()) => answered(entry, ErrorCode::NONE, None),
            Err(message) => answered(entry, ErrorCode::INVALID_REQUEST, Some(message)),
        };
        AlterClientQuotasResponse {
            entries: entries.map(entry).collect(),
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> AlterClientQuotasResponse {
        let refused = |entry| answered(entry, error, Some(error.text().to_owned()));
        AlterClientQuotasResponse {
            entries: self.entries.iter().map(refused).collect(),
            ..Default::default()
        }
    }
}

fn answered(entry: &EntryData, error: ErrorCode, message: Option<String>) -> EntryResult {
    EntryResult {
        error_code: error.code(),
        error_message: message.and_then(text),
        entity: entry.entity.clone(),
        ..Default::default()
    }
}

/// Changes the quotas of one entity, all or none.
fn alter(limits: &mut Limits, entry: &EntryData) -> Result<(), String> {
    let entity = entity(&entry.entity)?;
    let mut values = limits.get(&entity).cloned().unwrap_or_default();
    let mut seen = HashSet::new();
    for op in &entry.ops {
        let key = &*op.key;
        if !seen.insert(key) {
            return Err(format!("Duplicate quota key {key}"));
        }
        if op.remove {
            values.remove(key);
        } else {
            entity.check(key, op.value)?;
            values.insert(key.to_owned(), op.value);
        }
    }
    if values.is_empty() {
        limits.remove(&entity);
    } else {
        limits.insert(entity, values);
    }
    Ok(())
}

fn entity(parts: &[EntityData]) -> Result<Entity, String> {
    let mut entity = Entity::default();
    for part in parts {
        let place = match &*part.entity_type {
            "user" => &mut entity.user,
            "client-id" => &mut entity.client_id,
            "ip" => &mut entity.ip,
            other => return Err(format!("Unhandled client quota entity type: {other}")),
        };
        if *place != Part::Absent {
            let kind = &part.entity_type;
            return Err(format!(
                "Invalid client quota entity, duplicate entity entry {kind}"
            ));
        }
        *place = match &part.entity_name {
            None => Part::Default,
            Some(name) => Part::Named(name.to_string()),
        };
    }
    if entity == Entity::default() {
        return Err("Invalid empty client quota entity".to_owned());
    }
    if entity.ip != Part::Absent
        && (entity.user != Part::Absent || entity.client_id != Part::Absent)
    {
        // Kafka's words, letter by letter.
        return Err(
            "Invalid quota entity combination, IP entity shouldnot be combined with User or \
             ClientId"
                .to_owned(),
        );
    }
    Ok(entity)
}
