//! Keys in the environment's variables.

use super::{Found, Missing, Sources};
use crate::security::sasl::msk::AwsCredentials;

impl Sources {
    pub(super) fn environment(&self) -> Found {
        let id = self.variables.get("AWS_ACCESS_KEY_ID");
        let secret = self.variables.secret("AWS_SECRET_ACCESS_KEY");
        let (id, secret) = match (id, secret) {
            (Some(id), Some(secret)) => (id, secret),
            (None, None) => {
                return Err(Missing::Absent("AWS_ACCESS_KEY_ID is not set".to_owned()));
            }
            (Some(_), None) => {
                return Err(Missing::stop(
                    "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not",
                ));
            }
            (None, Some(_)) => {
                return Err(Missing::stop(
                    "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not",
                ));
            }
        };
        let credentials = AwsCredentials::new(id.trim(), secret.expose().trim());
        Ok(match self.variables.secret("AWS_SESSION_TOKEN") {
            Some(token) => credentials.session_token(token.expose().trim()),
            None => credentials,
        })
    }
}
