//! The maps from lessons and promises to tests stay whole: `LESSONS.md` beside this file, and the chapters
//! `kafka_client::guarantees`, `kafka_client::consuming`, `kafka_client::securing`, `kafka_client::services` and
//! `kafka_client::failing`. Every test that they name exists, and what must have one does.
#![expect(clippy::unwrap_used, reason = "a map that cannot be read has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a row may say in place of a test, of those that must have one.
const EXCUSES: [&str; 2] = ["several brokers", "transactions"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of the tests in a source text: functions with such an attribute, and those that
/// `behaviours!` makes tests of.
fn tests_of(source: &str) -> BTreeSet<&str> {
    let mut tests = BTreeSet::new();
    let (mut attribute, mut behaviours) = (false, false);
    for line in source.lines().map(str::trim) {
        if behaviours {
            behaviours = line != "];";
            tests.extend(line.strip_suffix(','));
        }
        behaviours |= line == "behaviours![";
        attribute |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let function = line.strip_prefix("async ").unwrap_or(line);
        if let Some(function) = function.strip_prefix("fn ") {
            let name = function.split(['(', '<']).next();
            tests.extend(name.filter(|_| attribute));
            attribute = false;
        }
    }
    tests
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A row of `LESSONS.md`.
struct Row {
    part: char,
    number: u32,
    shown_by: String,
}

impl Row {
    /// The tests it names, each with its file.
    fn tests(&self) -> Vec<(&str, &str)> {
        let mut file = None;
        let mut tests = Vec::new();
        for name in quoted(&self.shown_by) {
            if name.contains('/') {
                file = Some(name);
            } else {
                let file = file.unwrap_or_else(|| panic!("{self}: {name} has no file before it"));
                tests.push((file, name));
            }
        }
        tests
    }

    /// Whether it is about producers or connections, which have been gone through.
    fn must_be_shown(&self) -> bool {
        match self.part {
            'A' => matches!(self.number, 1..=29 | 70..=88),
            _ => self.number <= 34,
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "part {}, {}", self.part, self.number)
    }
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("integration/tests/LESSONS.md")).unwrap();
    let mut part = ' ';
    let mut rows = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## Part ") {
            part = title.chars().next().unwrap();
        }
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        if let ["", number, lesson, shown_by, ""] = columns[..]
            && let Ok(number) = number.parse()
        {
            assert!(!lesson.is_empty() && !shown_by.is_empty(), "{line}");
            let shown_by = shown_by.to_owned();
            rows.push(Row {
                part,
                number,
                shown_by,
            });
        }
    }
    rows
}

#[test]
fn every_test_that_the_lessons_name_exists() {
    let mut missing = Vec::new();
    for row in rows() {
        for (file, name) in row.tests() {
            let source = fs::read_to_string(root().join(file)).unwrap_or_default();
            if !tests_of(&source).contains(name) {
                missing.push(format!("{row}: {file}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn no_lesson_is_left_out() {
    let rows = rows();
    for (part, last) in [('A', 88), ('B', 60)] {
        let rows = rows.iter().filter(|row| row.part == part);
        let numbers: Vec<_> = rows.map(|row| row.number).collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "part {part}");
    }
    for row in rows.iter().filter(|row| row.must_be_shown()) {
        let excused = EXCUSES
            .iter()
            .any(|excuse| row.shown_by.starts_with(excuse));
        assert!(excused || !row.tests().is_empty(), "{row} is not shown");
    }
}

/// The items of lists in the documentation of a module, each in one line.
fn statements(source: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    for line in source.lines() {
        if let Some(begin) = line.strip_prefix("//! - ") {
            statements.push(begin.to_owned());
        } else if let (Some(more), Some(last)) =
            (line.strip_prefix("//!   "), statements.last_mut())
        {
            last.push(' ');
            last.push_str(more);
        }
    }
    statements
}

#[test]
fn every_guarantee_names_a_test_that_exists() {
    let chapters = [
        ("guarantees", 30),
        ("consuming", 30),
        ("securing", 15),
        ("services", 10),
        ("failing", 10),
    ];
    let chapters = chapters.map(|(name, least)| {
        let chapter = root().join(format!("kafka-client/src/{name}.rs"));
        let statements = statements(&fs::read_to_string(chapter).unwrap());
        assert!(statements.len() > least, "{statements:#?}");
        statements
    });
    for statement in chapters.into_iter().flatten() {
        let named: Vec<_> = statement.split("(test: ").skip(1).collect();
        let excused = statement.contains("(needs several brokers to show)");
        assert!(excused || !named.is_empty(), "no test: {statement}");
        for test in named {
            let mut quoted = quoted(test);
            let (file, name) = (quoted.next().unwrap_or_default(), quoted.next());
            let source = fs::read_to_string(root().join(file)).unwrap_or_default();
            let name = name.unwrap_or_default();
            assert!(
                tests_of(&source).contains(name),
                "{file}: {name}: {statement}"
            );
        }
    }
}

#[test]
fn only_tests_count_as_tests() {
    let source = "
        behaviours![
            arrives,
        ];
        async fn arrives(cluster: &TestCluster) {}
        fn helps() {}
        #[test]
        #[ignore]
        fn works() {}
        #[tokio::test(start_paused = true)]
        async fn waits() { fn inner() {} }
        fn helps_too<T>() {}
    ";
    let tests = tests_of(source);
    assert_eq!(tests, BTreeSet::from(["arrives", "waits", "works"]));
    let listed = statements("//! - one\n//!   (test: `a`)\n//!\n//! no\n//! - two");
    assert_eq!(listed, ["one (test: `a`)", "two"]);
}
