//! Records of `__consumer_offsets` and `__transaction_state`. The input is a byte of options, the
//! length of the key in two bytes, the key and the value.

use std::fmt::Debug;

use bytes::Bytes;
use kafka_client_protocol::internal_topics::KeyValue;
use kafka_client_protocol::internal_topics::consumer_offsets::ConsumerOffsetsRecord;
use kafka_client_protocol::internal_topics::transaction_state::TransactionStateRecord;
use kafka_client_protocol::{DecodeError, EncodeError};

use crate::{memory, messages};

const TRANSACTION_STATE: u8 = 1;
/// The record has no value.
const NULL: u8 = 2;

/// A record of `__consumer_offsets`, or else of `__transaction_state`, as input of [`run`].
#[must_use]
pub fn input(consumer_offsets: bool, key: &[u8], value: Option<&[u8]>) -> Vec<u8> {
    let mut options = 0;
    if !consumer_offsets {
        options |= TRANSACTION_STATE;
    }
    if value.is_none() {
        options |= NULL;
    }
    let length = (key.len() as u16).to_be_bytes();
    [&[options], &length[..], key, value.unwrap_or_default()].concat()
}

pub fn run(input: &[u8]) {
    let Some((&[options, high, low], rest)) = input.split_first_chunk() else {
        return;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (key, value) = rest.split_at(length.min(rest.len()));
    let key = Bytes::copy_from_slice(key);
    let value = (options & NULL == 0).then(|| Bytes::copy_from_slice(value));
    if options & TRANSACTION_STATE == 0 {
        let (decode, encode) = (ConsumerOffsetsRecord::decode, ConsumerOffsetsRecord::encode);
        check(decode, encode, (key, value));
    } else {
        let (decode, encode) = (
            TransactionStateRecord::decode,
            TransactionStateRecord::encode,
        );
        check(decode, encode, (key, value));
    }
}

fn check<R: PartialEq + Debug>(
    decode: impl Fn(Bytes, Option<Bytes>) -> Result<R, DecodeError>,
    encode: impl Fn(&R) -> Result<KeyValue, EncodeError>,
    (key, value): KeyValue,
) {
    let value_length = value.as_ref().map_or(0, Bytes::len);
    let limit = memory::of_message(key.len()) + memory::of_message(value_length);
    let record = match memory::bounded(limit, || decode(key, value)) {
        Ok(record) => record,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let (key, value) = encode(&record).expect("what was read can be written");
    let shorter = value.as_ref().map_or(0, Bytes::len) < value_length;
    match decode(key.clone(), value.clone()) {
        Ok(again) => {
            assert_eq!(again, record);
            assert_eq!(encode(&again), Ok((key, value)));
        }
        // Lengths need not be as short as they can be; with fewer bytes goes a lower limit.
        Err(error) if shorter && messages::is_too_much_memory(&error) => {}
        Err(error) => panic!("what was written does not read back: {error}"),
    }
}
