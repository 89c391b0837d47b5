//! The one line of JAAS that Kafka's `sasl.jaas.config` holds:
//! `package.LoginModule required name="value" .. ;`.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// A login module's options.
pub(crate) type Options = BTreeMap<String, Zeroizing<String>>;

/// The options of a line; or what is wrong with it, without its values, for they are secrets.
pub(crate) fn options(line: &str) -> Result<Options, String> {
    let mut words = Words(line.trim());
    let wrong = |what: &str| Err(what.to_owned());
    match words.next()? {
        Some(Word::Bare(_)) => {}
        _ => return wrong("must begin with the class of a login module"),
    }
    match words.next()? {
        Some(Word::Bare(flag))
            if ["required", "requisite", "sufficient", "optional"]
                .contains(&flag.to_ascii_lowercase().as_str()) => {}
        _ => return wrong("must have `required` after the class"),
    }
    let mut options = Options::new();
    loop {
        let name = match words.next()? {
            Some(Word::Bare(name)) => name,
            Some(Word::End) if words.0.trim().is_empty() => return Ok(options),
            Some(Word::End) => return wrong("must have one login module only"),
            None => return wrong("must end with a semicolon"),
            _ => return wrong("must have name=\"value\" after `required`"),
        };
        match words.next()? {
            Some(Word::Equals) => {}
            // Not which: a password with a blank that has no quotes is taken for a name.
            _ => return wrong("has no = after an option's name"),
        }
        let value = match words.next()? {
            Some(Word::Bare(value)) => value.to_owned(),
            Some(Word::Quoted(value)) => value,
            _ => return wrong("has no value after an option's name and ="),
        };
        options.insert(name.to_owned(), Zeroizing::new(value));
    }
}

enum Word<'a> {
    Bare(&'a str),
    Quoted(String),
    Equals,
    End,
}

struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<Option<Word<'a>>, String> {
        let text = self.0.trim_start();
        let Some(first) = text.chars().next() else {
            return Ok(None);
        };
        let (word, rest) = match first {
            '=' => (Word::Equals, &text[1..]),
            ';' => (Word::End, &text[1..]),
            '"' => {
                let (value, rest) = quoted(&text[1..]).ok_or("has a quote that is not closed")?;
                (Word::Quoted(value), rest)
            }
            _ => {
                let end = text
                    .find(|c: char| c.is_whitespace() || "=;\"".contains(c))
                    .unwrap_or(text.len());
                (Word::Bare(&text[..end]), &text[end..])
            }
        };
        self.0 = rest;
        Ok(Some(word))
    }
}

/// What stands up to the closing quote, a backslash before a character standing for it, and the rest.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            next => value.push(next),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_line_is_read() {
        let line = "org.apache.kafka.common.security.plain.PlainLoginModule required\n  \
                    username=\"admin\" user_alice=\"a \\\"quoted\\\" \\\\ secret;\" user_bob = plain;";
        let options = options(line).unwrap();
        let of = |name: &str| options.get(name).map(|value| value.as_str());
        assert_eq!(of("username"), Some("admin"));
        assert_eq!(of("user_alice"), Some("a \"quoted\" \\ secret;"));
        assert_eq!(of("user_bob"), Some("plain"));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for line in [
            "",
            "Module",
            "Module wanted;",
            "Module required user_a=\"hush\"",
            "Module required user_a=\"hush;",
            "Module required user_a \"hush\";",
            "Module required user_a=;",
            "Module required; Other required;",
            "Module required =\"hush\";",
            "Module required user_a=my hush;",
            "Module required user_a=my hush=;",
        ] {
            let error = options(line).unwrap_err();
            assert!(!error.contains("hush"), "{line}: {error}");
        }
    }
}
