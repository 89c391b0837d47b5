//! When the id is settled, and what happens before.

use kafka_client_formats::codec::{CodecErrorKind, IdIn, Register, Settings};
use kafka_client_formats::json_schema::JsonSchema;
use kafka_client_formats::registry::RegistryErrorKind;
use kafka_client_formats::schema::Schema;
use kafka_client_formats::subject::{Naming, Part};
use kafka_client_formats::wire::{Encoded, KEY_HEADER, SchemaId};

use crate::memory::{Memory, guid};

type Numbers = JsonSchema<Vec<u32>>;

fn schema() -> Schema {
    Schema::json(r#"{"title":"Numbers","type":"array"}"#)
}

#[tokio::test]
async fn it_is_registered_when_that_is_wanted() {
    for (register, prepared, written) in [
        (
            Register::AtStart,
            &["register t-value"][..],
            &["register t-value"][..],
        ),
        (Register::AtFirstSend, &[], &["register t-value"]),
        (Register::Never, &["look up t-value"], &["look up t-value"]),
        (
            Register::UseLatest,
            &["latest t-value"],
            &["latest t-value"],
        ),
    ] {
        let registry = Memory::new();
        if matches!(register, Register::Never | Register::UseLatest) {
            registry.put("t-value", schema());
        }
        let settings = Settings::new("t").register(register);
        let codec = Numbers::new(registry.clone(), schema(), settings).unwrap();
        codec.prepare().await.unwrap();
        codec.prepare().await.unwrap();
        assert_eq!(registry.asked(), prepared, "{register:?}");
        let mut out = b"before".to_vec();
        if register == Register::AtFirstSend {
            let error = codec.encode(&vec![1], &mut out).unwrap_err();
            assert_eq!(error.kind(), CodecErrorKind::NotPrepared);
        }
        codec.write(&vec![1, 2], &mut out).await.unwrap();
        codec.write(&vec![], &mut out).await.unwrap();
        assert_eq!(
            out, b"before\0\0\0\0\x01[1,2]\0\0\0\0\x01[]",
            "{register:?}"
        );
        assert_eq!(registry.asked(), written, "{register:?}");
    }
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_an_error_that_names_the_subject() {
    let codec = Numbers::new(Memory::new(), schema(), Settings::new("t")).unwrap();
    let error = codec.encode(&vec![], &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), CodecErrorKind::NotPrepared);
    let error = codec.prepare().await.unwrap_err();
    assert_eq!(error.kind(), CodecErrorKind::Registry);
    assert_eq!(
        error.as_registry().unwrap().kind(),
        RegistryErrorKind::NotFound
    );
    assert!(error.to_string().contains("subject t-value"), "{error}");
}

#[tokio::test]
async fn subjects_are_named_as_it_is_set() {
    let subject = |settings: Settings| {
        let codec = Numbers::new(Memory::new(), schema(), settings).unwrap();
        codec.subject().to_owned()
    };
    let settings = || Settings::new("t").part(Part::Key);
    assert_eq!(subject(settings()), "t-key");
    assert_eq!(subject(settings().naming(Naming::Record)), "Numbers");
    assert_eq!(subject(settings().naming(Naming::TopicRecord)), "t-Numbers");
    let settings = settings().naming(Naming::Record);
    let error = Numbers::new(Memory::new(), Schema::json("{}"), settings).unwrap_err();
    assert!(error.to_string().contains("has no name"), "{error}");
}

#[tokio::test]
async fn ids_are_written_where_it_is_set_and_read_everywhere() {
    let registry = Memory::new();
    let codec = |id_in| {
        let settings = Settings::new("t")
            .part(Part::Key)
            .register(Register::AtStart);
        Numbers::new(registry.clone(), schema(), settings.id_in(id_in)).unwrap()
    };
    let mut prefix = Vec::new();
    SchemaId::Guid(guid(1)).encode(&mut prefix);
    let reader = codec(IdIn::Payload);
    for (id_in, bytes, header) in [
        (IdIn::Payload, b"\0\0\0\0\x01[7]".to_vec(), None),
        (IdIn::PayloadGuid, [&prefix[..], b"[7]"].concat(), None),
        (
            IdIn::Header,
            b"[7]".to_vec(),
            Some((KEY_HEADER, prefix.clone())),
        ),
    ] {
        let codec = codec(id_in);
        assert_eq!(
            codec.header().unwrap_err().kind(),
            CodecErrorKind::NotPrepared
        );
        codec.prepare().await.unwrap();
        let mut out = Vec::new();
        codec.encode(&vec![7], &mut out).unwrap();
        assert_eq!(
            (&out, &codec.header().unwrap()),
            (&bytes, &header),
            "{id_in:?}"
        );
        let header = header.as_ref().map(|(_, header)| header.as_slice());
        let encoded = Encoded::new(&out).header(header);
        assert_eq!(reader.read(encoded).await.unwrap(), [7], "{id_in:?}");
        assert_eq!(reader.decode(encoded).unwrap(), [7], "{id_in:?}");
    }
}

#[tokio::test]
async fn schemas_of_writers_are_read_once() {
    let registry = Memory::new();
    registry.put("t-value", schema());
    let codec = Numbers::new(registry.clone(), schema(), Settings::new("t")).unwrap();
    let bytes = b"\0\0\0\0\x01[1]".to_vec();
    let error = codec.decode(&bytes).unwrap_err();
    assert_eq!(error.kind(), CodecErrorKind::NotLoaded(SchemaId::Id(1)));
    codec.load(&bytes).await.unwrap();
    for _ in 0..3 {
        assert_eq!(codec.decode(&bytes).unwrap(), [1]);
        assert_eq!(codec.read(&bytes).await.unwrap(), [1]);
    }
    assert_eq!(registry.asked(), ["schema id 1"]);
    // One that is not there may come.
    let later = b"\0\0\0\0\x02[1]".to_vec();
    assert_eq!(
        codec.read(&later).await.unwrap_err().kind(),
        CodecErrorKind::Registry
    );
    registry.put("other", schema());
    codec.read(&later).await.unwrap();
}

#[tokio::test]
async fn bytes_of_others_are_errors() {
    let registry = Memory::new();
    let avro = registry.put("t-value", Schema::avro(r#""int""#));
    assert_eq!(avro, 1);
    let codec = Numbers::new(registry, schema(), Settings::new("t")).unwrap();
    for (bytes, kind, words) in [
        (&b"[1]"[..], CodecErrorKind::Wire, "without a registry"),
        (b"", CodecErrorKind::Wire, "too few"),
        (
            b"\0\0\0\0\x01\x02",
            CodecErrorKind::Schema,
            "AVRO, and JSON is wanted",
        ),
        (b"\0\0\0\0\x09[]", CodecErrorKind::Registry, "not there"),
    ] {
        let error = codec.read(bytes).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.subject(), "t-value");
    }
}
