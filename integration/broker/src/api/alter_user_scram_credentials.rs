//! AlterUserScramCredentials (key 51), version 0: credentials of SCRAM set and removed.
//!
//! Each user is judged and answered for itself, and may be named once (KIP-554): the mechanisms of
//! one user are altered in several requests. The checks and texts are Kafka's.

use kafka_client_protocol::api::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
};
use kafka_client_protocol::{ErrorCode, StrBytes};

use super::{Api, Call, text};
use crate::security::acl::AclOperation;
use crate::security::sasl::scram::{Hash, ITERATIONS, ScramCredential};
use crate::security::users::Users;
use crate::validate::Refusal;

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
        let names = self.names();
        let changed = call.node.change_users(|users| {
            let one = |name: &&StrBytes| {
                let change = self.change(name, users);
                result(name, change.map(|change| apply(users, name, change)))
            };
            names.iter().map(one).collect()
        });
        match changed {
            Ok(results) => AlterUserScramCredentialsResponse {
                results,
                ..Default::default()
            },
            Err(error) => {
                tracing::error!(%error, "credentials were not stored");
                self.refuse(ErrorCode::KAFKA_STORAGE_ERROR)
            }
        }
    }

    fn refuse(&self, error: ErrorCode) -> AlterUserScramCredentialsResponse {
        let refused = |name: &StrBytes| result(name, Err(Refusal::new(error, error.text())));
        AlterUserScramCredentialsResponse {
            results: self.names().into_iter().map(refused).collect(),
            ..Default::default()
        }
    }
}

trait Changes {
    /// The users, each once.
    fn names(&self) -> Vec<&StrBytes>;

    fn change(&self, name: &StrBytes, users: &Users) -> Result<Change, Refusal>;
}

impl Changes for AlterUserScramCredentialsRequest {
    fn names(&self) -> Vec<&StrBytes> {
        let removed = self.deletions.iter().map(|one| &one.name);
        let set = self.upsertions.iter().map(|one| &one.name);
        let mut names = Vec::new();
        for name in removed.chain(set) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn change(&self, name: &StrBytes, users: &Users) -> Result<Change, Refusal> {
        let mut removals = self.deletions.iter().filter(|one| one.name == *name);
        let mut settings = self.upsertions.iter().filter(|one| one.name == *name);
        let (removal, setting) = (removals.next(), settings.next());
        let is_one = removal.is_some() != setting.is_some();
        if !is_one || removals.next().is_some() || settings.next().is_some() {
            return Err(Refusal::new(
                ErrorCode::DUPLICATE_RESOURCE,
                "A user credential cannot be altered twice in the same request",
            ));
        }
        let code = removal.map(|one| one.mechanism);
        let code = code.or_else(|| setting.map(|one| one.mechanism));
        let unacceptable = |text| Refusal::new(ErrorCode::UNACCEPTABLE_CREDENTIAL, text);
        if name.is_empty() {
            return Err(unacceptable("Username must not be empty"));
        }
        let hash = code.and_then(Hash::of_code).ok_or_else(|| {
            let error = ErrorCode::UNSUPPORTED_SASL_MECHANISM;
            Refusal::new(error, "Unknown SCRAM mechanism")
        })?;
        let Some(setting) = setting else {
            let credentials = users.credentials();
            let known = credentials.get(name.as_str());
            return if known.is_some_and(|known| known.contains_key(&hash)) {
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
