//! AlterUserScramCredentials (key 51), version 0: credentials of SCRAM set and removed.
//!
//! Each user is judged and answered for itself, and may be named once (KIP-554): the mechanisms of
//! one user are altered in several requests. The checks and texts are Kafka's.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_client_protocol::api::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult, ScramCredentialUpsertion,
};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::{Api, Call, text};
use crate::refusal::Refusal;
use crate::security::acl::AclOperation;
use crate::security::sasl::scram::{Hash, ITERATIONS, ScramCredential};
use crate::security::users::Users;

/// What is asked of one user.
enum Change {
    Remove(Hash),
    Set(Hash, ScramCredential),
}

impl Api for AlterUserScramCredentialsRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Alter)
    }

    async fn answer(self, call: &Call<'_>) -> AlterUserScramCredentialsResponse {
        let request = Arc::new(self);
        let changing = Arc::clone(&request);
        let changed = call.node.apart(move |node| {
            let asked = changing.asked();
            node.change_users(|users| {
                let one = |(name, asked): &(&StrBytes, Vec<Asked<'_>>)| {
                    let change = change(name, asked, users);
                    result(name, change.map(|change| apply(users, name, change)))
                };
                asked.iter().map(one).collect()
            })
        });
        match changed.await.unwrap_or_else(Err) {
            Ok(results) => AlterUserScramCredentialsResponse {
                results,
                ..Default::default()
            },
            Err(error) => {
                tracing::error!(%error, "credentials were not stored");
                request.refuse(ErrorCode::KAFKA_STORAGE_ERROR)
            }
        }
    }

    fn refuse(&self, error: ErrorCode) -> AlterUserScramCredentialsResponse {
        let refused = |(name, _): (&StrBytes, _)| result(name, Err(error.into()));
        AlterUserScramCredentialsResponse {
            results: self.asked().into_iter().map(refused).collect(),
            ..Default::default()
        }
    }
}

/// A removal, or a setting, and its mechanism.
type Asked<'a> = (i8, Option<&'a ScramCredentialUpsertion>);

trait Changes {
    /// What is asked of each user, in the order of the request.
    fn asked(&self) -> Vec<(&StrBytes, Vec<Asked<'_>>)>;
}

impl Changes for AlterUserScramCredentialsRequest {
    fn asked(&self) -> Vec<(&StrBytes, Vec<Asked<'_>>)> {
        let removed = self.deletions.iter();
        let removed = removed.map(|one| (&one.name, (one.mechanism, None)));
        let set = self.upsertions.iter();
        let set = set.map(|one| (&one.name, (one.mechanism, Some(one))));
        let mut places: HashMap<&StrBytes, usize> = HashMap::new();
        let mut all: Vec<(&StrBytes, Vec<Asked<'_>>)> = Vec::new();
        for (name, asked) in removed.chain(set) {
            let place = *places.entry(name).or_insert(all.len());
            match all.get_mut(place) {
                Some((_, known)) => known.push(asked),
                None => all.push((name, vec![asked])),
            }
        }
        all
    }
}

/// What is to be done for a user, if it may be done.
fn change(name: &StrBytes, asked: &[Asked<'_>], users: &Users) -> Result<Change, Refusal> {
    let &[(mechanism, setting)] = asked else {
        return Err(Refusal::new(
            ErrorCode::DUPLICATE_RESOURCE,
            "A user credential cannot be altered twice in the same request",
        ));
    };
    let unacceptable = |text| Refusal::new(ErrorCode::UNACCEPTABLE_CREDENTIAL, text);
    if name.is_empty() {
        return Err(unacceptable("Username must not be empty"));
    }
    let hash = Hash::of_code(mechanism).ok_or_else(|| {
        let error = ErrorCode::UNSUPPORTED_SASL_MECHANISM;
        Refusal::new(error, "Unknown SCRAM mechanism")
    })?;
    let Some(setting) = setting else {
        return if users.has_credential(name, hash) {
            Ok(Change::Remove(hash))
        } else {
            let error = ErrorCode::RESOURCE_NOT_FOUND;
            let text = "Attempt to delete a user credential that does not exist";
            Err(Refusal::new(error, text))
        };
    };
    let iterations = u32::try_from(setting.iterations).unwrap_or(0);
    if iterations < *ITERATIONS.start() {
        return Err(unacceptable("Too few iterations"));
    }
    if iterations > *ITERATIONS.end() {
        return Err(unacceptable("Too many iterations"));
    }
    let credential = ScramCredential::of_salted(
        hash,
        &setting.salted_password,
        setting.salt.to_vec(),
        iterations,
    );
    Ok(Change::Set(hash, credential))
}

fn apply(users: &mut Users, name: &str, change: Change) {
    match change {
        Change::Remove(hash) => users.forget(name, hash),
        Change::Set(hash, credential) => users.store(name, hash, credential),
    }
}

fn result(name: &StrBytes, result: Result<(), Refusal>) -> AlterUserScramCredentialsResult {
    let refusal = result.err();
    AlterUserScramCredentialsResult {
        user: name.clone(),
        error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
        error_message: refusal.and_then(|refusal| text(refusal.message)),
        ..Default::default()
    }
}
