use std::time::Duration;

use super::testing::{Reaction, Server, answer};
use super::*;
use crate::env::Connector;

const SECRET: &str = "hunter2";

fn retries() -> Retries {
    Retries::new(Duration::from_millis(100), Duration::from_secs(10))
}

/// Asks, and gives the body of the answer if its status is 200.
async fn ask(server: &Server) -> Result<String, Failure> {
    let url = Url::parse(&format!("http://idp.example:81/token?key={SECRET}")).unwrap();
    let request = Request::post(form([("client_secret", SECRET)]));
    let judge = |answer: &Answer| match answer.status.as_u16() {
        200 => Ok(answer.text().unwrap_or_default().to_owned()),
        _ => Err(Failure::status(&url, answer.status, "")),
    };
    let answer = server.http().ask(&url, &request, retries(), judge).await;
    if let Err(failure) = &answer {
        assert!(failure.text.contains("idp.example"), "{}", failure.text);
        assert!(!failure.text.contains(SECRET), "{}", failure.text);
    }
    answer
}

#[tokio::test(start_paused = true)]
async fn a_request_is_whole_and_its_answer_read_to_the_end() {
    let server = Server::new([answer(200, "good")]);
    assert_eq!(ask(&server).await.unwrap(), "good");
    assert_eq!(server.dialed(), ["idp.example:81"]);
    let requests = server.requests();
    let request = requests[0].to_ascii_lowercase();
    assert!(
        request.starts_with("post /token?key=hunter2 http/1.1\r\n"),
        "{request}"
    );
    for header in [
        "host: idp.example:81\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "accept: application/json\r\n",
        "content-length: 21\r\n",
    ] {
        assert!(request.contains(header), "{request}");
    }
    assert!(
        request.ends_with("\r\n\r\nclient_secret=hunter2"),
        "{request}"
    );
    let chunks =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\ngo\r\n2\r\nod\r\n0\r\n\r\n";
    let server = Server::new([Reaction::Bytes(chunks.into())]);
    assert_eq!(ask(&server).await.unwrap(), "good");
    // A body that ends with the connection, as HTTP/1.0 has it.
    let server = Server::new([Reaction::Bytes(b"HTTP/1.0 200 OK\r\n\r\ngood".to_vec())]);
    assert_eq!(ask(&server).await.unwrap(), "good");
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_asked_again() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ngo";
    let server = Server::new([
        Reaction::Refusal,
        answer(503, "busy"),
        answer(429, "slow down"),
        Reaction::Bytes(Vec::new()),
        Reaction::Bytes(cut.to_vec()),
        answer(200, "good"),
    ]);
    let begin = tokio::time::Instant::now();
    assert_eq!(ask(&server).await.unwrap(), "good");
    assert_eq!(server.dialed().len(), 6);
    let waited = begin.elapsed();
    let expected = Duration::from_millis(3100);
    assert!(
        waited > expected.mul_f64(0.8) && waited < expected.mul_f64(1.3),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn retries_end() {
    for (reaction, words) in [
        (answer(500, "x"), "answers 500"),
        (Reaction::Refusal, "cannot connect"),
        (
            Reaction::Bytes(b"SSH-2.0\r\n".to_vec()),
            "does not answer as it should",
        ),
    ] {
        let begin = tokio::time::Instant::now();
        let failure = ask(&Server::new([reaction])).await.unwrap_err();
        assert_eq!(failure.then, Then::Retry);
        assert!(failure.text.contains(words), "{}", failure.text);
        let waited = begin.elapsed();
        assert!(
            waited > Duration::from_secs(4) && waited < Duration::from_secs(10),
            "{waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_named_before_a_broker_is_given_up() {
    let server = Server::new([Reaction::Silence]);
    let begin = tokio::time::Instant::now();
    let failure = ask(&server).await.unwrap_err();
    assert_eq!(failure.then, Then::Later);
    assert!(
        failure.text.contains("does not answer within 5s"),
        "{}",
        failure.text
    );
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(server.dialed().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_stays_is_not_asked_again() {
    let redirect = "HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n";
    let huge = format!(
        "HTTP/1.1 200 OK\r\n\r\n{}",
        "x".repeat(Limits::DEFAULT.answer_bytes + 1)
    );
    for (reaction, words) in [
        (answer(401, "no"), "answers 401"),
        (Reaction::Bytes(redirect.into()), "not followed"),
        (Reaction::Bytes(huge.into()), "more than 1048576 bytes"),
    ] {
        let server = Server::new([reaction]);
        let failure = ask(&server).await.unwrap_err();
        assert_eq!(failure.then, Then::Stop);
        assert!(failure.text.contains(words), "{}", failure.text);
        assert_eq!(server.dialed(), ["idp.example:81"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_head_takes_no_memory_without_end() {
    // One that ends, to tell this limit from others.
    let long = "x".repeat(2 * HEAD_MAX);
    let head = format!("HTTP/1.1 200 OK\r\nx: {long}\r\ncontent-length: 0\r\n\r\n");
    let server = Server::new([Reaction::Bytes(head.into())]);
    let failure = ask(&server).await.unwrap_err();
    assert!(failure.text.contains("as it should"), "{}", failure.text);
}

#[test]
fn words_of_a_server_are_short_and_without_secrets() {
    let secrets = [Secret::from("hunter2/"), Secret::from("eu")];
    let text = |text: &str| Failure::stop(text).without(&secrets).text;
    // As it is, in a form, and where the words are cut.
    assert_eq!(text("a hunter2/ eu"), "a [hidden] eu");
    assert_eq!(text("a hunter2%2F b"), "a [hidden] b");
    for before in WORDS_MAX - 20..WORDS_MAX {
        let text = text(&format!("{}hunter2/", "ü".repeat(before)));
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.chars().count() <= WORDS_MAX);
    }
}

#[tokio::test]
async fn nothing_is_sent_that_would_end_a_header() {
    let server = Server::new([answer(200, "good")]);
    let url = Url::parse("http://idp.example/").unwrap();
    let request = Request::get().header("authorization", "a\r\nx: hunter2");
    let answer = server
        .http()
        .ask(&url, &request, retries(), |_| Ok(()))
        .await;
    let failure = answer.unwrap_err();
    assert_eq!(failure.then, Then::Stop);
    assert!(!failure.text.contains("hunter2"), "{}", failure.text);
    assert!(server.requests().is_empty());
}

/// Dials nobody at the first address.
struct Deaf(Server);

impl Connector for Deaf {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> crate::env::Resolving<'a> {
        Box::pin(async { Ok(vec!["deaf".to_owned(), "good".to_owned()]) })
    }

    fn connect<'a>(&'a self, host: &'a str, port: u16) -> crate::env::Dialing<'a> {
        match host {
            "deaf" => Box::pin(std::future::pending()),
            host => Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                self.0.connect(host, port).await
            }),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_dead_leaves_time_for_the_next() {
    let server = Server::new([answer(200, "good")]);
    let env = Env::new(std::sync::Arc::new(Deaf(server.clone())), Some(1)).unwrap();
    let http = Http::new(&env, Tls::new(), Limits::DEFAULT);
    let url = Url::parse("http://idp.example/").unwrap();
    let request = Request::get();
    let asked = http.ask(&url, &request, retries(), |answer| Ok(answer.status));
    assert_eq!(asked.await.unwrap(), StatusCode::OK);
    assert_eq!(server.dialed(), ["good:80"]);
}
