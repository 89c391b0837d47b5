//! The calls, end to end.

use kafka_client_formats::compatibility::Level;
use kafka_client_formats::registry::{Deletion, Registry, RegistryErrorKind};
use kafka_client_formats::schema::Schema;
use kafka_client_formats::wire::SchemaId;

use crate::start;

fn record(fields: &str) -> Schema {
    Schema::avro(format!(
        r#"{{"type":"record","name":"R","fields":[{fields}]}}"#
    ))
}

const A: &str = r#"{"name":"a","type":"int"}"#;
const AB: &str = r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_kept_and_judged() {
    let (_broker, server, registry) = start().await;
    let first = registry.register("a/b value", &record(A)).await.unwrap();
    assert_eq!((first.id, first.version), (1, Some(1)));
    let guid = SchemaId::Guid(first.guid.unwrap());
    assert_eq!(registry.schema(guid, None).await.unwrap(), record(A));
    assert_eq!(
        registry.schema(SchemaId::Id(1), None).await.unwrap(),
        record(A)
    );
    assert_eq!(
        registry.look_up("a/b value", &record(A)).await.unwrap(),
        first
    );
    assert_eq!(
        registry.latest("a/b value").await.unwrap().schema,
        record(A)
    );

    let verdict = registry
        .test_compatibility("a/b value", &record(AB))
        .await
        .unwrap();
    assert!(!verdict.is_compatible);
    assert!(verdict.messages[0].starts_with("/b: "), "{verdict:?}");
    let error = registry
        .register("a/b value", &record(AB))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Incompatible);
    assert_eq!(
        (error.error_code(), error.subject()),
        (Some(409), Some("a/b value"))
    );
    assert!(error.message().contains("/b: "), "{error}");

    let forward = Level::Forward;
    registry
        .set_compatibility(Some("a/b value"), forward)
        .await
        .unwrap();
    assert_eq!(
        registry.compatibility(Some("a/b value")).await.unwrap(),
        forward
    );
    assert_eq!(
        registry.compatibility(Some("other")).await.unwrap(),
        Level::Backward
    );
    registry.register("a/b value", &record(AB)).await.unwrap();
    assert_eq!(registry.versions("a/b value").await.unwrap(), [1, 2]);
    let verdict = registry
        .test_compatibility_with("a/b value", 1, &record(AB))
        .await
        .unwrap();
    assert!(verdict.is_compatible);
    registry.unset_compatibility("a/b value").await.unwrap();
    let error = registry.unset_compatibility("a/b value").await.unwrap_err();
    assert_eq!(error.error_code(), Some(40408));
    assert_eq!(registry.mode(None).await.unwrap(), "READWRITE");

    registry
        .delete_version("a/b value", 1, Deletion::Soft)
        .await
        .unwrap();
    registry
        .delete_version("a/b value", 1, Deletion::Permanent)
        .await
        .unwrap();
    assert_eq!(
        registry
            .delete_subject("a/b value", Deletion::Soft)
            .await
            .unwrap(),
        [2]
    );
    assert!(registry.subjects(false).await.unwrap().is_empty());
    assert_eq!(registry.subjects(true).await.unwrap(), ["a/b value"]);
    let error = registry.latest("a/b value").await.unwrap_err();
    assert_eq!(error.error_code(), Some(40401), "{error}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_are_apart() {
    let (_broker, server, registry) = start().await;
    let staging = Registry::builder(server.url())
        .context("staging")
        .build()
        .unwrap();
    registry.register("s", &record(A)).await.unwrap();
    assert_eq!(staging.register("s", &record(AB)).await.unwrap().id, 1);
    assert_eq!(
        staging.schema(SchemaId::Id(1), None).await.unwrap(),
        record(AB)
    );
    assert_eq!(
        registry.schema(SchemaId::Id(1), None).await.unwrap(),
        record(A)
    );
    assert_eq!(staging.subjects(false).await.unwrap(), [":.staging:s"]);
    assert_eq!(registry.contexts().await.unwrap(), [".", ".staging"]);
    // The context may be in the address, too.
    let by_address = format!("{}/contexts/.staging", server.url());
    let by_address = Registry::builder(by_address).build().unwrap();
    assert_eq!(by_address.latest("s").await.unwrap().schema, record(AB));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn references_hold_what_they_refer_to() {
    let (_broker, server, registry) = start().await;
    let outer = Schema::avro(r#"{"type":"array","items":"R"}"#).reference("R", "inner", 1);
    let error = registry.register("outer", &outer).await.unwrap_err();
    assert_eq!(error.error_code(), Some(42201), "{error}");
    registry.register("inner", &record(A)).await.unwrap();
    let id = registry.register("outer", &outer).await.unwrap().id;
    assert_eq!(registry.referenced_by("inner", 1).await.unwrap(), [id]);
    assert_eq!(
        registry.schema(SchemaId::Id(id), None).await.unwrap(),
        outer
    );
    let error = registry
        .delete_subject("inner", Deletion::Soft)
        .await
        .unwrap_err();
    assert_eq!(error.error_code(), Some(42206), "{error}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_register_at_once_have_ids_of_their_own() {
    let (_broker, server, registry) = start().await;
    let tasks = (0..50).map(|number| {
        let registry = registry.clone();
        tokio::spawn(async move {
            // Each schema by two.
            let field = format!(r#"{{"name":"f{}","type":"int","default":0}}"#, number / 2);
            let subject = format!("s{}", number / 2);
            registry
                .register(&subject, &record(&field))
                .await
                .unwrap()
                .id
        })
    });
    let mut ids = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        ids.push(task.await.unwrap());
    }
    for pair in ids.chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, (1..=25).collect::<Vec<_>>());
    server.shutdown().await;
}
