//! Output without what is different every time.

use std::collections::BTreeSet;

/// The lines of a program's output, without its warnings and the places in its code, in an order of
/// their own, and with a mark in place of addresses, ids, paths, dates, large numbers and the words of
/// errors: each broker has its own.
pub(crate) fn lines(text: &str, address: &str) -> Vec<String> {
    let (host, port) = address.rsplit_once(':').unwrap();
    let told = text.lines().filter(|line| {
        let is_log = ["WARN", "INFO", "StatusLogger", "SLF4J", "log4j"];
        let is_place = line.trim_start().starts_with("at ");
        !line.trim().is_empty() && !is_place && !is_log.iter().any(|word| line.contains(word))
    });
    let lines: BTreeSet<String> = told
        .map(|line| {
            // A time of day comes before what Java logs.
            let line = line
                .split_once(" main ERROR ")
                .map_or(line, |(_, line)| line);
            let line = without_words_of_an_error(line);
            let line = line.replace(&format!("{host}:{port}"), "ADDRESS");
            let words = line.split_inclusive([' ', '\t', ',', ':', '"', '(', ')', '[', ']', '=']);
            let line = words.map(word).collect::<String>();
            // Columns are as wide as what is in them.
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    lines.into_iter().collect()
}

/// What kind of error it is stays.
fn without_words_of_an_error(line: &str) -> &str {
    for begin in ["Exception: ", "Error while executing topic command : "] {
        if let Some(at) = line.rfind(begin) {
            return &line[..at + begin.len()];
        }
    }
    match line
        .strip_prefix("Could not ")
        .and_then(|rest| rest.split_once(". "))
    {
        Some((_, why)) => &line[..line.len() - why.len()],
        None => line,
    }
}

fn word(word: &str) -> String {
    let end = word.trim_end_matches([' ', '\t', ',', ':', '"', '(', ')', '[', ']', '=']);
    let rest = &word[end.len()..];
    let is_id = end.len() == 22 && end.bytes().any(|byte| byte.is_ascii_uppercase());
    let is_path = end.starts_with("/tmp/") || end.starts_with("/var/");
    let is_large = end.len() >= 10 && end.bytes().all(|byte| byte.is_ascii_digit());
    // `consumer-x-0c8f…` and its like.
    let is_member = end.len() > 36 && end.matches('-').count() >= 4;
    let is_port =
        !end.is_empty() && rest.is_empty() && end.parse::<u16>().is_ok_and(|port| port > 20_000);
    let mark = if is_path {
        "PATH"
    } else if is_id {
        "ID"
    } else if is_large {
        "NUMBER"
    } else if is_member {
        "MEMBER"
    } else if is_port {
        "PORT"
    } else {
        end
    };
    format!("{mark}{rest}")
}

#[test]
fn what_is_made_up_is_marked_and_the_rest_stays() {
    let text = "Topic: t\tTopicId: 8qGOSvvVT8qUXSsuy1n6yQ  PartitionCount: 1\n\
                [2026-01-01 00:00:00,000] WARN something\nit is at 127.0.0.1:4711 in /tmp/kafka-x/data";
    assert_eq!(
        lines(text, "127.0.0.1:4711"),
        [
            "Topic: t TopicId: ID PartitionCount: 1",
            "it is at ADDRESS in PATH"
        ]
    );
}
