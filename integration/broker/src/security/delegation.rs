//! Delegation tokens (KIP-48): a user's rights lent out under a secret of their own, for a while.
//!
//! A token's id and secret are the name and password for SCRAM with the extension `tokenauth=true`.
//! The secret is made from the id by a key that the broker alone has
//! (`delegation.token.secret.key`), so only the rest is stored.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka_client_protocol::ErrorCode;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::sasl::scram::{Credentials, Hash, ScramCredential};

/// Properties of tokens.
#[derive(Clone)]
pub(crate) struct DelegationConfig {
    /// Without a key, there are no tokens.
    pub(crate) secret_key: Option<Zeroizing<String>>,
    pub(crate) lifetime_max_ms: i64,
    pub(crate) renewal_ms: i64,
}

impl Default for DelegationConfig {
    fn default() -> Self {
        Self {
            secret_key: None,
            lifetime_max_ms: 604_800_000,
            renewal_ms: 86_400_000,
        }
    }
}

impl fmt::Debug for DelegationConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelegationConfig")
            .field("lifetime_max_ms", &self.lifetime_max_ms)
            .field("renewal_ms", &self.renewal_ms)
            .finish_non_exhaustive()
    }
}

/// A token. The names are those of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DelegationToken {
    pub(crate) id: String,
    pub(crate) owner: String,
    /// Who asked for it.
    pub(crate) requester: String,
    pub(crate) renewers: Vec<String>,
    pub(crate) issued_ms: i64,
    pub(crate) expiry_ms: i64,
    /// When it ends however often it is renewed.
    pub(crate) end_ms: i64,
}

impl DelegationToken {
    /// Whether somebody may see it, renew it and end it.
    pub(crate) fn belongs_to(&self, user: &str) -> bool {
        self.owner == user || self.renewers.iter().any(|renewer| renewer == user)
    }

    fn is_over(&self, now_ms: i64) -> bool {
        self.end_ms < now_ms || self.expiry_ms < now_ms
    }
}

/// Stored tokens, by id.
pub(crate) type StoredTokens = BTreeMap<String, DelegationToken>;

/// The most tokens of one owner: Kafka has no such limit, but each of them is written with every
/// change of any.
const TOKENS_OF_OWNER_MAX: usize = 1000;
const RENEWERS_MAX: usize = 100;
const RENEWER_BYTES_MAX: usize = 1024;

/// The tokens of a broker.
#[derive(Debug, Clone)]
pub(crate) struct DelegationTokens {
    config: DelegationConfig,
    all: StoredTokens,
    /// By id, of all of them.
    secrets: HashMap<String, Arc<Secret>>,
    /// Ids by the digest of their HMAC: how long a search takes says nothing of the HMAC itself.
    ids: HashMap<Vec<u8>, String>,
}

/// What proves a token.
struct Secret {
    hmac: Zeroizing<Vec<u8>>,
    scram: Credentials,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl DelegationTokens {
    /// With the tokens of earlier brokers, which are to be [prepared](Self::prepare).
    pub(crate) fn new(config: DelegationConfig, all: StoredTokens) -> Self {
        let mut tokens = Self {
            config,
            all: StoredTokens::new(),
            secrets: HashMap::new(),
            ids: HashMap::new(),
        };
        for id in all.keys() {
            tokens.prepare(id, Credentials::new());
        }
        tokens.all = all;
        tokens
    }

    pub(crate) fn all(&self) -> &StoredTokens {
        &self.all
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.config.secret_key.is_some()
    }

    /// The secret of a token; empty without a key.
    pub(crate) fn hmac(&self, id: &str) -> Vec<u8> {
        let key = self.config.secret_key.as_ref();
        key.map_or_else(Vec::new, |key| {
            Hash::Sha512.hmac(key.as_bytes(), id.as_bytes())
        })
    }

    /// The secret in the form of a password.
    pub(crate) fn password(&self, id: &str) -> Zeroizing<String> {
        let hmac = Zeroizing::new(self.hmac(id));
        Zeroizing::new(STANDARD.encode(&*hmac))
    }

    /// Takes what SCRAM needs of the [password](Self::password).
    pub(crate) fn prepare(&mut self, id: &str, scram: Credentials) {
        let hmac = Zeroizing::new(self.hmac(id));
        let digest = Hash::Sha256.digest(&hmac);
        self.ids.insert(digest, id.to_owned());
        let secret = Arc::new(Secret { hmac, scram });
        self.secrets.insert(id.to_owned(), secret);
    }

    /// Whether there is room for a token.
    pub(crate) fn check_new(
        &self,
        owner: &str,
        renewers: &[String],
        now_ms: i64,
    ) -> Result<(), ErrorCode> {
        if !self.is_enabled() {
            return Err(ErrorCode::DELEGATION_TOKEN_AUTH_DISABLED);
        }
        let are_long = renewers.iter().any(|name| name.len() > RENEWER_BYTES_MAX);
        if are_long || renewers.len() > RENEWERS_MAX {
            tracing::warn!(
                owner,
                renewers = renewers.len(),
                "refused a delegation token: it may have {RENEWERS_MAX} renewers, with names of \
                 {RENEWER_BYTES_MAX} bytes"
            );
            return Err(ErrorCode::POLICY_VIOLATION);
        }
        let own = self.all.values();
        let own = own.filter(|token| token.owner == owner && !token.is_over(now_ms));
        if own.count() >= TOKENS_OF_OWNER_MAX {
            tracing::warn!(
                owner,
                "refused a delegation token: its owner has {TOKENS_OF_OWNER_MAX} of them"
            );
            return Err(ErrorCode::POLICY_VIOLATION);
        }
        Ok(())
    }

    /// Drops what is over: it is never asked for again.
    pub(crate) fn forget_those_over(&mut self, now_ms: i64) {
        let over = self.all.values().filter(|token| token.is_over(now_ms));
        let over: Vec<String> = over.map(|token| token.id.clone()).collect();
        for id in over {
            self.remove(&id);
        }
    }

    fn remove(&mut self, id: &str) {
        self.all.remove(id);
        if let Some(secret) = self.secrets.remove(id) {
            self.ids.remove(&Hash::Sha256.digest(&secret.hmac));
        }
    }

    /// Makes a token that lasts as long as it is asked to, and no longer than the broker allows.
    pub(crate) fn create(
        &mut self,
        id: String,
        (owner, requester): (&str, &str),
        renewers: Vec<String>,
        lifetime_ms: i64,
        credentials: Credentials,
        now_ms: i64,
    ) -> Result<DelegationToken, ErrorCode> {
        self.check_new(owner, &renewers, now_ms)?;
        self.forget_those_over(now_ms);
        let mut lifetime_max_ms = self.config.lifetime_max_ms;
        if lifetime_ms > 0 {
            lifetime_max_ms = lifetime_max_ms.min(lifetime_ms);
        }
        let end_ms = now_ms.saturating_add(lifetime_max_ms);
        let token = DelegationToken {
            id: id.clone(),
            owner: owner.to_owned(),
            requester: requester.to_owned(),
            renewers,
            issued_ms: now_ms,
            expiry_ms: end_ms.min(now_ms.saturating_add(self.config.renewal_ms)),
            end_ms,
        };
        self.prepare(&id, credentials);
        self.all.insert(id, token.clone());
        Ok(token)
    }

    /// Lets a token last longer; when it ends then.
    pub(crate) fn renew(
        &mut self,
        hmac: &[u8],
        user: &str,
        period_ms: i64,
        now_ms: i64,
    ) -> Result<i64, ErrorCode> {
        let renewal_ms = self.config.renewal_ms;
        let token = self.find(hmac)?;
        if token.is_over(now_ms) {
            return Err(ErrorCode::DELEGATION_TOKEN_EXPIRED);
        }
        if !token.belongs_to(user) {
            return Err(ErrorCode::DELEGATION_TOKEN_OWNER_MISMATCH);
        }
        let period_ms = if period_ms > 0 {
            renewal_ms.min(period_ms)
        } else {
            renewal_ms
        };
        token.expiry_ms = token.end_ms.min(now_ms.saturating_add(period_ms));
        Ok(token.expiry_ms)
    }

    /// Lets a token end after a time, or at once if that is negative; when it ends then.
    pub(crate) fn expire(
        &mut self,
        hmac: &[u8],
        user: &str,
        period_ms: i64,
        now_ms: i64,
    ) -> Result<i64, ErrorCode> {
        let token = self.find(hmac)?;
        if !token.belongs_to(user) {
            return Err(ErrorCode::DELEGATION_TOKEN_OWNER_MISMATCH);
        }
        if period_ms < 0 {
            let id = token.id.clone();
            self.remove(&id);
            return Ok(now_ms);
        }
        if token.is_over(now_ms) {
            return Err(ErrorCode::DELEGATION_TOKEN_EXPIRED);
        }
        token.expiry_ms = token.end_ms.min(now_ms.saturating_add(period_ms));
        Ok(token.expiry_ms)
    }

    fn find(&mut self, hmac: &[u8]) -> Result<&mut DelegationToken, ErrorCode> {
        if !self.is_enabled() {
            return Err(ErrorCode::DELEGATION_TOKEN_AUTH_DISABLED);
        }
        let id = self.ids.get(&Hash::Sha256.digest(hmac));
        let is_same = |id: &&String| {
            let secret = self.secrets.get(*id);
            secret.is_some_and(|secret| secret.hmac.ct_eq(hmac).into())
        };
        let id = id.filter(is_same);
        id.and_then(|id| self.all.get_mut(id))
            .ok_or(ErrorCode::DELEGATION_TOKEN_NOT_FOUND)
    }

    /// What SCRAM needs of a token that has not ended, and the token.
    pub(crate) fn scram(
        &self,
        id: &str,
        hash: Hash,
        now_ms: i64,
    ) -> Option<(ScramCredential, &DelegationToken)> {
        let token = self.all.get(id).filter(|token| !token.is_over(now_ms))?;
        let credential = self.secrets.get(id)?.scram.get(&hash)?;
        self.is_enabled().then(|| (credential.clone(), token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> DelegationTokens {
        let config = DelegationConfig {
            secret_key: Some(Zeroizing::new("key".to_owned())),
            lifetime_max_ms: 10_000,
            renewal_ms: 1_000,
        };
        DelegationTokens::new(config, StoredTokens::new())
    }

    fn credentials() -> Credentials {
        let made = ScramCredential::of_salted(Hash::Sha256, b"salted", vec![], 4096);
        [(Hash::Sha256, made)].into()
    }

    #[test]
    fn an_owner_has_so_many_tokens_and_no_more() {
        let mut tokens = tokens();
        let mut create = |id: usize, owner: &str, now_ms| {
            let who = (owner, owner);
            let made = tokens.create(id.to_string(), who, vec![], -1, Credentials::new(), now_ms);
            made.map(|token| token.id)
        };
        for id in 0..TOKENS_OF_OWNER_MAX {
            assert!(create(id, "alice", 0).is_ok());
        }
        assert_eq!(create(2000, "alice", 0), Err(ErrorCode::POLICY_VIOLATION));
        assert!(create(2001, "bob", 0).is_ok());
        // Those that are over make room.
        assert!(create(2002, "alice", 20_000).is_ok());
        assert_eq!(tokens.all.len(), 1);
        assert_eq!((tokens.secrets.len(), tokens.ids.len()), (1, 1));
    }

    fn create(tokens: &mut DelegationTokens, lifetime_ms: i64) -> DelegationToken {
        let renewers = vec!["bob".to_owned()];
        let who = ("alice", "alice");
        let token = tokens.create(
            "id".to_owned(),
            who,
            renewers,
            lifetime_ms,
            credentials(),
            0,
        );
        token.unwrap()
    }

    #[test]
    fn a_token_lasts_until_it_is_not_renewed_and_no_longer_than_its_end() {
        let mut tokens = tokens();
        let token = create(&mut tokens, -1);
        assert_eq!((token.expiry_ms, token.end_ms), (1_000, 10_000));
        let hmac = tokens.hmac("id");
        assert_eq!(tokens.renew(&hmac, "bob", -1, 500), Ok(1_500));
        assert_eq!(tokens.renew(&hmac, "alice", 100, 1_000), Ok(1_100));
        let expired = Err(ErrorCode::DELEGATION_TOKEN_EXPIRED);
        assert_eq!(tokens.renew(&hmac, "alice", -1, 1_101), expired);
        let short = create(&mut tokens, 300);
        assert_eq!((short.expiry_ms, short.end_ms), (300, 300));
        assert_eq!(create(&mut tokens, 99_999).end_ms, 10_000);
    }

    #[test]
    fn tokens_are_for_their_owners_and_renewers() {
        let mut tokens = tokens();
        create(&mut tokens, -1);
        let hmac = tokens.hmac("id");
        let mismatch = Err(ErrorCode::DELEGATION_TOKEN_OWNER_MISMATCH);
        assert_eq!(tokens.renew(&hmac, "carol", -1, 0), mismatch);
        assert_eq!(tokens.expire(&hmac, "carol", -1, 0), mismatch);
        let unknown = Err(ErrorCode::DELEGATION_TOKEN_NOT_FOUND);
        assert_eq!(tokens.renew(b"another", "alice", -1, 0), unknown);
        assert_eq!(tokens.expire(&hmac, "bob", 200, 100), Ok(300));
        assert!(tokens.scram("id", Hash::Sha256, 300).is_some());
        assert!(tokens.scram("id", Hash::Sha256, 301).is_none());
        assert_eq!(tokens.expire(&hmac, "alice", -1, 301), Ok(301));
        assert_eq!(tokens.expire(&hmac, "alice", -1, 301), unknown);
    }

    #[test]
    fn without_a_key_there_are_no_tokens() {
        let mut tokens = DelegationTokens::new(DelegationConfig::default(), StoredTokens::new());
        let disabled = ErrorCode::DELEGATION_TOKEN_AUTH_DISABLED;
        let who = ("alice", "alice");
        assert_eq!(
            tokens.create("id".to_owned(), who, vec![], -1, credentials(), 0),
            Err(disabled)
        );
        assert_eq!(tokens.renew(b"", "alice", -1, 0), Err(disabled));
    }
}
