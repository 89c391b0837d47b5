//! One request for many who ask.

use std::sync::Arc;
use std::time::Duration;

use kafka_client_formats::registry::{Cached, SchemaRegistry};
use kafka_client_formats::schema::Schema;
use kafka_client_formats::wire::{Guid, SchemaId};

use crate::server::{Reaction, Server};

const SCHEMA: &str = r#"{"schema":"\"int\"","id":1,"subject":"s","version":1}"#;

fn slow() -> Reaction {
    Reaction::After(Duration::from_secs(1), 200, SCHEMA)
}

fn cached(server: &Server) -> Arc<Cached<impl SchemaRegistry>> {
    Arc::new(Cached::new(server.client()))
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_for_one_schema_make_one_request() {
    let server = Server::new([slow()]);
    let cached = cached(&server);
    let tasks = (0..100).map(|_| {
        let cached = cached.clone();
        tokio::spawn(async move { cached.schema(SchemaId::Id(1), None).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(*task.await.unwrap().unwrap(), Schema::avro(r#""int""#));
    }
    cached.schema(SchemaId::Id(1), None).await.unwrap();
    assert_eq!(server.dialed().len(), 1);
    // Others are asked for, and what is registered, found and versioned is remembered, too.
    cached.schema(SchemaId::Id(2), None).await.unwrap();
    cached.schema(SchemaId::Id(1), Some(":.c:s")).await.unwrap();
    cached
        .schema(SchemaId::Guid(Guid([1; 16])), None)
        .await
        .unwrap();
    let schema = Schema::avro(r#""int""#);
    for _ in 0..2 {
        cached.register("s", &schema).await.unwrap();
        cached.look_up("s", &schema).await.unwrap();
        cached.version("s", 1).await.unwrap();
    }
    assert_eq!(server.dialed().len(), 7);
    // What changes is not.
    cached.latest("s").await.unwrap();
    cached.latest("s").await.unwrap();
    assert_eq!(server.dialed().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_all_who_wait_and_forgotten() {
    let missing = r#"{"error_code":40403,"message":"Schema not found"}"#;
    let missing = Reaction::After(Duration::from_secs(1), 404, missing);
    let server = Server::new([missing, slow()]);
    let cached = cached(&server);
    let tasks = (0..100).map(|_| {
        let cached = cached.clone();
        tokio::spawn(async move { cached.schema(SchemaId::Id(1), None).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap().unwrap_err().error_code(), Some(40403));
    }
    assert_eq!(server.dialed().len(), 1);
    cached.schema(SchemaId::Id(1), None).await.unwrap();
    assert_eq!(server.dialed().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_leaves_the_request_to_the_next() {
    let server = Server::new([slow()]);
    let cached = cached(&server);
    let ask = |cached: &Arc<Cached<_>>| {
        let cached = cached.clone();
        tokio::spawn(async move { cached.schema(SchemaId::Id(1), None).await })
    };
    let (first, second) = (ask(&cached), ask(&cached));
    tokio::time::sleep(Duration::from_millis(500)).await;
    first.abort();
    second.await.unwrap().unwrap();
    assert_eq!(server.dialed().len(), 2);
}

#[tokio::test]
async fn what_was_used_longest_ago_makes_room() {
    let server = Server::new([Reaction::Answer(200, SCHEMA)]);
    let cached = Cached::with_capacity(server.client(), 2);
    for id in [1, 2, 1, 3, 1] {
        cached.schema(SchemaId::Id(id), None).await.unwrap();
    }
    assert_eq!(server.dialed().len(), 3);
    cached.schema(SchemaId::Id(2), None).await.unwrap();
    assert_eq!(server.dialed().len(), 4);
}
