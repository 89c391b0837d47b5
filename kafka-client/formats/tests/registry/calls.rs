//! Each call: what is asked, and how the answer is read.

use kafka_client_formats::compatibility::Level;
use kafka_client_formats::registry::Deletion;
use kafka_client_formats::schema::{Schema, SchemaType};
use kafka_client_formats::wire::{Guid, SchemaId};

use crate::server::{Reaction, Server};

fn answering(body: &'static str) -> Server {
    Server::new([Reaction::Answer(200, body)])
}

#[tokio::test]
async fn schemas_are_registered_and_looked_up() {
    let server = answering(r#"{"id":3,"version":2,"guid":"89791762-2336-4186-9674-299b90a802e2"}"#);
    let client = server.client();
    let schema = Schema::protobuf("message A {}").reference("b.proto", "b/value", 4);
    let registered = client.register("a/b value", &schema).await.unwrap();
    assert_eq!((registered.id, registered.version), (3, Some(2)));
    assert!(registered.guid.is_some());
    assert_eq!(
        server.last_line(),
        "POST /subjects/a%2Fb%20value/versions HTTP/1.1"
    );
    let request = server.requests().pop().unwrap();
    let body = request.split_once("\r\n\r\n").unwrap().1;
    let wanted = concat!(
        r#"{"schema":"message A {}","schemaType":"PROTOBUF","#,
        r#""references":[{"name":"b.proto","subject":"b/value","version":4}]}"#
    );
    assert_eq!(body, wanted);
    assert!(request.contains("content-type: application/vnd.schemaregistry.v1+json"));

    client
        .look_up("a", &Schema::avro(r#""int""#))
        .await
        .unwrap();
    assert_eq!(server.last_line(), "POST /subjects/a HTTP/1.1");
    // Old registries know no types.
    assert!(
        server
            .requests()
            .pop()
            .unwrap()
            .ends_with(r#"{"schema":"\"int\""}"#)
    );
}

#[tokio::test]
async fn schemas_are_read_by_id_by_guid_and_by_version() {
    let server = answering(r#"{"schema":"\"int\""}"#);
    let client = server.client();
    let schema = client.schema(SchemaId::Id(5), None).await.unwrap();
    assert_eq!(schema, Schema::avro(r#""int""#));
    assert_eq!(server.last_line(), "GET /schemas/ids/5 HTTP/1.1");
    client.schema(SchemaId::Id(5), Some(":.c:s")).await.unwrap();
    assert_eq!(
        server.last_line(),
        "GET /schemas/ids/5?subject=%3A.c%3As HTTP/1.1"
    );
    client
        .schema(SchemaId::Guid(Guid([0; 16])), None)
        .await
        .unwrap();
    let line = "GET /schemas/guids/00000000-0000-0000-0000-000000000000 HTTP/1.1";
    assert_eq!(server.last_line(), line);

    let body = concat!(
        r#"{"subject":"s","version":2,"id":9,"schemaType":"JSON","schema":"{}","#,
        r#""references":[{"name":"n","subject":"t","version":1}],"unknown":{"a":[1]}}"#
    );
    let server = answering(body);
    let version = server.client().latest("s").await.unwrap();
    assert_eq!(
        server.last_line(),
        "GET /subjects/s/versions/latest HTTP/1.1"
    );
    assert_eq!((version.version, version.id), (2, 9));
    assert_eq!(version.schema, Schema::json("{}").reference("n", "t", 1));
    server.client().version("s", 2).await.unwrap();
    assert_eq!(server.last_line(), "GET /subjects/s/versions/2 HTTP/1.1");

    let server = answering(r#"{"schema":"x","schemaType":"THRIFT"}"#);
    let error = server
        .client()
        .schema(SchemaId::Id(1), None)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("THRIFT"), "{error}");
    assert_eq!("PROTOBUF".parse(), Ok(SchemaType::Protobuf));
}

#[tokio::test]
async fn subjects_are_in_the_clients_context() {
    let server = answering(r#"{"id":3}"#);
    let client = server
        .builder("http://registry")
        .context("staging")
        .build()
        .unwrap();
    let schema = Schema::avro(r#""int""#);
    client.register("s", &schema).await.unwrap();
    assert_eq!(
        server.last_line(),
        "POST /subjects/%3A.staging%3As/versions HTTP/1.1"
    );
    client.register(":.other:s", &schema).await.unwrap();
    assert_eq!(
        server.last_line(),
        "POST /subjects/%3A.other%3As/versions HTTP/1.1"
    );
    // Ids count in each context by themselves.
    let _ = client.schema(SchemaId::Id(3), None).await;
    assert_eq!(
        server.last_line(),
        "GET /schemas/ids/3?subject=%3A.staging%3A HTTP/1.1"
    );
    let _ = client.subjects(true).await;
    let line = "GET /subjects?subjectPrefix=%3A.staging%3A&deleted=true HTTP/1.1";
    assert_eq!(server.last_line(), line);
}

#[tokio::test]
async fn levels_and_modes_are_read_and_set() {
    let server = answering(r#"{"compatibilityLevel":"FULL_TRANSITIVE"}"#);
    let client = server.client();
    assert_eq!(
        client.compatibility(None).await.unwrap(),
        Level::FullTransitive
    );
    assert_eq!(server.last_line(), "GET /config HTTP/1.1");
    client.compatibility(Some("s")).await.unwrap();
    assert_eq!(
        server.last_line(),
        "GET /config/s?defaultToGlobal=true HTTP/1.1"
    );
    let server = answering(r#"{"compatibility":"NONE"}"#);
    server
        .client()
        .set_compatibility(Some("s"), Level::None)
        .await
        .unwrap();
    assert_eq!(server.last_line(), "PUT /config/s HTTP/1.1");
    assert!(server.requests()[0].ends_with(r#"{"compatibility":"NONE"}"#));
    server.client().unset_compatibility("s").await.unwrap();
    assert_eq!(server.last_line(), "DELETE /config/s HTTP/1.1");
    let server = answering(r#"{"mode":"READONLY"}"#);
    assert_eq!(server.client().mode(None).await.unwrap(), "READONLY");
}

#[tokio::test]
async fn a_schema_that_may_not_follow_is_a_verdict() {
    let server = answering(r#"{"is_compatible":false,"messages":["a","b"]}"#);
    let schema = Schema::avro(r#""int""#);
    let verdict = server
        .client()
        .test_compatibility("s", &schema)
        .await
        .unwrap();
    assert!(!verdict.is_compatible);
    assert_eq!(verdict.messages, ["a", "b"]);
    let line = "POST /compatibility/subjects/s/versions?verbose=true HTTP/1.1";
    assert_eq!(server.last_line(), line);
    server
        .client()
        .test_compatibility_with("s", 3, &schema)
        .await
        .unwrap();
    let line = "POST /compatibility/subjects/s/versions/3?verbose=true HTTP/1.1";
    assert_eq!(server.last_line(), line);
}

#[tokio::test]
async fn lists_and_deletions() {
    let server = answering("[1,2]");
    let client = server.client();
    assert_eq!(client.versions("s").await.unwrap(), [1, 2]);
    assert_eq!(client.referenced_by("s", 1).await.unwrap(), [1, 2]);
    assert_eq!(
        server.last_line(),
        "GET /subjects/s/versions/1/referencedby HTTP/1.1"
    );
    assert_eq!(
        client.delete_subject("s", Deletion::Soft).await.unwrap(),
        [1, 2]
    );
    assert_eq!(
        server.last_line(),
        "DELETE /subjects/s?permanent=false HTTP/1.1"
    );
    let server = answering("1");
    server
        .client()
        .delete_version("s", 1, Deletion::Permanent)
        .await
        .unwrap();
    assert_eq!(
        server.last_line(),
        "DELETE /subjects/s/versions/1?permanent=true HTTP/1.1"
    );
    let server = answering(r#"[".","..c"]"#);
    assert_eq!(server.client().contexts().await.unwrap().len(), 2);
}
