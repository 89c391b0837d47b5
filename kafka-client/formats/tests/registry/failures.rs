//! What goes wrong, how often it is tried, and what is told.

use std::time::Duration;

use kafka_client_formats::registry::{RegistryErrorKind, Retry};
use kafka_client_formats::schema::Schema;
use tokio::time::Instant;

use crate::server::{Reaction, Server};

const ID: Reaction = Reaction::Answer(200, r#"{"id":7}"#);

fn schema() -> Schema {
    Schema::avro(r#""string""#)
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_until_it_has_passed() {
    for trouble in [
        Reaction::Refused,
        Reaction::Cut,
        Reaction::Silent,
        Reaction::Answer(500, ""),
        Reaction::Answer(503, "<html>"),
        Reaction::Answer(
            500,
            r#"{"error_code":50002,"message":"Operation timed out"}"#,
        ),
        Reaction::Answer(429, "slow down"),
        Reaction::After(Duration::from_secs(11), 200, r#"{"id":1}"#),
    ] {
        let server = Server::new([trouble.clone(), trouble.clone(), ID]);
        let registered = server.client().register("s", &schema()).await;
        assert_eq!(registered.unwrap().id, 7, "{trouble:?}");
        assert_eq!(server.dialed().len(), 3, "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_registry_is_waited_for() {
    let slow = Reaction::After(Duration::from_secs(9), 200, r#"{"id":1}"#);
    let server = Server::new([slow]);
    let registered = server.client().register("s", &schema()).await.unwrap();
    assert_eq!((registered.id, server.dialed().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_ends_when_the_time_is_over() {
    for (trouble, kind, words) in [
        (
            Reaction::Refused,
            RegistryErrorKind::Unreachable,
            "cannot connect to http://registry",
        ),
        (Reaction::Silent, RegistryErrorKind::Unreachable, "within"),
        (
            Reaction::Cut,
            RegistryErrorKind::Unreachable,
            "does not answer as it should",
        ),
        (
            Reaction::Answer(503, "closed"),
            RegistryErrorKind::Unavailable,
            "status 503: closed",
        ),
    ] {
        let server = Server::new([trouble]);
        let begin = Instant::now();
        let error = server.client().latest("orders-value").await.unwrap_err();
        let took = begin.elapsed();
        assert!(took <= Duration::from_secs(31), "{took:?}");
        assert!(took >= Duration::from_secs(20), "{took:?}");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.is_retriable(), "{error}");
        let text = error.to_string();
        assert!(text.contains(words), "{text}");
        assert!(text.contains("subject orders-value"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_at_once_with_what_the_registry_says() {
    for (status, body, kind, code, words) in [
        (
            401,
            "",
            RegistryErrorKind::Unauthorized,
            None,
            "check user and password",
        ),
        (
            401,
            r#"{"error_code":401,"message":"Unauthorized"}"#,
            RegistryErrorKind::Unauthorized,
            Some(401),
            "Unauthorized",
        ),
        (
            404,
            r#"{"error_code":40401,"message":"Subject 's' not found."}"#,
            RegistryErrorKind::NotFound,
            Some(40401),
            "no schema was registered under this subject",
        ),
        (
            404,
            "<html>",
            RegistryErrorKind::NotFound,
            None,
            "something else at it",
        ),
        (
            409,
            r#"{"error_code":409,"message":"READER_FIELD_MISSING_DEFAULT_VALUE at /fields/1"}"#,
            RegistryErrorKind::Incompatible,
            Some(409),
            "/fields/1",
        ),
        (
            422,
            r#"{"error_code":42201,"message":"Invalid schema"}"#,
            RegistryErrorKind::Invalid,
            Some(42201),
            "correct the schema",
        ),
        (302, "", RegistryErrorKind::Refused, None, "leads elsewhere"),
        (405, "", RegistryErrorKind::Refused, None, "status 405"),
    ] {
        let server = Server::new([Reaction::Answer(status, body)]);
        let error = server.client().register("s", &schema()).await.unwrap_err();
        assert_eq!((error.kind(), error.error_code()), (kind, code), "{error}");
        assert_eq!((error.status(), error.subject()), (Some(status), Some("s")));
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.url().contains("http://registry"), "{error}");
        assert!(!error.is_retriable());
        assert_eq!(server.dialed().len(), 1, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_something_else_is_named_as_such() {
    for body in ["", "<html>", "[]", r#"{"id":"x"}"#, r#"{"id":99999999999}"#] {
        let server = Server::new([Reaction::Answer(200, body)]);
        let error = server.client().register("s", &schema()).await.unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::BadAnswer, "{error}");
        assert!(error.to_string().contains("not of the API"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_cut_off() {
    let server = Server::new([Reaction::Answer(200, r#"{"id":7,"and":"more than that"}"#)]);
    let client = server.builder("http://registry").answer_bytes(10).build();
    let error = client.unwrap().register("s", &schema()).await.unwrap_err();
    assert!(error.to_string().contains("more than 10 bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn other_addresses_are_asked_before_anybody_waits() {
    let down = Reaction::Refused;
    let server = Server::new([down.clone(), Reaction::Answer(500, ""), ID]);
    let client = server
        .builder("http://a:1, http://b:2/,http://c:3")
        .build()
        .unwrap();
    let begin = Instant::now();
    client.register("s", &schema()).await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(50));
    assert_eq!(server.dialed(), ["a:1", "b:2", "c:3"]);
    // The one that answered is asked first from now on.
    client.register("s", &schema()).await.unwrap();
    assert_eq!(server.dialed().last().unwrap(), "c:3");
}

#[tokio::test(start_paused = true)]
async fn the_time_for_all_attempts_is_a_setting() {
    let server = Server::new([Reaction::Silent]);
    let retry = Retry {
        deadline: Duration::from_secs(3),
        ..Retry::default()
    };
    let client = server
        .builder("http://registry")
        .retry(retry)
        .build()
        .unwrap();
    let begin = Instant::now();
    let error = client.subjects(false).await.unwrap_err();
    assert_eq!(begin.elapsed().as_secs(), 3);
    assert!(error.to_string().contains("no answer within 3s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn secrets_are_never_told() {
    let body = r#"{"error_code":401,"message":"no user ada with hunter2-long (YWRhOmh1bnRlcjItbG9uZw==)"}"#;
    let server = Server::new([Reaction::Answer(401, body)]);
    let builder = server
        .builder("http://registry")
        .basic_auth("ada", "hunter2-long");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let client = builder.build().unwrap();
    assert!(!format!("{client:?}").contains("hunter2"));
    let error = client.subjects(false).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(
        !text.contains("hunter2") && !text.contains("YWRhOmh1"),
        "{text}"
    );
    assert!(server.requests()[0].contains("authorization: Basic YWRhOmh1bnRlcjItbG9uZw=="));
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused() {
    let server = Server::new([ID]);
    for (urls, words) in [
        ("", "http://"),
        ("registry:8081", "http://"),
        ("http://a,", "http://"),
        ("http://ada@a", "password before the host"),
        ("http://a?x=y", "?"),
    ] {
        let error = server.builder(urls).build().unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Config);
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = server
        .builder("http://a")
        .context("a:b")
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("colon"), "{error}");
}

#[test]
fn without_a_runtime_there_is_no_client() {
    let server = Server::new([ID]);
    let error = server.builder("http://a").build().unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Config);
}
