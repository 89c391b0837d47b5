//! A call's answer as JSON.

use kafka_client_formats::compatibility::Level;
use kafka_client_formats::compatibility::protobuf::ProtobufModel;
use kafka_client_formats::schema::{Reference, Schema, SchemaType};
use kafka_client_formats::wire::Guid;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::route::{Call, Kind, Query};
use crate::entry::ReferenceValue;
use crate::error::ApiError;
use crate::service::Service;
use crate::state::{Mode, Stored};

pub(super) async fn answer(service: &Service, call: Call, body: &[u8]) -> Result<Value, ApiError> {
    let Call { kind, query } = call;
    let state = || service.state();
    Ok(match kind {
        Kind::Root => json!({}),
        Kind::Types => json!(["AVRO", "JSON", "PROTOBUF"]),
        Kind::Contexts => json!(state().contexts()),
        Kind::Subjects => json!(state().subjects(&query.prefix, query.deleted)),
        Kind::SchemaById(id) => {
            let state = state();
            let schema = state.by_id(id, &query.subject)?;
            shown(schema, crate::language::guid(schema), &query)
        }
        Kind::SchemaTextById(id) => text(state().by_id(id, &query.subject)?),
        Kind::SubjectsOfId(id) => {
            let state = state();
            state.by_id(id, &query.subject)?;
            let users = state.users(id, &query.subject, query.deleted);
            let mut names: Vec<_> = users.into_iter().map(|(name, _)| name).collect();
            names.dedup();
            json!(names)
        }
        Kind::VersionsOfId(id) => {
            let state = state();
            state.by_id(id, &query.subject)?;
            let users = state.users(id, &query.subject, query.deleted).into_iter();
            users
                .map(|(name, version)| json!({"subject": name, "version": version}))
                .collect()
        }
        Kind::SchemaByGuid(guid) => shown(state().by_guid(guid)?, guid, &query),
        Kind::Versions(subject) => json!(state().versions(&subject, query.deleted)?),
        Kind::Version(subject, version) => {
            let state = state();
            let (version, stored) = state.version(&subject, version, query.deleted)?;
            full(&subject, version, stored, &query)
        }
        Kind::VersionText(subject, version) => {
            text(&state().version(&subject, version, query.deleted)?.1.schema)
        }
        Kind::ReferencedBy(subject, version) => {
            let state = state();
            let (version, _) = state.version(&subject, version, true)?;
            json!(state.referenced_by(&subject, version))
        }
        Kind::LookUp(subject) => {
            let schema = schema(body)?;
            let state = state();
            let (version, stored) = state.look_up(&subject, &schema, query.deleted)?;
            full(&subject, version, stored, &query)
        }
        Kind::Register(subject) => {
            let (version, stored) = service.register(&subject, &schema(body)?).await?;
            full(&subject, version, &stored, &query)
        }
        Kind::Compatible(subject, version) => {
            let reasons = service.judge(&subject, version, &schema(body)?)?;
            let mut answer = json!({"is_compatible": reasons.is_empty()});
            if query.verbose {
                answer["messages"] = json!(reasons);
            }
            answer
        }
        Kind::DeleteSubject(subject) => {
            json!(service.delete_subject(&subject, query.permanent).await?)
        }
        Kind::DeleteVersion(subject, version) => {
            json!(
                service
                    .delete_version(&subject, version, query.permanent)
                    .await?
            )
        }
        Kind::Level(subject) => {
            let level = state().level(subject.as_deref(), query.or_global);
            let none = || ApiError::no_level(&subject.unwrap_or_default());
            json!({"compatibilityLevel": level.ok_or_else(none)?.as_str()})
        }
        Kind::SetLevel(subject) => {
            let asked: LevelBody = read(body)?;
            let level: Level = asked
                .compatibility
                .parse()
                .map_err(ApiError::invalid_level)?;
            service.set_level(subject.as_deref(), Some(level)).await?;
            json!({"compatibility": level.as_str()})
        }
        Kind::UnsetLevel(subject) => {
            let before = service.set_level(subject.as_deref(), None).await?;
            json!({"compatibilityLevel": before.as_str()})
        }
        Kind::Mode(subject) => {
            let mode = state().mode(subject.as_deref(), query.or_global);
            let none = || ApiError::no_mode(&subject.unwrap_or_default());
            json!({"mode": mode.ok_or_else(none)?.as_str()})
        }
        Kind::SetMode(subject) => {
            let asked: ModeBody = read(body)?;
            let mode =
                Mode::parse(&asked.mode).ok_or_else(|| ApiError::invalid_mode(&asked.mode))?;
            service.set_mode(subject.as_deref(), Some(mode)).await?;
            json!({"mode": mode.as_str()})
        }
        Kind::UnsetMode(subject) => {
            let before = service.set_mode(Some(&subject), None).await?;
            json!({"mode": before.as_str()})
        }
    })
}

#[derive(Deserialize)]
struct LevelBody {
    compatibility: String,
}

#[derive(Deserialize)]
struct ModeBody {
    mode: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchemaBody {
    schema: String,
    schema_type: Option<String>,
    references: Option<Vec<ReferenceValue>>,
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(ApiError::bad_body)
}

fn schema(body: &[u8]) -> Result<Schema, ApiError> {
    let body: SchemaBody = read(body)?;
    let schema_type = body
        .schema_type
        .map_or(Ok(SchemaType::Avro), |name| name.parse());
    let references = body.references.unwrap_or_default().into_iter();
    let references = references.map(|reference| Reference {
        name: reference.name,
        subject: reference.subject,
        version: reference.version,
    });
    Ok(Schema {
        schema_type: schema_type.map_err(ApiError::invalid_schema)?,
        text: body.schema,
        references: references.collect(),
    })
}

/// A schema as it is answered.
fn shown(schema: &Schema, guid: Guid, query: &Query) -> Value {
    let mut answer = Map::new();
    if schema.schema_type != SchemaType::Avro {
        answer.insert("schemaType".to_owned(), json!(schema.schema_type.as_str()));
    }
    answer.insert("schema".to_owned(), json!(asked(schema, query)));
    answer.insert("guid".to_owned(), json!(guid.to_string()));
    if !schema.references.is_empty() {
        let references = schema.references.iter().map(|reference| {
            json!({
                "name": reference.name,
                "subject": reference.subject,
                "version": reference.version,
            })
        });
        answer.insert("references".to_owned(), references.collect());
    }
    Value::Object(answer)
}

fn full(subject: &str, version: i32, stored: &Stored, query: &Query) -> Value {
    let mut answer = shown(&stored.schema, stored.guid, query);
    answer["subject"] = json!(subject);
    answer["version"] = json!(version);
    answer["id"] = json!(stored.id);
    if stored.deleted {
        answer["deleted"] = json!(true);
    }
    answer
}

/// The text, or the descriptor of a file of Protobuf if that is asked for.
fn asked(schema: &Schema, query: &Query) -> String {
    if query.serialized
        && schema.schema_type == SchemaType::Protobuf
        && let Ok(model) = ProtobufModel::parse(&schema.text, &[])
    {
        return model.serialized();
    }
    schema.text.clone()
}

/// A text alone: JSON as it is, a file of Protobuf as a text in JSON.
fn text(schema: &Schema) -> Value {
    match schema.schema_type {
        SchemaType::Protobuf => json!(schema.text),
        _ => serde_json::from_str(&schema.text).unwrap_or_else(|_| json!(schema.text)),
    }
}
