//! Every message of the crate, without its type.

use std::fmt::Debug;

use bytes::Bytes;
use kafka_client_protocol::frame::{self, RequestHeader};
use kafka_client_protocol::{ApiKey, DecodeError, Message, Request};

use crate::{frames, messages};

// The list that the tests walk, so that there is one only.
#[path = "../../tests/codec/apis/list.rs"]
mod list;

/// What the targets do with an API.
pub struct Api {
    /// Its module, which is also the name of its golden file.
    pub module: &'static str,
    pub key: ApiKey,
    pub request: Codec,
    pub response: Codec,
    /// Checks the body that follows a request's header.
    pub request_frame: fn(&RequestHeader, Bytes),
    /// Checks a response, header included, in a version.
    pub response_frame: fn(Bytes, i16),
    /// The body of such a response.
    pub response_body: fn(&Bytes, i16) -> Result<Bytes, DecodeError>,
}

/// What the targets do with a message.
pub struct Codec {
    pub versions: (i16, i16),
    /// Checks the bytes of a body in one version, and the message in another.
    pub check: fn(Bytes, i16, i16),
}

impl Codec {
    fn of<M: Message + PartialEq + Debug>() -> Self {
        Self {
            versions: (M::MIN_VERSION, M::MAX_VERSION),
            check: messages::check::<M>,
        }
    }
}

impl Api {
    fn of<R>(module: &'static str) -> Self
    where
        R: Request + PartialEq + Debug,
        R::Response: PartialEq + Debug,
    {
        Self {
            module,
            key: R::API_KEY,
            request: Codec::of::<R>(),
            response: Codec::of::<R::Response>(),
            request_frame: frames::check_request::<R>,
            response_frame: frames::check_response::<R>,
            response_body: frame::response_body::<R>,
        }
    }
}

/// The API with this key.
#[must_use]
pub fn find(key: i16) -> Option<&'static Api> {
    all().iter().find(|api| api.key.value() == key)
}

/// All APIs of the crate.
#[must_use]
pub fn all() -> &'static [Api] {
    macro_rules! table {
        ($($module:ident $request:ident $((alone))?;)*) => {
            vec![$(
                Api::of::<kafka_client_protocol::api::$module::$request>(stringify!($module)),
            )*]
        };
    }
    static ALL: std::sync::OnceLock<Vec<Api>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| list::for_each_api!(table))
}
