//! The users that PLAIN and SCRAM know.

use std::collections::BTreeMap;
use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::sasl::scram::{Hash, ScramCredential};

/// The users by name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Users {
    all: BTreeMap<String, User>,
}

#[derive(Default, Clone)]
struct User {
    /// What PLAIN compares; SCRAM's credentials are made from it when they are first needed.
    password: Option<Zeroizing<String>>,
    scram: BTreeMap<Hash, ScramCredential>,
}

impl Users {
    /// Adds a user, or gives it another password.
    pub(crate) fn set_password(&mut self, name: &str, password: &str) {
        let user = User {
            password: Some(Zeroizing::new(password.to_owned())),
            scram: BTreeMap::new(),
        };
        self.all.insert(name.to_owned(), user);
    }

    /// Whether there was such a user.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.all.remove(name).is_some()
    }

    /// Whether the password is the user's, in a time that does not depend on it.
    pub(crate) fn has_password(&self, name: &str, password: &str) -> bool {
        let user = self.all.get(name).and_then(|user| user.password.as_ref());
        user.is_some_and(|known| is_same(known, password))
    }

    /// The user's credential for SCRAM, made from the password if there is none yet.
    pub(crate) fn scram(
        &mut self,
        name: &str,
        hash: Hash,
        salt: impl FnOnce() -> Vec<u8>,
    ) -> Option<ScramCredential> {
        let user = self.all.get_mut(name)?;
        if let Some(known) = user.scram.get(&hash) {
            return Some(known.clone());
        }
        let password = user.password.as_ref()?;
        let made = ScramCredential::of(hash, password.as_bytes(), salt(), hash.iterations_min());
        user.scram.insert(hash, made.clone());
        Some(made)
    }
}

pub(crate) fn is_same(known: &str, given: &str) -> bool {
    known.as_bytes().ct_eq(given.as_bytes()).into()
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("scram", &self.scram.keys())
            .finish_non_exhaustive()
    }
}
