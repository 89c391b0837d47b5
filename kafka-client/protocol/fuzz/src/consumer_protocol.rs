//! Blobs of the consumer protocol. The input is a byte, even for a subscription and odd for an
//! assignment, and the blob with its version in front.

use std::fmt::Debug;

use bytes::Bytes;
use kafka_client_protocol::Message;
use kafka_client_protocol::consumer_protocol::{self, Assignment, Subscription};

use crate::{memory, messages};

/// A subscription as input of [`run`].
#[must_use]
pub fn subscription_input(blob: &[u8]) -> Vec<u8> {
    [&[0], blob].concat()
}

/// An assignment as input of [`run`].
#[must_use]
pub fn assignment_input(blob: &[u8]) -> Vec<u8> {
    [&[1], blob].concat()
}

pub fn run(input: &[u8]) {
    let Some((&selector, blob)) = input.split_first() else {
        return;
    };
    let blob = Bytes::copy_from_slice(blob);
    if selector % 2 == 0 {
        check::<Subscription>(blob);
    } else {
        check::<Assignment>(blob);
    }
}

fn check<M: Message + PartialEq + Debug>(blob: Bytes) {
    let length = blob.len();
    let limit = memory::of_message(length);
    let message = match memory::bounded(limit, || consumer_protocol::decode::<M>(&blob)) {
        Ok(message) => message,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    // What an older version cannot say is left out, so only the highest gives everything back.
    for version in M::MIN_VERSION..=M::MAX_VERSION {
        let blob =
            consumer_protocol::encode(&message, version).expect("no field refuses a version");
        assert_eq!(blob[..2], version.to_be_bytes());
        let body = blob.slice(2..);
        let Some(again) = messages::read_back::<M>(&message, body.clone(), version, length) else {
            continue;
        };
        assert_eq!(again.encode(version).as_ref(), Ok(&body));
        if version == M::MAX_VERSION {
            assert_eq!(again, message);
        }
    }
}
