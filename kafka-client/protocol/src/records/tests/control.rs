//! Control records that are not what they should be; those that are stand in the golden file.

use super::*;

/// A control record with this key and value, decoded.
fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<ControlRecord, RecordError> {
    let record = TestRecord {
        timestamp: 1,
        key: key.map(<[u8]>::to_vec),
        value: value.map(<[u8]>::to_vec),
        headers: Vec::new(),
    };
    let how = Seal {
        control: true,
        ..Seal::default()
    };
    let batch = Batch::new(Bytes::from(seal(&[record], &how))).unwrap();
    let cursor = batch.records(CAP).unwrap();
    let record = cursor.iter().next().unwrap().unwrap();
    ControlRecord::decode(&record)
}

fn reason(key: Option<&[u8]>, value: Option<&[u8]>) -> String {
    decode(key, value).unwrap_err().to_string()
}

const COMMIT: &[u8] = &[0, 0, 0, 1];
const LEADER_CHANGE: &[u8] = &[0, 0, 0, 2];

#[test]
fn types_are_kafkas_numbers() {
    for id in 0..7 {
        let known = ControlRecordType::from_id(id);
        assert_eq!(known.id(), id);
        assert_ne!(known, ControlRecordType::Unknown(id));
    }
    for id in [i16::MIN, -1, 7, i16::MAX] {
        assert_eq!(
            ControlRecordType::from_id(id),
            ControlRecordType::Unknown(id)
        );
        assert_eq!(ControlRecordType::from_id(id).id(), id);
    }
}

#[test]
fn an_unknown_type_keeps_its_number_and_value() {
    let record = decode(Some(&[0, 0, 0, 9]), Some(b"later")).unwrap();
    let expected = ControlRecord::Other {
        record_type: ControlRecordType::Unknown(9),
        value: Some(Bytes::from_static(b"later")),
    };
    assert_eq!(record, expected);
}

#[test]
fn later_versions_are_read_like_the_last_known() {
    let marker = EndTransactionMarker {
        coordinator_epoch: 258,
    };
    let key = [0, 5, 0, 1, 77];
    let value = [0, 5, 0, 0, 1, 2, 99, 99];
    assert_eq!(
        decode(Some(&key), Some(&value)),
        Ok(ControlRecord::Commit(marker))
    );

    let change = LeaderChangeMessage {
        version: 1,
        leader_id: 4,
        voters: vec![Voter {
            voter_id: 4,
            voter_directory_id: crate::types::Uuid([7; 16]),
            ..Default::default()
        }],
        granting_voters: Vec::new(),
        ..Default::default()
    };
    let mut value = crate::message::Message::encode(&change, 1)
        .unwrap()
        .to_vec();
    value[1] = 8;
    value.extend(b"more");
    let read = decode(Some(LEADER_CHANGE), Some(&value)).unwrap();
    let expected = LeaderChangeMessage {
        version: 8,
        ..change
    };
    assert_eq!(read, ControlRecord::LeaderChange(expected));
}

#[test]
fn what_is_no_control_record_is_refused() {
    assert_eq!(reason(None, Some(b"")), "control record: no key");
    assert_eq!(reason(Some(COMMIT), None), "control record: no value");
    for cut in 0..4 {
        let cut = &COMMIT[..cut];
        assert_eq!(
            reason(Some(cut), Some(b"")),
            "control record: key is cut short"
        );
    }
    assert_eq!(
        reason(Some(&[0xff, 0xfe, 0, 1]), Some(b"")),
        "control record: key has version -2"
    );
    let marker = [0, 0, 0, 0, 0, 9];
    for cut in 0..6 {
        assert_eq!(
            reason(Some(COMMIT), Some(&marker[..cut])),
            "control record: end of a transaction is cut short"
        );
    }
    assert_eq!(
        reason(Some(COMMIT), Some(&[0xff, 0xff, 0, 0, 0, 9])),
        "control record: end of a transaction has version -1"
    );
    let change = [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0, 1, 0];
    assert!(decode(Some(LEADER_CHANGE), Some(&change)).is_ok());
    for cut in 0..change.len() {
        let error = decode(Some(LEADER_CHANGE), Some(&change[..cut])).unwrap_err();
        assert!(
            matches!(error, RecordError::BadControlRecord { .. }),
            "cut at {cut}: {error:?}"
        );
    }
    assert_eq!(
        reason(Some(LEADER_CHANGE), Some(&[0x80, 0, 0, 0])),
        "control record: leader change has version -32768"
    );
}

#[test]
fn a_leader_change_is_written_in_its_version() {
    let voter = Voter {
        voter_id: 1,
        voter_directory_id: crate::types::Uuid([1; 16]),
        ..Default::default()
    };
    for version in [0, 2] {
        let change = ControlRecord::LeaderChange(LeaderChangeMessage {
            version,
            leader_id: 1,
            voters: vec![voter.clone()],
            granting_voters: Vec::new(),
            ..Default::default()
        });
        let error = change.seal(1, &Seal::default()).unwrap_err();
        assert!(
            matches!(error, RecordError::BadControlRecord { .. }),
            "version {version}: {error:?}"
        );
    }
}

proptest! {
    #[test]
    fn no_control_record_panics(kind in 0..9_i16, value: Vec<u8>) {
        let key = [&[0, 0], &kind.to_be_bytes()[..]].concat();
        let _ = decode(Some(&key), Some(&value));
    }
}
