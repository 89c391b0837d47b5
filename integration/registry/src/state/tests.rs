use kafka_client_formats::compatibility::Level;
use kafka_client_formats::schema::Schema;

use super::{Mode, State};
use crate::entry::Entry;

fn apply(state: &mut State, entries: impl IntoIterator<Item = Entry>) {
    for entry in entries {
        let value = entry.value.as_deref().map(str::as_bytes);
        state.apply(entry.key.as_bytes(), value);
    }
}

/// Registers; gives version and id, or the code of the error.
fn register(state: &mut State, subject: &str, schema: &Schema) -> Result<(i32, i32), u32> {
    let change = state
        .register(subject, schema)
        .map_err(|error| error.code)?;
    apply(state, change.entry);
    Ok((change.version, change.stored.id))
}

fn record(fields: &str) -> Schema {
    Schema::avro(format!(
        r#"{{"type":"record","name":"R","fields":[{fields}]}}"#
    ))
}

const A: &str = r#"{"name":"a","type":"int"}"#;
const AB: &str = r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#;
const AB_DEFAULT: &str = r#"{"name":"a","type":"int"},{"name":"b","type":"int","default":0}"#;

#[test]
fn versions_count_in_subjects_and_ids_in_contexts() {
    let mut state = State::default();
    let state = &mut state;
    assert_eq!(register(state, "s", &record(A)), Ok((1, 1)));
    assert_eq!(register(state, "s", &record(AB_DEFAULT)), Ok((2, 2)));
    // The same again is the same, also with other spaces.
    let spaced = Schema::avro(record(A).text.replace(':', " : "));
    assert_eq!(register(state, "s", &spaced), Ok((1, 1)));
    assert_eq!(register(state, "t", &record(AB_DEFAULT)), Ok((1, 2)));
    assert_eq!(register(state, ":.c:s", &record(AB_DEFAULT)), Ok((1, 1)));
    assert_eq!(state.by_id(1, "").unwrap(), &record(A));
    assert_eq!(state.by_id(1, ":.c:").unwrap(), &record(AB_DEFAULT));
    assert_eq!(state.contexts(), [".", ".c"]);
    assert_eq!(state.users(2, "", false), [("s", 2), ("t", 1)]);
}

#[test]
fn levels_decide_what_may_follow() {
    let mut state = State::default();
    let state = &mut state;
    register(state, "s", &record(A)).unwrap();
    assert_eq!(register(state, "s", &record(AB)), Err(409));
    let error = state.register("s", &record(AB)).unwrap_err();
    assert!(
        error.message.contains("/b: the writer does not have it"),
        "{}",
        error.message
    );
    let entry = state.set_level(Some("s"), Some(Level::Forward));
    apply(state, [entry]);
    assert_eq!(register(state, "s", &record(AB)), Ok((2, 2)));
    let entry = state.set_level(None, Some(Level::None));
    apply(state, [entry]);
    assert_eq!(register(state, "s", &Schema::avro(r#""int""#)), Err(409));
    let entry = state.set_level(Some("s"), None);
    apply(state, [entry]);
    assert_eq!(register(state, "s", &Schema::json("{}")), Ok((3, 3)));
    let entry = state.set_level(None, None);
    apply(state, [entry]);
    assert_eq!(state.level(None, false), Some(Level::Backward));
    assert_eq!(register(state, "s", &record(A)), Ok((1, 1)));
    assert_eq!(register(state, "s", &Schema::avro("nonsense")), Err(42201));
    assert_eq!(register(state, "", &record(A)), Err(42208));
}

#[test]
fn deletions_are_soft_first() {
    let mut state = State::default();
    let state = &mut state;
    register(state, "s", &record(A)).unwrap();
    register(state, "s", &record(AB_DEFAULT)).unwrap();
    let code = |result: Result<_, crate::error::ApiError>| {
        result.map(|_: super::Deleted| ()).unwrap_err().code
    };
    assert_eq!(code(state.delete_subject("x", false)), 40401);
    assert_eq!(code(state.delete_subject("s", true)), 40405);
    assert_eq!(code(state.delete_version("s", 1, true)), 40407);
    assert_eq!(code(state.delete_version("s", 9, false)), 40402);
    let deleted = state.delete_version("s", 1, false).unwrap();
    apply(state, deleted.entries);
    assert_eq!(code(state.delete_version("s", 1, false)), 40406);
    assert_eq!(state.versions("s", false).unwrap(), [2]);
    assert_eq!(state.versions("s", true).unwrap(), [1, 2]);
    // Its id can be read, and it is registered anew with it.
    assert!(state.by_id(1, "").is_ok());
    let entry = state.set_level(None, Some(Level::None));
    apply(state, [entry]);
    assert_eq!(register(state, "s", &record(A)), Ok((3, 1)));
    let deleted = state.delete_subject("s", false).unwrap();
    assert_eq!(deleted.versions, [2, 3]);
    apply(state, deleted.entries);
    assert_eq!(code(state.delete_subject("s", false)), 40404);
    assert_eq!(
        (
            state.subjects("", false).len(),
            state.subjects("", true).len()
        ),
        (0, 1)
    );
    let deleted = state.delete_subject("s", true).unwrap();
    assert_eq!(deleted.versions, [1, 2, 3]);
    apply(state, deleted.entries);
    assert_eq!(state.subjects("", true).len(), 0);
    assert_eq!(state.by_id(1, "").unwrap_err().code, 40403);
}

#[test]
fn what_is_referred_to_stays() {
    let mut state = State::default();
    let state = &mut state;
    let outer = Schema::avro(r#"{"type":"array","items":"R"}"#).reference("R", "inner", 1);
    assert_eq!(register(state, "outer", &outer), Err(42201));
    register(state, "inner", &record(A)).unwrap();
    assert_eq!(register(state, "outer", &outer), Ok((1, 2)));
    assert_eq!(state.referenced_by("inner", 1), [2]);
    assert_eq!(
        state.delete_subject("inner", false).unwrap_err().code,
        42206
    );
    assert_eq!(
        state.delete_version("inner", 1, false).unwrap_err().code,
        42206
    );
    let deleted = state.delete_subject("outer", false).unwrap();
    apply(state, deleted.entries);
    assert!(state.delete_subject("inner", false).is_ok());
}

#[test]
fn nothing_changes_in_a_mode_that_only_reads() {
    let mut state = State::default();
    let state = &mut state;
    register(state, "s", &record(A)).unwrap();
    let entry = state.set_mode(None, Some(Mode::ReadOnly));
    apply(state, [entry]);
    assert_eq!(register(state, "s", &record(AB_DEFAULT)), Err(42205));
    assert_eq!(register(state, "s", &record(A)), Ok((1, 1)));
    assert_eq!(state.delete_subject("s", false).unwrap_err().code, 42205);
    let entry = state.set_mode(Some("s"), Some(Mode::ReadWrite));
    apply(state, [entry]);
    assert_eq!(register(state, "s", &record(AB_DEFAULT)), Ok((2, 2)));
}

#[test]
fn records_that_cannot_be_read_are_passed_over() {
    let mut state = State::default();
    for (key, value) in [
        ("", Some("")),
        ("{}", None),
        (r#"{"keytype":"LATER","magic":9}"#, Some("{}")),
        (
            r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#,
            Some("{}"),
        ),
        (
            r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#,
            None,
        ),
        (
            r#"{"keytype":"CONFIG","subject":"s","magic":0}"#,
            Some(r#"{"compatibilityLevel":"LATER"}"#),
        ),
    ] {
        state.apply(key.as_bytes(), value.map(str::as_bytes));
    }
    assert_eq!(state.subjects("", true).len(), 0);
    assert_eq!(state.level(Some("s"), false), None);
}
