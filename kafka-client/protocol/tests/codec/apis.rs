//! Every message of the crate, so that each test walks all of them.

use std::fmt::Debug;

use bytes::Bytes;
use kafka_client_protocol::message::TypeDescription;
use kafka_client_protocol::wire::Wire;
use kafka_client_protocol::{ApiKey, DecodeError, EncodeError, Message, Request};

/// Calls a macro with `module Request` for every API. A response is its request's.
macro_rules! for_each_api {
    ($visit:ident) => {
        $visit! {
            api_versions ApiVersionsRequest;
            create_topics CreateTopicsRequest;
            delete_topics DeleteTopicsRequest;
            describe_cluster DescribeClusterRequest;
            describe_groups DescribeGroupsRequest;
            fetch FetchRequest;
            find_coordinator FindCoordinatorRequest;
            heartbeat HeartbeatRequest;
            init_producer_id InitProducerIdRequest;
            join_group JoinGroupRequest;
            leave_group LeaveGroupRequest;
            list_groups ListGroupsRequest;
            list_offsets ListOffsetsRequest;
            metadata MetadataRequest;
            offset_commit OffsetCommitRequest;
            offset_fetch OffsetFetchRequest;
            produce ProduceRequest;
            sync_group SyncGroupRequest;
        }
    };
}
pub(crate) use for_each_api;

/// An API with both of its messages.
pub(crate) struct Api {
    /// Its module, which is also the name of its golden file.
    pub(crate) module: &'static str,
    pub(crate) key: ApiKey,
    pub(crate) request: Codec,
    pub(crate) response: Codec,
}

/// One message type, without the type.
#[derive(Clone, Copy)]
pub(crate) struct Codec {
    pub(crate) name: &'static str,
    pub(crate) versions: (i16, i16),
    pub(crate) first_flexible: Option<i16>,
    pub(crate) ty: TypeDescription,
    pub(crate) decode: fn(Bytes, i16) -> Result<Box<dyn Value>, DecodeError>,
    pub(crate) default: fn() -> Box<dyn Value>,
}

/// A message, without its type.
pub(crate) trait Value: Debug {
    fn encode(&self, version: i16) -> Result<Bytes, EncodeError>;
    /// The size that is announced for it.
    fn size(&self, version: i16) -> Result<usize, EncodeError>;
}

impl<M: Message + Debug> Value for M {
    fn encode(&self, version: i16) -> Result<Bytes, EncodeError> {
        Message::encode(self, version)
    }

    fn size(&self, version: i16) -> Result<usize, EncodeError> {
        Ok(self.encoded_size(version)?.total)
    }
}

impl Codec {
    pub(crate) fn of<M: Message + Debug + 'static>() -> Self {
        Self {
            name: M::NAME,
            versions: (M::MIN_VERSION, M::MAX_VERSION),
            first_flexible: M::FIRST_FLEXIBLE,
            ty: <M as Wire>::TYPE,
            decode: |bytes, version| Ok(Box::new(M::decode(bytes, version)?)),
            default: || Box::new(M::default()),
        }
    }

    pub(crate) fn flexible(&self, version: i16) -> bool {
        self.first_flexible.is_some_and(|first| version >= first)
    }
}

impl Api {
    fn of<R: Request + Debug + 'static>(module: &'static str) -> Self
    where
        R::Response: Debug + 'static,
    {
        Self {
            module,
            key: R::API_KEY,
            request: Codec::of::<R>(),
            response: Codec::of::<R::Response>(),
        }
    }

    pub(crate) fn messages(&self) -> [Codec; 2] {
        [self.request, self.response]
    }
}

/// All APIs of the crate.
pub(crate) fn all() -> Vec<Api> {
    macro_rules! table {
        ($($module:ident $request:ident;)*) => {
            vec![$(
                Api::of::<kafka_client_protocol::api::$module::$request>(stringify!($module)),
            )*]
        };
    }
    for_each_api!(table)
}

#[test]
fn the_table_has_every_module_of_the_crate() {
    let source = include_str!("../../src/api/mod.rs");
    let modules: Vec<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let table: Vec<&str> = all().iter().map(|api| api.module).collect();
    assert_eq!(table, modules);
}
