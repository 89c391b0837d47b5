//! DescribeUserScramCredentials (key 50), version 0: users with their mechanisms and rounds.
//!
//! No users, or null, means all. A user that a program gave a password has a credential of each
//! mechanism.

use std::collections::{BTreeMap, HashMap};

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::describe_user_scram_credentials::{
    CredentialInfo, DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
};

use super::{Api, Call, text};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::security::sasl::scram::Hash;

impl Api for DescribeUserScramCredentialsRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Describe)
    }

    async fn answer(self, call: &Call<'_>) -> DescribeUserScramCredentialsResponse {
        let users = call.node.users();
        let known = users.credentials();
        let asked = self.users.unwrap_or_default();
        let results = if asked.is_empty() {
            let all = known.iter();
            all.map(|(name, credentials)| found(name, credentials))
                .collect()
        } else {
            let mut results: Vec<DescribeUserScramCredentialsResult> = Vec::new();
            let mut counts: HashMap<&str, usize> = HashMap::new();
            for user in &asked {
                *counts.entry(&user.name).or_default() += 1;
            }
            for user in &asked {
                let name = &*user.name;
                let Some(count) = counts.remove(name) else {
                    // Answered already.
                    continue;
                };
                results.push(match known.get(name) {
                    _ if count > 1 => refused(
                        name,
                        Refusal::new(
                            ErrorCode::DUPLICATE_RESOURCE,
                            format!(
                                "Cannot describe SCRAM credentials for the same user twice in a \
                                 single request: {name}"
                            ),
                        ),
                    ),
                    Some(credentials) => found(name, credentials),
                    None => refused(
                        name,
                        Refusal::new(
                            ErrorCode::RESOURCE_NOT_FOUND,
                            format!(
                                "Attempt to describe a user credential that does not exist: {name}"
                            ),
                        ),
                    ),
                });
            }
            results
        };
        DescribeUserScramCredentialsResponse {
            error_message: None,
            results,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> DescribeUserScramCredentialsResponse {
        DescribeUserScramCredentialsResponse {
            error_code: error.code(),
            error_message: text(error.text()),
            ..Default::default()
        }
    }
}

fn found(name: &str, credentials: &BTreeMap<Hash, u32>) -> DescribeUserScramCredentialsResult {
    let info = |(hash, iterations): (&Hash, &u32)| CredentialInfo {
        mechanism: hash.code(),
        iterations: i32::try_from(*iterations).unwrap_or(i32::MAX),
        ..Default::default()
    };
    DescribeUserScramCredentialsResult {
        user: name.into(),
        error_message: None,
        credential_infos: credentials.iter().map(info).collect(),
        ..Default::default()
    }
}

fn refused(name: &str, refusal: Refusal) -> DescribeUserScramCredentialsResult {
    DescribeUserScramCredentialsResult {
        user: name.into(),
        error_code: refusal.code.code(),
        error_message: text(refusal.message),
        ..Default::default()
    }
}
