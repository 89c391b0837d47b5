//! `ssl.principal.mapping.rules`: how the name in a client's certificate becomes a principal (KIP-371).
//!
//! The rules are tried in their order: `DEFAULT` takes the name as it is, and
//! `RULE:pattern/replacement/` with `L` or `U` behind it for small or capital letters takes what
//! the pattern matches as a whole. A name that no rule takes is nobody's, as in Kafka.

use regex::Regex;

/// The rules of a listener, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct PrincipalRules(Vec<Rule>);

#[derive(Debug)]
enum Rule {
    Default,
    Pattern {
        pattern: Regex,
        replacement: String,
        letters: Letters,
    },
}

#[derive(Debug, Clone, Copy)]
enum Letters {
    AsTheyAre,
    Small,
    Capital,
}

impl PrincipalRules {
    /// Reads rules, or says what is wrong with them.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (rule, after) = rule(rest)?;
            rules.push(rule);
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if after.is_empty() => after,
                None => return Err(format!("has no comma before {after:?}")),
            };
        }
        if rules.is_empty() {
            rules.push(Rule::Default);
        }
        Ok(Self(rules))
    }

    /// The principal of a name; `None` if no rule takes it.
    pub(crate) fn apply(&self, name: &str) -> Option<String> {
        self.0.iter().find_map(|rule| match rule {
            Rule::Default => Some(name.to_owned()),
            Rule::Pattern {
                pattern,
                replacement,
                letters,
            } => {
                let found = pattern.captures(name)?;
                let mut result = String::new();
                found.expand(replacement, &mut result);
                Some(match letters {
                    Letters::AsTheyAre => result,
                    Letters::Small => result.to_lowercase(),
                    Letters::Capital => result.to_uppercase(),
                })
            }
        })
    }
}

fn rule(text: &str) -> Result<(Rule, &str), String> {
    if let Some(rest) = text.strip_prefix("DEFAULT") {
        return Ok((Rule::Default, rest));
    }
    let wrong = || format!("has no rule at {text:?}");
    let rest = text.strip_prefix("RULE:").ok_or_else(wrong)?;
    let (pattern, rest) = up_to_slash(rest).ok_or_else(wrong)?;
    let (replacement, rest) = up_to_slash(rest).ok_or_else(wrong)?;
    let (letters, rest) = match rest.chars().next() {
        Some('L') => (Letters::Small, &rest[1..]),
        Some('U') => (Letters::Capital, &rest[1..]),
        _ => (Letters::AsTheyAre, rest),
    };
    let rule = Rule::Pattern {
        pattern: Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())?,
        replacement: braced(replacement),
        letters,
    };
    Ok((rule, rest))
}

/// What stands before a slash that no backslash is before, and what after it.
fn up_to_slash(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    for (at, next) in text.char_indices() {
        match next {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '/' => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// `$1` as `${1}`, so that a letter after it is not part of the group's name.
fn braced(replacement: &str) -> String {
    let mut text = String::new();
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('$') {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        text.push_str(before);
        if digits == 0 {
            text.push_str("$$");
        } else {
            text.push_str(&format!("${{{}}}", &after[..digits]));
        }
        rest = &after[digits..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_takes_a_name_decides() {
        // The example of Kafka's documentation.
        let rules = PrincipalRules::parse(
            "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,\
             RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L, \
             RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1x/U, DEFAULT",
        )
        .unwrap();
        for (name, principal) in [
            (
                "CN=serviceuser,OU=ServiceUsers,O=Unknown,C=Unknown",
                "serviceuser",
            ),
            (
                "CN=adminUser,OU=Admin,O=Unknown,L=Unknown,ST=Unknown,C=Unknown",
                "adminuser@admin",
            ),
            ("OU=x,CN=bob", "BOBX"),
            ("O=nobody", "O=nobody"),
        ] {
            assert_eq!(rules.apply(name).as_deref(), Some(principal));
        }
    }

    #[test]
    fn a_name_that_no_rule_takes_is_nobodys() {
        let rules = PrincipalRules::parse("RULE:CN=(a.*)/$1/").unwrap();
        assert_eq!(rules.apply("CN=alice").as_deref(), Some("alice"));
        assert_eq!(rules.apply("CN=bob"), None);
        assert_eq!(rules.apply("O=x,CN=alice"), None);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            "RULE",
            "RULE:a/b",
            "RULE:(/b/",
            "default",
            "DEFAULT RULE:a/b/",
            "RULE:a/b/LU",
        ] {
            assert!(PrincipalRules::parse(text).is_err(), "{text}");
        }
        let default = PrincipalRules::parse(" ").unwrap();
        assert_eq!(default.apply("CN=a").as_deref(), Some("CN=a"));
    }
}
