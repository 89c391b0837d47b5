//! The one-liners of `sasl.jaas.config`: `<login module> required user="value" ..;`.

use std::collections::BTreeMap;
use std::fmt;

use super::Secret;
use crate::error::Error;

/// What a one-liner says.
pub(super) struct Jaas {
    /// The last part of the module's class name, such as `PlainLoginModule`.
    pub(super) module: String,
    options: BTreeMap<String, Secret>,
}

impl fmt::Debug for Jaas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jaas")
            .field("module", &self.module)
            .finish_non_exhaustive()
    }
}

impl Jaas {
    /// Reads it.
    ///
    /// # Errors
    /// When it is malformed. No part of it is shown, as it holds passwords.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let wrong = |what: &str| {
            Error::config(format!(
                "sasl.jaas.config {what}; it is written like this: \
                 org.apache.kafka.common.security.plain.PlainLoginModule required username=\"..\" \
                 password=\"..\";"
            ))
        };
        let mut tokens = Tokens(text);
        let mut word = |what: &str| match tokens.next() {
            Some(Ok(Token::Word(word))) => Ok(word),
            Some(Err(())) => Err(wrong("has a quotation mark without its other half")),
            _ => Err(wrong(what)),
        };
        let class = word("names no login module")?;
        let flag = word("has no word such as required behind the login module")?;
        let flags = ["required", "requisite", "sufficient", "optional"];
        if !flags.contains(&flag.expose().to_ascii_lowercase().as_str()) {
            return Err(wrong(
                "has no word such as required behind the login module",
            ));
        }
        let mut options = BTreeMap::new();
        loop {
            let name = match tokens.next() {
                Some(Ok(Token::Word(name))) => name,
                Some(Ok(Token::End)) => break,
                None => return Err(wrong("does not end with a semicolon")),
                _ => {
                    return Err(wrong(
                        "has an option that is not of the form name=\"value\"",
                    ));
                }
            };
            let (Some(Ok(Token::Equals)), Some(Ok(Token::Word(value)))) =
                (tokens.next(), tokens.next())
            else {
                return Err(wrong(
                    "has an option that is not of the form name=\"value\"",
                ));
            };
            options.insert(name.expose().to_owned(), value);
        }
        if tokens.next().is_some() {
            return Err(wrong("has more than one login module"));
        }
        let module = class.expose().rsplit('.').next().unwrap_or_default();
        Ok(Self {
            module: module.to_owned(),
            options,
        })
    }

    pub(super) fn take(&mut self, option: &str) -> Option<Secret> {
        self.options.remove(option)
    }

    /// Takes the options whose names begin so, without that.
    pub(super) fn take_all(&mut self, prefix: &str) -> Vec<(String, Secret)> {
        let all = std::mem::take(&mut self.options).into_iter();
        let (taken, rest): (Vec<_>, Vec<_>) = all.partition(|(name, _)| name.starts_with(prefix));
        self.options = rest.into_iter().collect();
        let bare = |(name, value): (String, Secret)| (name[prefix.len()..].to_owned(), value);
        taken.into_iter().map(bare).collect()
    }

    /// Ends the reading: an option that nothing was done with is a mistake.
    ///
    /// # Errors
    /// When there is one. Its value is not shown.
    pub(super) fn finish(self) -> Result<(), Error> {
        let Some(name) = self.options.keys().next() else {
            return Ok(());
        };
        let reason = match name.as_str() {
            name if name.starts_with("unsecuredLogin") => {
                "makes tokens without a signature, which this client does not: give it a provider of \
                 tokens with Sasl::oauthbearer"
            }
            "serviceName" | "useKeyTab" | "keyTab" | "principal" | "storeKey"
            | "useTicketCache" => "is for GSSAPI: leave it out",
            _ => "is no option of this login module that this client knows: check its spelling",
        };
        let module = &self.module;
        Err(Error::config(format!(
            "sasl.jaas.config: {name} of {module} {reason}"
        )))
    }

    #[cfg(feature = "gssapi")]
    pub(super) fn get(&self, option: &str) -> Option<&Secret> {
        self.options.get(option)
    }

    /// The names of all options.
    #[cfg(feature = "gssapi")]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.options.keys().map(String::as_str)
    }
}

enum Token {
    Word(Secret),
    Equals,
    End,
}

/// The rest of the text.
struct Tokens<'a>(&'a str);

impl Iterator for Tokens<'_> {
    type Item = Result<Token, ()>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start();
        let first = text.chars().next()?;
        let (token, rest) = match first {
            ';' => (Token::End, &text[1..]),
            '=' => (Token::Equals, &text[1..]),
            quote @ ('"' | '\'') => {
                let Some((word, rest)) = quoted(&text[1..], quote) else {
                    self.0 = "";
                    return Some(Err(()));
                };
                (Token::Word(word.into()), rest)
            }
            _ => {
                let is_end = |c: char| c.is_whitespace() || matches!(c, ';' | '=' | '"' | '\'');
                let end = text.find(is_end).unwrap_or(text.len());
                (Token::Word(text[..end].into()), &text[end..])
            }
        };
        self.0 = rest;
        Some(Ok(token))
    }
}

/// What stands before the closing quotation mark, and what behind. A backslash takes the next character as
/// it is.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => word.push(chars.next()?.1),
            c if c == quote => return Some((word, &text[at + c.len_utf8()..])),
            c => word.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option<'a>(jaas: &'a Jaas, name: &str) -> Option<&'a str> {
        jaas.options.get(name).map(Secret::expose)
    }

    #[test]
    fn the_usual_one_liners_are_read() {
        let jaas = Jaas::read(
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"alice\" \
             password=\"a \\\"secret\\\" = with;signs\" ;",
        )
        .unwrap();
        assert_eq!(jaas.module, "PlainLoginModule");
        assert_eq!(option(&jaas, "username"), Some("alice"));
        assert_eq!(option(&jaas, "password"), Some("a \"secret\" = with;signs"));
        assert_eq!(option(&jaas, "other"), None);
        let jaas = Jaas::read(
            "x.ScramLoginModule Required\n username='bob'\n password=pw tokenauth=true;",
        );
        let jaas = jaas.unwrap();
        assert_eq!(option(&jaas, "password"), Some("pw"));
        assert_eq!(option(&jaas, "tokenauth"), Some("true"));
    }

    #[test]
    fn what_is_malformed_is_told_without_its_secrets() {
        for (text, words) in [
            ("", "names no login module"),
            ("x.PlainLoginModule", "required"),
            ("x.PlainLoginModule username=\"hunter2\";", "required"),
            (
                "x.PlainLoginModule required password=\"hunter2\"",
                "semicolon",
            ),
            (
                "x.PlainLoginModule required password=\"hunter2;",
                "name=\"value\"",
            ),
            ("x.PlainLoginModule required \"hunter2\";", "name=\"value\""),
            (
                "x.PlainLoginModule required; y.Other required;",
                "more than one",
            ),
        ] {
            let error = Jaas::read(text).unwrap_err().to_string();
            assert!(error.contains("sasl.jaas.config"), "{error}");
            assert!(error.contains(words), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let jaas = Jaas::read("x.PlainLoginModule required password=\"hunter2\";").unwrap();
        assert!(!format!("{jaas:?}").contains("hunter2"));
        let error = jaas.finish().unwrap_err().to_string();
        assert!(error.contains("password of PlainLoginModule"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn options_are_taken_by_their_prefix() {
        let text = "x.OAuthBearerLoginModule required extension_a=1 extension_b=2 scope=s;";
        let mut jaas = Jaas::read(text).unwrap();
        let taken = jaas.take_all("extension_");
        let taken = taken
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()));
        assert_eq!(taken.collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!(jaas.take("scope").unwrap().expose(), "s");
        jaas.finish().unwrap();
    }
}
