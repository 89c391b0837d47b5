//! A registry in memory.

use std::sync::{Arc, Mutex};

use kafka_client_formats::registry::{
    Asking, Registered, RegistryError, RegistryErrorKind, SchemaRegistry, SubjectVersion,
};
use kafka_client_formats::schema::Schema;
use kafka_client_formats::wire::{Guid, SchemaId};

/// Ids count from 1 and are versions, too; the GUID of an id is made of its bytes.
#[derive(Default)]
pub(crate) struct Memory {
    schemas: Mutex<Vec<(String, Schema)>>,
    /// What was asked, in order.
    pub(crate) asked: Mutex<Vec<String>>,
}

pub(crate) fn guid(id: i32) -> Guid {
    let mut bytes = [0; 16];
    bytes[12..].copy_from_slice(&id.to_be_bytes());
    Guid(bytes)
}

impl Memory {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Registers a schema, and gives its id.
    pub(crate) fn put(&self, subject: &str, schema: Schema) -> i32 {
        let mut schemas = self.schemas.lock().unwrap();
        let entry = (subject.to_owned(), schema);
        let place = schemas.iter().position(|known| *known == entry);
        let place = place.unwrap_or_else(|| {
            schemas.push(entry);
            schemas.len() - 1
        });
        i32::try_from(place).unwrap() + 1
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }

    fn find(
        &self,
        choose: impl Fn(i32, &str, &Schema) -> bool,
    ) -> Result<SubjectVersion, RegistryError> {
        let schemas = self.schemas.lock().unwrap();
        // The newest that fits.
        let mut numbered = (1_i32..).zip(schemas.iter());
        let found = numbered
            .by_ref()
            .filter(|(id, (subject, schema))| choose(*id, subject, schema));
        let found = found.last();
        let (id, (subject, schema)) = found.ok_or_else(|| {
            RegistryError::other(RegistryErrorKind::NotFound, "memory:", "it is not there")
        })?;
        Ok(SubjectVersion {
            subject: subject.clone(),
            version: id,
            id,
            guid: Some(guid(id)),
            schema: schema.clone(),
        })
    }
}

fn registered(version: &SubjectVersion) -> Registered {
    Registered {
        id: version.id,
        guid: version.guid,
        version: Some(version.version),
    }
}

impl SchemaRegistry for Memory {
    fn register<'a>(&'a self, subject: &'a str, schema: &'a Schema) -> Asking<'a, Registered> {
        Box::pin(async move {
            self.note(format!("register {subject}"));
            let id = self.put(subject, schema.clone());
            Ok(registered(&self.find(|known, _, _| known == id)?))
        })
    }

    fn look_up<'a>(&'a self, subject: &'a str, schema: &'a Schema) -> Asking<'a, Registered> {
        Box::pin(async move {
            self.note(format!("look up {subject}"));
            let found = self.find(|_, named, known| named == subject && known == schema);
            Ok(registered(&found?))
        })
    }

    fn latest<'a>(&'a self, subject: &'a str) -> Asking<'a, SubjectVersion> {
        Box::pin(async move {
            self.note(format!("latest {subject}"));
            self.find(|_, named, _| named == subject)
        })
    }

    fn version<'a>(&'a self, subject: &'a str, version: i32) -> Asking<'a, SubjectVersion> {
        Box::pin(async move {
            self.note(format!("version {version} of {subject}"));
            self.find(|id, named, _| named == subject && id == version)
        })
    }

    fn schema<'a>(&'a self, id: SchemaId, _: Option<&'a str>) -> Asking<'a, Arc<Schema>> {
        Box::pin(async move {
            self.note(format!("schema {id}"));
            let found = self.find(|known, _, _| match id {
                SchemaId::Id(id) => known == id,
                SchemaId::Guid(wanted) => guid(known) == wanted,
                _ => false,
            });
            Ok(Arc::new(found?.schema))
        })
    }
}
