//! The table of error codes against the one of Apache Kafka: `tests/golden/error_codes.txt`.

use std::collections::{BTreeMap, BTreeSet};

use kafka_client_protocol::{ErrorClass, ErrorCode};

use crate::golden::lines;

/// Codes that Kafka 4.3.1, of which the golden file is, does not have.
const LATER: &[(ErrorCode, &str)] = &[
    (ErrorCode::GROUP_DELETION_FAILED, "of Kafka 4.4 (KIP-1331)"),
    (
        ErrorCode::STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED,
        "of Kafka 4.4 (KIP-1331)",
    ),
    (
        ErrorCode::CONTROLLER_ID_NOT_REGISTERED,
        "of Kafka 4.4 (KIP-1312)",
    ),
];

#[test]
fn the_table_of_error_codes_is_that_of_apache_kafka() {
    let mut kafka = BTreeMap::new();
    for line in lines("error_codes.txt", 3) {
        let [code, name, exception] = &line[..] else {
            panic!("three words a line: {line:?}");
        };
        let class = match exception.as_str() {
            "InvalidMetadataException" => ErrorClass::RefreshMetadata,
            "RefreshRetriableException" => ErrorClass::RefreshCoordinator,
            "RetriableException" => ErrorClass::Retriable,
            "-" => ErrorClass::Final,
            other => panic!("{other} is no class of exceptions"),
        };
        kafka.insert(code.parse().unwrap(), (name.clone(), class));
    }
    let mut ours: BTreeMap<i16, (String, ErrorClass)> = (i16::MIN..=i16::MAX)
        .map(ErrorCode::new)
        .filter_map(|code| Some((code.code(), (code.name()?.to_owned(), code.class()))))
        .collect();
    for (later, _) in LATER {
        let (name, class) = ours.remove(&later.code()).unwrap();
        assert_eq!(class, ErrorClass::Final, "{name}");
    }
    let known: BTreeSet<i16> = ours.keys().chain(kafka.keys()).copied().collect();
    for code in known {
        assert_eq!(ours.get(&code), kafka.get(&code), "{code}");
    }
}

/// The text stands after the name, and says more than it.
#[test]
fn every_error_code_has_a_text() {
    let unknown = ErrorCode::new(999);
    assert_eq!(unknown.name(), None);
    for code in (i16::MIN..=i16::MAX).map(ErrorCode::new) {
        if let Some(name) = code.name() {
            assert_ne!(code.text(), unknown.text(), "{name}");
            assert!(code.text().contains(' '), "{name}");
        }
    }
}
