//! Credentials in JSON, as machines and containers give them.

use serde_json::Value;

use super::{Found, Missing};
use crate::security::http::{Answer, Failure, Url};
use crate::security::sasl::msk::{AwsCredentials, date};

/// The credentials of an answer, if it is good. What is not is never shown.
pub(super) fn credentials(url: &Url, answer: &Answer) -> Result<AwsCredentials, Failure> {
    if !answer.status.is_success() {
        return Err(Failure::status(url, answer.status, ""));
    }
    read(&answer.body).ok_or_else(|| Failure::stop(format!("{url} answers without credentials")))
}

fn read(body: &[u8]) -> Option<AwsCredentials> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| body.get(name)?.as_str();
    if text("Code").is_some_and(|code| code != "Success") {
        return None;
    }
    let credentials = AwsCredentials::new(text("AccessKeyId")?, text("SecretAccessKey")?);
    let credentials = credentials.session_token(text("Token")?);
    Some(match text("Expiration").and_then(date::read) {
        Some(end) => credentials.expires_at(end),
        None => credentials,
    })
}

/// What was asked for, or why it has failed.
pub(super) fn found(asked: Result<AwsCredentials, Failure>) -> Found {
    asked.map_err(Missing::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_whole_or_none() {
        let whole = r#"{"Code":"Success","AccessKeyId":"id","SecretAccessKey":"s","Token":"t",
            "Expiration":"2015-08-30T12:36:00Z","Type":"AWS-HMAC"}"#;
        let read_whole = read(whole.as_bytes()).unwrap();
        assert_eq!(read_whole.access_key_id, "id");
        assert_eq!(read_whole.expires_at, date::read("2015-08-30T12:36:00Z"));
        for name in ["AccessKeyId", "SecretAccessKey", "Token"] {
            assert!(read(whole.replace(name, "x").as_bytes()).is_none());
        }
        assert!(read(whole.replace("Success", "Failed").as_bytes()).is_none());
        for garbage in ["", "<html>", "[]", "{}", "\u{1}"] {
            assert!(read(garbage.as_bytes()).is_none());
        }
    }
}
