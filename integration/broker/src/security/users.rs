//! The users that PLAIN and SCRAM know.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::sasl::scram::{Credentials, Hash, ITERATIONS, ScramCredential};

/// The users by name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Users {
    all: BTreeMap<String, User>,
}

#[derive(Default, Clone)]
struct User {
    /// What PLAIN compares.
    password: Option<Zeroizing<String>>,
    /// Those of the password.
    scram: Credentials,
    /// Those that clients have set, which outlive the broker. They win over the password.
    stored: BTreeMap<Hash, ScramCredential>,
    /// Those that clients have removed, although there is a password.
    without: BTreeSet<Hash>,
}

impl User {
    fn credential_iterations(&self, hash: Hash) -> Option<u32> {
        match self.stored.get(&hash) {
            Some(stored) => Some(stored.iterations),
            None if self.password.is_some() && !self.without.contains(&hash) => {
                Some(*ITERATIONS.start())
            }
            None => None,
        }
    }
}

/// The credentials that outlive the broker, by user.
pub(crate) type StoredUsers = BTreeMap<String, BTreeMap<Hash, ScramCredential>>;

impl Users {
    /// Adds a user, or gives it another password, which holds for all mechanisms. Its credentials are
    /// made beforehand: whoever knocks is not to cost thousands of rounds of hashing.
    pub(crate) fn set_password(&mut self, name: &str, password: &str, credentials: Credentials) {
        let user = User {
            password: Some(Zeroizing::new(password.to_owned())),
            scram: credentials,
            ..User::default()
        };
        self.all.insert(name.to_owned(), user);
    }

    /// Whether there was such a user.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.all.remove(name).is_some()
    }

    /// Takes back what an earlier broker has stored.
    pub(crate) fn restore(&mut self, stored: StoredUsers) {
        for (name, credentials) in stored {
            self.all.entry(name).or_default().stored = credentials;
        }
    }

    pub(crate) fn stored(&self) -> StoredUsers {
        let all = self.all.iter();
        all.filter(|(_, user)| !user.stored.is_empty())
            .map(|(name, user)| (name.clone(), user.stored.clone()))
            .collect()
    }

    pub(crate) fn store(&mut self, name: &str, hash: Hash, credential: ScramCredential) {
        let user = self.all.entry(name.to_owned()).or_default();
        user.without.remove(&hash);
        user.stored.insert(hash, credential);
    }

    /// Removes a credential, also one that the password would give.
    pub(crate) fn forget(&mut self, name: &str, hash: Hash) {
        let Some(user) = self.all.get_mut(name) else {
            return;
        };
        user.stored.remove(&hash);
        user.scram.remove(&hash);
        user.without.insert(hash);
    }

    pub(crate) fn has_credential(&self, name: &str, hash: Hash) -> bool {
        let user = self.all.get(name);
        user.is_some_and(|user| user.credential_iterations(hash).is_some())
    }

    /// The users that have credentials for SCRAM, and the rounds of each.
    pub(crate) fn credentials(&self) -> BTreeMap<&str, BTreeMap<Hash, u32>> {
        let of = |user: &User| {
            let has = |hash: &Hash| user.credential_iterations(*hash);
            let hashes = [Hash::Sha256, Hash::Sha512].into_iter();
            hashes
                .filter_map(|hash| Some((hash, has(&hash)?)))
                .collect::<BTreeMap<_, _>>()
        };
        let all = self.all.iter().map(|(name, user)| (&**name, of(user)));
        all.filter(|(_, credentials)| !credentials.is_empty())
            .collect()
    }

    /// Whether the password is the user's, in a time that does not depend on it.
    pub(crate) fn has_password(&self, name: &str, password: &str) -> bool {
        let user = self.all.get(name).and_then(|user| user.password.as_ref());
        user.is_some_and(|known| is_same(known, password))
    }

    /// The user's credential for SCRAM.
    pub(crate) fn scram(&self, name: &str, hash: Hash) -> Option<ScramCredential> {
        let user = self.all.get(name)?;
        let made = || {
            let made = user.scram.get(&hash);
            made.filter(|_| !user.without.contains(&hash))
        };
        user.stored.get(&hash).or_else(made).cloned()
    }
}

pub(crate) fn is_same(known: &str, given: &str) -> bool {
    known.as_bytes().ct_eq(given.as_bytes()).into()
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("stored", &self.stored.keys())
            .finish_non_exhaustive()
    }
}
