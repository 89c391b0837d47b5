//! What a principal may do: questions to the authorizer, and what is left of a request whose
//! principal may not ask for all of it.

use std::any::Any;
use std::collections::HashSet;

use kafka_client_protocol::ErrorCode;

use super::{Api, Call, Target};
use crate::security::Principal;
use crate::security::acl::{self, AclOperation, ResourceKind};
use crate::security::authorizer::{Authorizer, Subject};

impl Call<'_> {
    /// Whether the principal may do something with a resource.
    pub(super) fn may(&self, operation: AclOperation, kind: ResourceKind, name: &str) -> bool {
        self.asks(|authorizer, subject| authorizer.allows(subject, operation, kind, name))
            .unwrap_or(true)
    }

    pub(super) fn may_on_topic(&self, operation: AclOperation, name: &str) -> bool {
        self.may(operation, ResourceKind::Topic, name)
    }

    pub(super) fn may_on_group(&self, operation: AclOperation, name: &str) -> bool {
        self.may(operation, ResourceKind::Group, name)
    }

    /// The same, as a refusal of the whole request.
    pub(super) fn needs_on_group(
        &self,
        operation: AclOperation,
        name: &str,
    ) -> Result<(), ErrorCode> {
        if self.may_on_group(operation, name) {
            Ok(())
        } else {
            Err(ErrorCode::GROUP_AUTHORIZATION_FAILED)
        }
    }

    pub(super) fn may_on_cluster(&self, operation: AclOperation) -> bool {
        self.may(operation, ResourceKind::Cluster, acl::CLUSTER)
    }

    /// The same, as a refusal of the whole request.
    pub(super) fn needs_on_cluster(&self, operation: AclOperation) -> Result<(), ErrorCode> {
        if self.may_on_cluster(operation) {
            Ok(())
        } else {
            Err(ErrorCode::CLUSTER_AUTHORIZATION_FAILED)
        }
    }

    /// The same for a transactional id.
    pub(super) fn needs_on_transactional_id(
        &self,
        operation: AclOperation,
        id: &str,
    ) -> Result<(), ErrorCode> {
        if self.may(operation, ResourceKind::TransactionalId, id) {
            Ok(())
        } else {
            Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        }
    }

    /// Whether the principal may do something with any topic.
    pub(super) fn may_on_any_topic(&self, operation: AclOperation) -> bool {
        let kind = ResourceKind::Topic;
        self.asks(|authorizer, subject| authorizer.allows_any(subject, operation, kind))
            .unwrap_or(true)
    }

    /// Whether the connection may ask for delegation tokens: it must be known who does, and not by
    /// a token.
    pub(super) fn may_ask_for_tokens(&self) -> Result<(), ErrorCode> {
        let gate = self.connection.gate();
        let listener = &self.connection.listener;
        let is_plaintext = listener.tls.is_none() && listener.sasl.is_none();
        if is_plaintext || gate.is_by_token() || **gate.principal() == Principal::anonymous() {
            return Err(ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
        }
        Ok(())
    }

    /// What the principal may do with a resource, as bits.
    pub(super) fn operations(&self, kind: ResourceKind, name: &str) -> i32 {
        self.asks(|authorizer, subject| authorizer.operations(subject, kind, name))
            .unwrap_or_else(|| {
                let all = kind.operations().iter();
                all.fold(0, |bits, operation| bits | 1 << operation.code())
            })
    }

    /// What the principal may do with the cluster: nothing that it could be told of, if it may not
    /// even see it.
    pub(super) fn cluster_operations(&self) -> i32 {
        if self.may_on_cluster(AclOperation::Describe) {
            self.operations(ResourceKind::Cluster, acl::CLUSTER)
        } else {
            0
        }
    }

    /// Asks the authorizer; `None` if there is none.
    pub(super) fn asks<T>(
        &self,
        question: impl FnOnce(&Authorizer, Subject<'_>) -> T,
    ) -> Option<T> {
        let authorizer = self.node.authorizer.as_ref()?.get();
        let principal = self.connection.gate().principal().to_string();
        let host = self.connection.peer.host();
        let subject = Subject {
            principal: &principal,
            host: &host,
        };
        Some(question(&authorizer, subject))
    }
}

/// Applies as much of a request as its principal may ask for, and refuses the rest.
pub(super) async fn authorize_and_answer<R: Api>(request: R, call: &Call<'_>) -> R::Response {
    let mut answer = answer_authorized(request, call).await;
    if let Some(profile) = call.node.profile {
        profile.adapt(&mut answer as &mut dyn Any);
    }
    answer
}

async fn answer_authorized<R: Api>(mut request: R, call: &Call<'_>) -> R::Response {
    if call.node.authorizer.is_none() {
        return request.answer(call).await;
    }
    if let Err(error) = request.check(call) {
        return request.refuse(error);
    }
    let mut refused = None;
    if let Some(operation) = request.needs_on_topics(call) {
        let topics: HashSet<_> = request.parts().iter().map(|part| part.topic).collect();
        // What an unknown id means is not known, so the answer says that it is unknown.
        let named: HashSet<String> = topics
            .into_iter()
            .map(|topic| call.name_of(topic))
            .collect();
        let denied = named.iter().map(String::as_str);
        let denied = denied.filter(|name| !call.may_on_topic(operation, name));
        let target = Target::topics(call, denied);
        if !target.is_empty()
            && let Some(taken) = request.take(&target)
        {
            refused = Some(taken.refuse_taken(&target, ErrorCode::TOPIC_AUTHORIZATION_FAILED));
        }
    }
    let mut answer = request.answer(call).await;
    if let Some(refused) = refused {
        R::put(&mut answer, refused);
    }
    answer
}
