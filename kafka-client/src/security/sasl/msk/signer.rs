//! Makes the tokens of MSK: an address that is signed, in base64.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::token::{Token, TokenProvider, Tokening};
use super::MskIam;
use super::credentials::{AwsCredentials, CredentialsProvider};
use super::sign::Presigned;
use super::sources::{Sources, Variables};
use crate::env::Env;
use crate::error::Error;
use crate::security::http::escaped;

/// As the signers of AWS have it.
const LIFE_S: u64 = 900;

/// Signs with the credentials of the moment.
pub(in crate::security::sasl) struct Signer {
    env: Env,
    region: String,
    credentials: Arc<dyn CredentialsProvider>,
}

impl Signer {
    /// Finds out the region.
    ///
    /// # Errors
    /// When there is none.
    pub(in crate::security::sasl) fn new(env: &Env, settings: &MskIam) -> Result<Self, Error> {
        let variables = settings
            .variables
            .clone()
            .unwrap_or_else(Variables::of_process);
        let sources = Sources::new(env, variables, settings.profile.clone());
        let region = settings.region.clone().or_else(|| sources.region());
        let region = region.map(|region| region.trim().to_owned());
        let is_name = |region: &String| {
            let mut bytes = region.bytes();
            !region.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let region = region.filter(is_name).ok_or_else(|| {
            Error::config(
                "Amazon MSK with IAM: there is no region, such as eu-central-1: set it with MskIam::region, or \
                 AWS_REGION in the environment",
            )
        })?;
        let credentials = match &settings.credentials {
            Some(provider) => provider.clone(),
            None => Arc::new(sources.in_region(&region)),
        };
        Ok(Self {
            env: env.clone(),
            region,
            credentials,
        })
    }
}

impl TokenProvider for Signer {
    fn token(&self) -> Tokening<'_> {
        Box::pin(async {
            let credentials = self.credentials.credentials().await?;
            Ok(token(&self.region, &credentials, self.env.system_time()))
        })
    }
}

fn token(region: &str, credentials: &AwsCredentials, now: SystemTime) -> Token {
    let host = format!("kafka.{region}.amazonaws.com");
    let presigned = Presigned {
        host: &host,
        path: "/",
        query: &[("Action", "kafka-cluster:Connect")],
        region,
        service: "kafka-cluster",
        expires_s: LIFE_S,
    };
    let query = presigned.query(credentials, now);
    // Behind the signature, as the signers of AWS have it: brokers note which client it was.
    let agent = escaped(concat!("kafka-client-rust/", env!("CARGO_PKG_VERSION")));
    let address = format!("https://{host}/?{query}&User-Agent={agent}");
    let end = now + Duration::from_secs(LIFE_S);
    // What was signed with a key that has ended is refused.
    let end = credentials.expires_at.map_or(end, |key| end.min(key));
    Token::new(URL_SAFE_NO_PAD.encode(address)).expires_at(end)
}

#[cfg(test)]
mod tests {
    use super::super::date;
    use super::*;

    fn decoded(token: &Token) -> String {
        let bytes = URL_SAFE_NO_PAD.decode(token.value.expose()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The signature was computed with `hmac` and `hashlib` of Python, by a program that gives the published
    /// one for the example of S3.
    #[test]
    fn a_token_is_a_signed_address() {
        let now = date::read("2026-11-30T10:04:00Z").unwrap();
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = AwsCredentials::new("AKIDEXAMPLE", secret).session_token("to/ken+=");
        let made = token("eu-central-1", &credentials, now);
        assert_eq!(
            decoded(&made),
            format!(
                "https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect\
                 &X-Amz-Algorithm=AWS4-HMAC-SHA256\
                 &X-Amz-Credential=AKIDEXAMPLE%2F20261130%2Feu-central-1%2Fkafka-cluster%2Faws4_request\
                 &X-Amz-Date=20261130T100400Z&X-Amz-Expires=900&X-Amz-Security-Token=to%2Fken%2B%3D\
                 &X-Amz-SignedHeaders=host\
                 &X-Amz-Signature=c69e617cdd4000fc9186dcac359b3e18e0c1727c2705c489678fe8c20597402e\
                 &User-Agent=kafka-client-rust%2F{}",
                env!("CARGO_PKG_VERSION")
            )
        );
        assert_eq!(made.expires_at, Some(now + Duration::from_secs(900)));
        let ends = now + Duration::from_secs(60);
        let made = token("eu-central-1", &credentials.expires_at(ends), now);
        assert_eq!(made.expires_at, Some(ends));
    }
}
