//! What a token endpoint says.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::super::token::Token;
use crate::security::http::{Answer, Failure, Url};

/// The token of an answer, if that is good; `asked` is when it was asked for.
pub(super) fn token(url: &Url, answer: &Answer, asked: SystemTime) -> Result<Token, Failure> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if !answer.status.is_success() {
        let words = body.as_ref().map(words).unwrap_or_default();
        return Err(Failure::status(url, answer.status, &words));
    }
    // It is not shown: whatever it is, there may be a token in it.
    let wrong = |what: &str| {
        Failure::stop(format!(
            "{url} answers {} {what}: check sasl.oauthbearer.token.endpoint.url",
            answer.status.as_u16()
        ))
    };
    let body = body.ok_or_else(|| wrong("with something that is no JSON"))?;
    let field = |name: &str| body.get(name)?.as_str().filter(|text| !text.is_empty());
    // Some endpoints give an ID token only, which Kafka's clients take too.
    let value = field("access_token").or_else(|| field("id_token"));
    let value = value.ok_or_else(|| wrong("without an access_token"))?;
    let token = Token::new(value);
    match (token.expires_at, life(&body)) {
        (None, Some(life)) => Ok(match asked.checked_add(life) {
            Some(end) => token.expires_at(end),
            None => token,
        }),
        _ => Ok(token),
    }
}

/// `expires_in`, which some write as text.
fn life(body: &Value) -> Option<Duration> {
    let life = body.get("expires_in")?;
    let seconds = life.as_f64().or_else(|| life.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What went wrong, by RFC 6749 (section 5.2) or as Okta says it.
fn words(body: &Value) -> String {
    let text = |name: &str| body.get(name)?.as_str();
    let (code, description) = match text("error") {
        Some(code) => (code, text("error_description")),
        None => (text("errorCode").unwrap_or_default(), text("errorSummary")),
    };
    let words = match description {
        Some(description) => format!("{code}: {description}"),
        None => code.to_owned(),
    };
    let printable = |c: char| match c.is_control() {
        true => ' ',
        false => c,
    };
    words.chars().map(printable).collect()
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use zeroize::Zeroizing;

    use super::*;
    use crate::security::http::Then;

    fn read(status: u16, body: &str) -> Result<Token, Failure> {
        let url = Url::parse("https://idp.example/token").unwrap();
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: Zeroizing::new(body.into()),
        };
        token(&url, &answer, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_token_comes_with_its_life() {
        for (body, value, life) in [
            (r#"{"access_token":"a","expires_in":60}"#, "a", Some(60)),
            (r#"{"access_token":"a","expires_in":"60"}"#, "a", Some(60)),
            (r#"{"access_token":"a","id_token":"i"}"#, "a", None),
            (r#"{"access_token":"","id_token":"i"}"#, "i", None),
            (r#"{"access_token":"a","expires_in":-1}"#, "a", None),
            (r#"{"access_token":"a","expires_in":1e300}"#, "a", None),
            // What the token says itself is what brokers look at: exp is 99.
            (
                r#"{"access_token":"e30.eyJleHAiOjk5fQ.","expires_in":60}"#,
                "e30.eyJleHAiOjk5fQ.",
                Some(99),
            ),
        ] {
            let token = read(200, body).unwrap();
            assert_eq!(token.value.expose(), value);
            let end = life.map(|life| SystemTime::UNIX_EPOCH + Duration::from_secs(life));
            assert_eq!(token.expires_at, end, "{body}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_endpoint() {
        let error = r#"{"error":"invalid_client","error_description":"no such\nclient"}"#;
        let okta = r#"{"errorCode":"E0000006","errorSummary":"You do not have permission"}"#;
        for (status, body, words, then) in [
            (
                401,
                error,
                "answers 401: invalid_client: no such client",
                Then::Stop,
            ),
            (
                400,
                r#"{"error":"invalid_scope"}"#,
                "answers 400: invalid_scope",
                Then::Stop,
            ),
            (
                403,
                okta,
                "E0000006: You do not have permission",
                Then::Stop,
            ),
            (503, "<html>", "answers 503", Then::Retry),
            (429, error, "answers 429: invalid_client", Then::Retry),
            (302, "", "not followed", Then::Stop),
        ] {
            let failure = read(status, body).unwrap_err();
            assert!(failure.text.contains(words), "{}", failure.text);
            assert_eq!(failure.then, then, "{}", failure.text);
        }
    }

    #[test]
    fn what_is_no_answer_is_refused_and_not_shown() {
        for (body, words) in [
            ("hunter2", "no JSON"),
            ("", "no JSON"),
            ("\"hunter2\"", "without an access_token"),
            (r#"{"token":"hunter2"}"#, "without an access_token"),
            (r#"{"access_token":["hunter2"]}"#, "without an access_token"),
            (r#"{"access_token":null}"#, "without an access_token"),
        ] {
            let failure = read(200, body).unwrap_err();
            assert!(failure.text.contains(words), "{}", failure.text);
            assert!(!failure.text.contains("hunter2"), "{}", failure.text);
        }
    }
}
