//! Kafka's wire protocol: messages and record batches to and from bytes.
//!
//! No I/O, no clock, no runtime. All APIs that clients of Apache Kafka 4.4 use stand here in all of
//! their versions, both directions, with the record batches they carry and the records of the two
//! internal topics that coordinators keep. The tests hold every field against Kafka's own
//! definitions and every version against bytes that Kafka's own classes wrote.
//!
//! - [`api`]: one module for each API, request and response together
//! - [`records`]: record batches, the payload of Produce and Fetch, and the older message formats
//! - [`frame`]: headers and the length prefix around a message
//! - [`consumer_protocol`]: what members of a classic consumer group tell each other
//! - [`internal_topics`]: the records of `__consumer_offsets` and `__transaction_state`
//! - [`ApiKey`] and [`ErrorCode`]: the two tables
//! - [`wire`]: how values stand on the wire; [`message`]: what a message is
//!
//! # A conversation
//!
//! Client and broker exchange frames over one connection: a length of four bytes, a header, a
//! message. Everything is big-endian. The client asks, the broker answers in the order of the
//! requests; a correlation id in both headers says so again. The header of a request also has the
//! API key, the version and the client id.
//!
//! A message has versions. The client asks for the broker's versions first
//! ([`api_versions`](api::api_versions)), takes for each API the highest that both know, and says
//! the version with each request; the answer has the same. [`Message::encode`] refuses a value that
//! the version cannot carry, unless Kafka's definition marks the field `ignorable`: then it is left
//! out. So a message that may go out in several versions has what each of them needs, such as the name
//! of a topic and its id. A field that the version does not have reads as its default. The page of each
//! struct has a table of its fields, with the versions that have them, at its [`wire::Wire`]
//! implementation.
//!
//! From some version on, an API is *flexible* (KIP-482): lengths are base-128 numbers, and every
//! struct ends with tagged fields. A tag that a reader does not know is no error: it is kept in
//! `unknown_tagged_fields` and written back with the message.
//!
//! ```
//! use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataRequestTopic};
//! use kafka_client_protocol::{Message, frame};
//!
//! let request = MetadataRequest {
//!     topics: Some(vec![MetadataRequestTopic {
//!         name: Some("orders".into()),
//!         ..Default::default()
//!     }]),
//!     ..Default::default()
//! };
//! // Ready to be sent, with length and header.
//! let frame = frame::encode_request(&request, 12, 1, Some("example".into()))?;
//! assert_eq!(frame.len(), 4 + 18 + request.encode(12)?.len());
//! # Ok::<(), kafka_client_protocol::EncodeError>(())
//! ```
//!
//! The other way, a program takes the length from the connection, refuses one over what it is ready to
//! take, reads that many bytes, and finds the request that they answer:
//!
//! ```
//! use kafka_client_protocol::api::metadata::{MetadataRequest, MetadataResponse};
//! use kafka_client_protocol::{ErrorCode, frame};
//! # let response = MetadataResponse::default();
//! # let sent = frame::encode_response::<MetadataRequest>(&response, 12, 1)?;
//! # let received = sent.to_bytes().slice(4..); // Without the length.
//!
//! assert_eq!(frame::correlation_id(&received)?, 1);
//! let response = frame::decode_response::<MetadataRequest>(&received, 12)?;
//! for topic in &response.topics {
//!     ErrorCode::new(topic.error_code).ok()?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A decoded message shares the bytes of its frame: its strings and byte fields are views. Requests and
//! responses that may name thousands of partitions (Produce, Fetch, Metadata and others) can be read in
//! place as well, without an allocation ([`ViewMessage`]).
//!
//! # Who sends what
//!
//! Each role sends its APIs in the order of the table. Every connection opens with
//! [`api_versions`](api::api_versions), then authenticates if it is to; the first of them then asks
//! for [`metadata`](api::metadata), which names the brokers and the partitions' leaders, and is
//! asked again whenever an answer shows that it is out of date.
//!
//! | role | APIs, in the order of a connection's life |
//! |---|---|
//! | authentication | [`api_versions`](api::api_versions), [`sasl_handshake`](api::sasl_handshake), [`sasl_authenticate`](api::sasl_authenticate) until the mechanism is done; the last two again before the session ends (KIP-368) |
//! | producer | [`metadata`](api::metadata), [`init_producer_id`](api::init_producer_id) if idempotent, [`produce`](api::produce) to the leaders |
//! | transactional producer | [`metadata`](api::metadata), [`find_coordinator`](api::find_coordinator), [`init_producer_id`](api::init_producer_id); in each transaction [`add_partitions_to_txn`](api::add_partitions_to_txn) (TV1 only), [`produce`](api::produce), [`add_offsets_to_txn`](api::add_offsets_to_txn) (TV1 only), [`txn_offset_commit`](api::txn_offset_commit) to the group's coordinator, [`end_txn`](api::end_txn) |
//! | classic consumer | [`metadata`](api::metadata), [`find_coordinator`](api::find_coordinator), [`join_group`](api::join_group), [`sync_group`](api::sync_group), [`offset_fetch`](api::offset_fetch), [`list_offsets`](api::list_offsets) where nothing is committed, [`offset_for_leader_epoch`](api::offset_for_leader_epoch) after a change of leader, [`fetch`](api::fetch); meanwhile [`heartbeat`](api::heartbeat) and [`offset_commit`](api::offset_commit); at the end [`leave_group`](api::leave_group) |
//! | KIP-848 consumer | [`metadata`](api::metadata), [`find_coordinator`](api::find_coordinator), [`consumer_group_heartbeat`](api::consumer_group_heartbeat) to join, stay and leave, [`offset_fetch`](api::offset_fetch), [`list_offsets`](api::list_offsets), [`offset_for_leader_epoch`](api::offset_for_leader_epoch), [`fetch`](api::fetch), [`offset_commit`](api::offset_commit) |
//! | share consumer | [`metadata`](api::metadata), [`find_coordinator`](api::find_coordinator), [`share_group_heartbeat`](api::share_group_heartbeat) to join, stay and leave, [`share_fetch`](api::share_fetch), which carries acknowledgements too, [`share_acknowledge`](api::share_acknowledge) |
//! | streams group member | [`metadata`](api::metadata), [`find_coordinator`](api::find_coordinator), [`streams_group_heartbeat`](api::streams_group_heartbeat) to join, stay and leave, [`streams_group_topology_description_update`](api::streams_group_topology_description_update) if asked for; then as the KIP-848 consumer from [`offset_fetch`](api::offset_fetch) on, and as a producer |
//! | telemetry, in any client | [`get_telemetry_subscriptions`](api::get_telemetry_subscriptions), then [`push_telemetry`](api::push_telemetry) at each interval and once at the end |
//!
//! An admin client sends each operation on its own, to the broker that its API's page names:
//!
//! | admin | APIs |
//! |---|---|
//! | topics and partitions | [`metadata`](api::metadata), [`describe_topic_partitions`](api::describe_topic_partitions), [`create_topics`](api::create_topics), [`delete_topics`](api::delete_topics), [`create_partitions`](api::create_partitions), [`delete_records`](api::delete_records), [`list_offsets`](api::list_offsets), [`elect_leaders`](api::elect_leaders), [`alter_partition_reassignments`](api::alter_partition_reassignments), [`list_partition_reassignments`](api::list_partition_reassignments) |
//! | log directories | [`describe_log_dirs`](api::describe_log_dirs), [`alter_replica_log_dirs`](api::alter_replica_log_dirs) |
//! | settings | [`list_config_resources`](api::list_config_resources), [`describe_configs`](api::describe_configs), [`incremental_alter_configs`](api::incremental_alter_configs), [`alter_configs`](api::alter_configs) (old clients) |
//! | groups | [`list_groups`](api::list_groups), [`find_coordinator`](api::find_coordinator), then [`describe_groups`](api::describe_groups), [`consumer_group_describe`](api::consumer_group_describe), [`share_group_describe`](api::share_group_describe) or [`streams_group_describe`](api::streams_group_describe), [`leave_group`](api::leave_group) (for other members), [`delete_groups`](api::delete_groups) |
//! | offsets of groups | [`offset_fetch`](api::offset_fetch), [`offset_commit`](api::offset_commit), [`offset_delete`](api::offset_delete); of share groups [`describe_share_group_offsets`](api::describe_share_group_offsets), [`alter_share_group_offsets`](api::alter_share_group_offsets), [`delete_share_group_offsets`](api::delete_share_group_offsets) |
//! | transactions | [`list_transactions`](api::list_transactions), [`describe_transactions`](api::describe_transactions), [`describe_producers`](api::describe_producers), [`write_txn_markers`](api::write_txn_markers) (to abort one that hangs), [`init_producer_id`](api::init_producer_id) (to fence a producer) |
//! | access and quotas | [`describe_acls`](api::describe_acls), [`create_acls`](api::create_acls), [`delete_acls`](api::delete_acls), [`describe_client_quotas`](api::describe_client_quotas), [`alter_client_quotas`](api::alter_client_quotas) |
//! | credentials | [`describe_user_scram_credentials`](api::describe_user_scram_credentials), [`alter_user_scram_credentials`](api::alter_user_scram_credentials), [`create_delegation_token`](api::create_delegation_token), [`describe_delegation_token`](api::describe_delegation_token), [`renew_delegation_token`](api::renew_delegation_token), [`expire_delegation_token`](api::expire_delegation_token) |
//! | cluster | [`describe_cluster`](api::describe_cluster), [`api_versions`](api::api_versions) (features), [`update_features`](api::update_features), [`describe_quorum`](api::describe_quorum), [`add_raft_voter`](api::add_raft_voter), [`remove_raft_voter`](api::remove_raft_voter), [`unregister_broker`](api::unregister_broker), [`unregister_controller`](api::unregister_controller) |
//!
//! TV1 and TV2 are the two transaction protocols: with the feature `transaction.version` at 2
//! (KIP-890), [`produce`](api::produce) and [`txn_offset_commit`](api::txn_offset_commit) themselves
//! add their partitions and group to the transaction.
//!
//! # Hostile bytes
//!
//! Nothing here panics on bytes from the network, and nothing takes memory that they only claim to
//! need: the arrays of a message take at most 16 times its bytes plus 64 KiB, record batches are
//! decompressed under the caller's cap. The length before a frame is the caller's to limit, as is
//! whether to verify the checksums of record batches. Every decoder is fuzzed.

// The derive macro names this crate by its name, here as well.
extern crate self as kafka_client_protocol;

pub mod api;
mod api_key;
pub mod consumer_protocol;
mod error;
mod error_code;
pub mod frame;
pub mod internal_topics;
pub mod message;
pub mod records;
mod types;
pub mod wire;

pub use api_key::ApiKey;
pub use error::{CodecError, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use error_code::{ErrorClass, ErrorCode};
pub use message::{Message, Request, ViewMessage};
pub use types::{StrBytes, TaggedFields, Uuid};
