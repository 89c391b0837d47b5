//! Addresses and forms.

use std::fmt;

use crate::security::Secret;

/// An address of HTTP. It is shown without its query, which may hold what is not to be shown.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::security) struct Url {
    https: bool,
    /// As the header `Host` has it.
    authority: String,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    /// Path and query.
    target: String,
}

impl Url {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, in words that go behind a name.
    pub(in crate::security) fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has characters that no address has");
        }
        let (scheme, rest) = text.split_once("://").ok_or("has no http:// or https://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err("has no http:// or https://"),
        };
        if rest.contains('#') {
            return Err("has a #, and what is behind it is never sent");
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err("has a name or a password before the host: set them where they belong");
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or("has no ] behind the host")?;
                (
                    host,
                    port.strip_prefix(':').or(port.is_empty().then_some("")),
                )
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, Some("")),
            },
        };
        let port = match (port, https) {
            (Some(""), true) => 443,
            (Some(""), false) => 80,
            (port, _) => port
                .and_then(|port| port.parse().ok())
                .ok_or("has a port that is none")?,
        };
        if host.is_empty() {
            return Err("has no host");
        }
        let target = match target.starts_with('/') {
            true => target.to_owned(),
            false => format!("/{target}"),
        };
        Ok(Self {
            https,
            authority: authority.to_owned(),
            host: host.to_owned(),
            port,
            target,
        })
    }

    pub(in crate::security) fn is_https(&self) -> bool {
        self.https
    }

    pub(in crate::security) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.https {
            true => "https",
            false => "http",
        };
        let path = self.target.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.authority)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A form (`application/x-www-form-urlencoded`).
pub(in crate::security) fn form<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Secret {
    let fields: Vec<_> = fields.into_iter().collect();
    let sizes = fields
        .iter()
        .map(|(name, value)| name.len() + value.len() + 2);
    // Large enough, so that it does not move and leave copies behind.
    let mut text = String::with_capacity(3 * sizes.sum::<usize>());
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        escape(&mut text, name);
        text.push('=');
        escape(&mut text, value);
    }
    Secret::from(text)
}

/// All but the unreserved characters of RFC 3986 as `%XX`: good in forms, in addresses, and what AWS signs.
pub(in crate::security) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    escape(&mut escaped, text);
    escaped
}

fn escape(to: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                to.push(char::from(byte));
            }
            byte => {
                to.push('%');
                to.push(char::from(DIGITS[usize::from(byte >> 4)]));
                to.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, https, host, port, target) in [
            (
                "https://idp.example/oauth/token",
                true,
                "idp.example",
                443,
                "/oauth/token",
            ),
            ("HTTP://idp.example:8080", false, "idp.example", 8080, "/"),
            ("http://[::1]:80/a?b=c", false, "::1", 80, "/a?b=c"),
            ("https://[::1]?b=c", true, "::1", 443, "/?b=c"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(url.is_https(), https, "{text}");
            assert_eq!((url.host(), url.port(), url.target()), (host, port, target));
        }
        let url = Url::parse("http://h:1/p?key=hunter2").unwrap();
        assert_eq!(format!("{url} {url:?}"), "http://h:1/p http://h:1/p");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, words) in [
            ("idp.example/token", "http://"),
            ("ftp://idp.example", "http://"),
            ("https://", "no host"),
            ("https:///token", "no host"),
            ("https://host:port/", "port"),
            ("https://host:65536/", "port"),
            ("https://[::1/", "]"),
            ("https://[::1]x/", "port"),
            ("https://user:hunter2@host/", "password before the host"),
            ("https://host/#a", "#"),
            ("https://ho st/", "characters"),
            ("https://host/\r\nx: y", "characters"),
            ("https://hö.example/", "characters"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn forms_are_escaped() {
        let form = form([("grant_type", "client_credentials"), ("a b", "&=+%ü~")]);
        assert_eq!(
            form.expose(),
            "grant_type=client_credentials&a%20b=%26%3D%2B%25%C3%BC~"
        );
    }
}
