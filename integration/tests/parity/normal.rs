//! Answers without what two brokers may make up differently.

use std::collections::HashMap;

/// The names that a broker has made up, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Normal {
    known: HashMap<String, usize>,
    /// What is written belongs to an error.
    is_error: bool,
}

/// Fields with something made up: equal ones stay equal.
const MADE_UP: &[&str] = &[
    "topic_id",
    "member_id",
    "leader",
    "producer_id",
    "session_id",
    "client_instance_id",
    "subscription_id",
    "directory_id",
    "group_instance_id",
];
/// Fields that are different on every machine.
const OF_THE_MACHINE: &[&str] = &[
    "host",
    "port",
    "client_host",
    "cluster_id",
    "broker_epoch",
    "log_dir",
    "total_bytes",
    "usable_bytes",
    "documentation",
];
/// Fields with a text for people.
const TEXTS: &[&str] = &["error_message", "batch_index_error_message"];
/// Fields with a moment.
const TIMES: &[&str] = &[
    "last_timestamp",
    "log_append_time_ms",
    "issue_timestamp_ms",
    "expiry_timestamp_ms",
];

impl Normal {
    /// The lines of an answer in `{:#?}` form.
    pub(crate) fn lines(&mut self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut pending = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.starts_with("unknown_tagged_fields") {
                continue;
            }
            // `{:#?}` writes an option of a text over three lines.
            if let Some(start) = pending.take() {
                let start: String = start;
                if trimmed == ")," {
                    lines.push(self.field(&start));
                } else {
                    pending = Some(format!("{start}{}", trimmed.trim_end_matches(',')));
                }
                continue;
            }
            if trimmed.ends_with(": Some(") {
                pending = Some(format!("{line} "));
                continue;
            }
            lines.push(self.field(line));
        }
        lines
    }

    fn field(&mut self, line: &str) -> String {
        let Some((name, value)) = line.split_once(": ") else {
            return line.to_owned();
        };
        let field = name.trim();
        let value = value.trim_end_matches(',');
        let is_set = value != "None";
        if field.ends_with("error_code") {
            self.is_error = value != "0";
        }
        let shown = if TEXTS.contains(&field) {
            match value {
                // Where Apache Kafka has nothing to say, the reference broker often has.
                _ if self.is_error => "of an error".to_owned(),
                "None" => "none".to_owned(),
                "Some( \"\"" => "empty".to_owned(),
                _ => "a text".to_owned(),
            }
        } else if OF_THE_MACHINE.contains(&field) {
            if is_set { "set" } else { "none" }.to_owned()
        } else if TIMES.contains(&field) && !value.starts_with('-') {
            "a time".to_owned()
        } else if MADE_UP.contains(&field) {
            self.made_up(field, value)
        } else {
            value.to_owned()
        };
        format!("{name}: {shown}")
    }

    fn made_up(&mut self, field: &str, value: &str) -> String {
        let is_nothing = matches!(value, "None" | "\"\"" | "-1")
            || (value == "0" && field != "producer_id")
            || value.contains("AAAAAAAAAAAAAAAAAAAAAA");
        if is_nothing {
            return value.to_owned();
        }
        let number = self.known.len() + 1;
        let number = self.known.entry(value.to_owned()).or_insert(number);
        format!("{field} {number}")
    }
}

/// Both transcripts where they differ, with a little of what is around; `None` if they are the same.
pub(crate) fn difference(expected: &[String], got: &[String]) -> Option<String> {
    const AROUND: usize = 7;
    if expected == got {
        return None;
    }
    let (rows, columns) = (expected.len(), got.len());
    // The longest common subsequence of what is left.
    let mut longest = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            longest[row][column] = if expected[row] == got[column] {
                longest[row + 1][column + 1] + 1
            } else {
                longest[row + 1][column].max(longest[row][column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut lines: Vec<(char, &str)> = Vec::new();
    while row < rows || column < columns {
        if row < rows && column < columns && expected[row] == got[column] {
            lines.push((' ', &expected[row]));
            (row, column) = (row + 1, column + 1);
        } else if column == columns
            || (row < rows && longest[row + 1][column] >= longest[row][column + 1])
        {
            lines.push(('-', &expected[row]));
            row += 1;
        } else {
            lines.push(('+', &got[column]));
            column += 1;
        }
    }
    let is_near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        let to = (at + AROUND + 1).min(lines.len());
        lines[from..to].iter().any(|(sign, _)| *sign != ' ')
    };
    let near = (0..lines.len()).filter(|at| is_near(*at));
    let shown: Vec<String> = near
        .map(|at| format!("  {}{}", lines[at].0, lines[at].1))
        .collect();
    Some(shown.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_is_numbered_and_the_rest_stays() {
        let mut normal = Normal::default();
        let text = "A {\n    error_code: 3,\n    member_id: \"x-1\",\n    leader: \"x-1\",\n    \
                    error_message: Some(\n        \"why\",\n    ),\n    host: \"h\",\n}";
        let lines = normal.lines(text);
        assert_eq!(
            lines,
            [
                "A {",
                "    error_code: 3",
                "    member_id: member_id 1",
                "    leader: leader 1",
                "    error_message: of an error",
                "    host: set",
                "}",
            ]
        );
    }

    #[test]
    fn a_difference_shows_both_sides() {
        let of = |lines: &[&str]| {
            lines
                .iter()
                .map(|line| (*line).to_owned())
                .collect::<Vec<_>>()
        };
        let (a, b) = (of(&["one", "two", "three"]), of(&["one", "2", "three"]));
        assert_eq!(difference(&a, &a), None);
        assert_eq!(
            difference(&a, &b).unwrap(),
            "   one\n  -two\n  +2\n   three"
        );
    }
}
