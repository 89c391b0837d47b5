//! Texts in PEM: forgiving in how they are broken into lines, and silent about what is in them.

use rustls::pki_types::pem;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The same with lines as PEM has them. Properties and environment variables often hold all on one line, or
/// with `\\n` for the ends of lines; Kafka takes the former as well.
pub(super) fn unfold(pem: &[u8]) -> Zeroizing<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(pem) else {
        return Zeroizing::new(pem.to_vec());
    };
    let text = Zeroizing::new(text.replace("\\r", "").replace("\\n", "\n"));
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 64));
    let mut rest = text.as_str();
    while let Some(section) = Section::first(rest) {
        lines.push_str(&rest[..section.begin]);
        if !lines.is_empty() && !lines.ends_with('\n') {
            lines.push('\n');
        }
        lines.push_str(section.head);
        lines.push('\n');
        // Headers, as OpenSSL's own form of encrypted keys has them, need their lines.
        match section.body.contains(':') {
            true => lines.push_str(section.body.trim_start()),
            false => {
                for word in section.body.split_whitespace() {
                    lines.push_str(word);
                    lines.push('\n');
                }
            }
        }
        lines.push_str(section.tail);
        lines.push('\n');
        rest = section.rest;
    }
    lines.push_str(rest);
    Zeroizing::new(std::mem::take(&mut *lines).into_bytes())
}

/// A section with its two lines of dashes.
struct Section<'a> {
    /// Where it begins.
    begin: usize,
    head: &'a str,
    body: &'a str,
    tail: &'a str,
    rest: &'a str,
}

impl<'a> Section<'a> {
    fn first(text: &'a str) -> Option<Self> {
        let begin = text.find(BEGIN)?;
        let head = text[begin + BEGIN.len()..].find(DASHES)? + begin + BEGIN.len() + DASHES.len();
        let end = text[head..].find(END)? + head;
        let tail = text[end + END.len()..].find(DASHES)? + end + END.len() + DASHES.len();
        Some(Self {
            begin,
            head: &text[begin..head],
            body: &text[head..end],
            tail: &text[end..tail],
            rest: &text[tail..],
        })
    }
}

/// What is wrong, without the bytes: the library shows those that it stumbles over, and they may be a key's.
pub(super) fn reason(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "a section has no line of -----END ..-----, or not the one of its beginning".to_owned()
        }
        pem::Error::IllegalSectionStart { .. } => {
            "a line of -----BEGIN ..----- is malformed".to_owned()
        }
        pem::Error::Base64Decode(_) => {
            "what is between the lines of dashes is no base64".to_owned()
        }
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "no such section is in it".to_owned(),
        _ => "it is malformed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolded(text: &str) -> String {
        String::from_utf8(unfold(text.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn one_line_becomes_lines() {
        let lines = "-----BEGIN PRIVATE KEY-----\nQUJD\nREVG\n-----END PRIVATE KEY-----\n";
        for text in [
            lines.to_owned(),
            lines.replace('\n', " "),
            lines.replace('\n', "\\n"),
            lines.replace('\n', "\r\n"),
            lines.replace('\n', "\\r\\n"),
        ] {
            assert_eq!(unfolded(&text).trim_end(), lines.trim_end(), "{text:?}");
        }
        let two = format!("{lines}{lines}");
        assert_eq!(
            unfolded(&two.replace('\n', " "))
                .matches("QUJD\nREVG\n")
                .count(),
            2
        );
        let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nQUJD\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(unfolded(encrypted).trim_end(), encrypted.trim_end());
        for text in [
            "",
            "hello",
            "-----BEGIN X",
            "-----BEGIN X-----",
            "-----BEGIN X-----a-----END X",
        ] {
            assert_eq!(unfolded(text), text);
        }
    }
}
