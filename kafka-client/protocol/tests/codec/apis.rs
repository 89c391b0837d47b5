//! Every message of the crate, so that each test walks all of them.

use std::fmt::Debug;
use std::ops::RangeInclusive;

use bytes::Bytes;
use kafka_client_protocol::message::TypeDescription;
use kafka_client_protocol::wire::Wire;
use kafka_client_protocol::{ApiKey, DecodeError, EncodeError, Message, Request};

mod list;

pub(crate) use list::for_each_api;

/// What Apache Kafka 4.4 adds to 4.3.1, of which the jars are: messages with the version that is
/// new. All APIs of which that is the only version are new.
pub(crate) const OF_KAFKA_4_4: &[(&str, i16)] = &[
    ("ApiVersionsRequest", 5),
    ("ApiVersionsResponse", 5),
    ("DeleteGroupsRequest", 3),
    ("DeleteGroupsResponse", 3),
    ("StreamsGroupDescribeRequest", 1),
    ("StreamsGroupDescribeResponse", 1),
    ("StreamsGroupHeartbeatRequest", 1),
    ("StreamsGroupHeartbeatResponse", 1),
    ("StreamsGroupTopologyDescriptionUpdateRequest", 0),
    ("StreamsGroupTopologyDescriptionUpdateResponse", 0),
    ("TxnOffsetCommitRequest", 6),
    ("TxnOffsetCommitResponse", 6),
    ("UnregisterControllerRequest", 0),
    ("UnregisterControllerResponse", 0),
];

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

    /// The versions that Apache Kafka 4.3.1 has too. They may be none.
    pub(crate) fn in_jars(&self) -> RangeInclusive<i16> {
        let added = OF_KAFKA_4_4.contains(&(self.name, self.versions.1));
        self.versions.0..=self.versions.1 - i16::from(added)
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
        ($($module:ident $request:ident $(($alone:ident))?;)*) => {
            vec![$(
                Api::of::<kafka_client_protocol::api::$module::$request>(stringify!($module)),
            )*]
        };
    }
    for_each_api!(table)
}

/// All messages of the crate, with the keys and values of the internal topics.
pub(crate) fn messages() -> Vec<Codec> {
    let of_apis = all().into_iter().flat_map(|api| api.messages());
    of_apis.chain(crate::internal_topics::messages()).collect()
}

#[test]
fn the_table_of_api_keys_has_the_versions_of_the_messages() {
    for api in all() {
        for codec in api.messages() {
            let (min, max) = codec.versions;
            assert_eq!(api.key.versions(), Some(min..=max), "{}", codec.name);
            assert_eq!(
                api.key.first_flexible(),
                codec.first_flexible,
                "{}",
                codec.name
            );
        }
    }
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
