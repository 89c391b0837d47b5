//! Which call a path is.

use hyper::Method;
use kafka_client_formats::wire::Guid;

use crate::error::ApiError;

/// A call of the API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) query: Query,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Root,
    Types,
    Contexts,
    Subjects,
    SchemaById(i32),
    SchemaTextById(i32),
    SubjectsOfId(i32),
    VersionsOfId(i32),
    SchemaByGuid(Guid),
    LookUp(String),
    DeleteSubject(String),
    Versions(String),
    Register(String),
    Version(String, Wanted),
    VersionText(String, Wanted),
    DeleteVersion(String, Wanted),
    ReferencedBy(String, Wanted),
    Compatible(String, Option<Wanted>),
    Level(Option<String>),
    SetLevel(Option<String>),
    UnsetLevel(Option<String>),
    Mode(Option<String>),
    SetMode(Option<String>),
    UnsetMode(String),
}

/// A version; none is the newest.
pub(crate) type Wanted = Option<i32>;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) subject: String,
    pub(crate) prefix: String,
    pub(crate) serialized: bool,
    pub(crate) deleted: bool,
    pub(crate) permanent: bool,
    pub(crate) or_global: bool,
    pub(crate) verbose: bool,
}

impl Call {
    pub(crate) fn of(method: &Method, path: &str, query: &str) -> Result<Self, ApiError> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        let parts: Option<Vec<_>> = parts.map(decoded).collect();
        let mut parts = parts.ok_or_else(ApiError::no_route)?;
        // A context may be named before the path, too.
        let mut context = None;
        if parts.len() > 2 && parts[0] == "contexts" {
            context = parts.drain(..2).nth(1);
        }
        let full = |subject: &String| match &context {
            Some(context) => {
                let context = context.trim_start_matches([':', '.']).trim_end_matches(':');
                let context = (!context.is_empty()).then_some(context);
                kafka_client_formats::subject::in_context(context, subject)
            }
            None => plain(subject),
        };
        let mut query = Query::of(query);
        query.subject = full(&query.subject);
        let borrowed: Vec<_> = parts.iter().map(String::as_str).collect();
        let subject = |place: usize| full(&parts[place]);
        let kind = match (method.as_str(), borrowed.as_slice()) {
            ("GET", []) => Kind::Root,
            ("GET", ["contexts"]) => Kind::Contexts,
            ("GET", ["subjects"]) => Kind::Subjects,
            ("GET", ["schemas", "types"]) => Kind::Types,
            ("GET", ["schemas", "ids", id]) => Kind::SchemaById(number(id)?),
            ("GET", ["schemas", "ids", id, "schema"]) => Kind::SchemaTextById(number(id)?),
            ("GET", ["schemas", "ids", id, "subjects"]) => Kind::SubjectsOfId(number(id)?),
            ("GET", ["schemas", "ids", id, "versions"]) => Kind::VersionsOfId(number(id)?),
            ("GET", ["schemas", "guids", guid]) => {
                Kind::SchemaByGuid(guid.parse().map_err(|_| ApiError::no_schema())?)
            }
            ("POST", ["subjects", _]) => Kind::LookUp(subject(1)),
            ("DELETE", ["subjects", _]) => Kind::DeleteSubject(subject(1)),
            ("GET", ["subjects", _, "versions"]) => Kind::Versions(subject(1)),
            ("POST", ["subjects", _, "versions"]) => Kind::Register(subject(1)),
            ("GET", ["subjects", _, "versions", it]) => Kind::Version(subject(1), version(it)?),
            ("GET", ["subjects", _, "versions", it, "schema"]) => {
                Kind::VersionText(subject(1), version(it)?)
            }
            ("GET", ["subjects", _, "versions", it, "referencedby"]) => {
                Kind::ReferencedBy(subject(1), version(it)?)
            }
            ("DELETE", ["subjects", _, "versions", it]) => {
                Kind::DeleteVersion(subject(1), version(it)?)
            }
            ("POST", ["compatibility", "subjects", _, "versions"]) => {
                Kind::Compatible(subject(2), None)
            }
            ("POST", ["compatibility", "subjects", _, "versions", it]) => {
                Kind::Compatible(subject(2), Some(version(it)?))
            }
            ("GET", ["config"]) => Kind::Level(None),
            ("PUT", ["config"]) => Kind::SetLevel(None),
            ("DELETE", ["config"]) => Kind::UnsetLevel(None),
            ("GET", ["config", _]) => Kind::Level(Some(subject(1))),
            ("PUT", ["config", _]) => Kind::SetLevel(Some(subject(1))),
            ("DELETE", ["config", _]) => Kind::UnsetLevel(Some(subject(1))),
            ("GET", ["mode"]) => Kind::Mode(None),
            ("PUT", ["mode"]) => Kind::SetMode(None),
            ("GET", ["mode", _]) => Kind::Mode(Some(subject(1))),
            ("PUT", ["mode", _]) => Kind::SetMode(Some(subject(1))),
            ("DELETE", ["mode", _]) => Kind::UnsetMode(subject(1)),
            (
                _,
                [
                    "subjects" | "schemas" | "config" | "mode" | "compatibility" | "contexts",
                    ..,
                ],
            ) => {
                return Err(
                    match matches!(method.as_str(), "GET" | "POST" | "PUT" | "DELETE") {
                        true => ApiError::no_route(),
                        false => ApiError::no_method(),
                    },
                );
            }
            _ => return Err(ApiError::no_route()),
        };
        Ok(Self { kind, query })
    }
}

impl Query {
    fn of(query: &str) -> Self {
        let mut read = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(&value.replace('+', " ")).unwrap_or_default();
            let is_true = value == "true";
            match name {
                "subject" => read.subject = value,
                "subjectPrefix" => read.prefix = value,
                "format" => read.serialized = value == "serialized",
                "deleted" => read.deleted = is_true,
                "permanent" => read.permanent = is_true,
                "defaultToGlobal" => read.or_global = is_true,
                "verbose" => read.verbose = is_true,
                _ => {}
            }
        }
        read
    }
}

/// The context without a name may be named, as `:.:subject`.
fn plain(subject: &str) -> String {
    subject.strip_prefix(":.:").unwrap_or(subject).to_owned()
}

fn number(text: &str) -> Result<i32, ApiError> {
    text.parse().map_err(|_| ApiError::no_schema())
}

fn version(text: &str) -> Result<Wanted, ApiError> {
    match (text, text.parse()) {
        ("latest" | "-1", _) => Ok(None),
        (_, Ok(version @ 1..)) => Ok(Some(version)),
        _ => Err(ApiError::invalid_version(text)),
    }
}

/// Without `%XX`; `None` if one of these is none, or the text is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        rest = behind;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = digit(digits[0])? * 16 + digit(digits[1])?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(method: &str, path: &str) -> Result<Kind, u16> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let call = Call::of(&method, path, "");
        call.map(|call| call.kind).map_err(|error| error.status)
    }

    #[test]
    fn paths_are_calls() {
        let subject = || "a/b value".to_owned();
        for (method, path, wanted) in [
            ("GET", "/", Ok(Kind::Root)),
            (
                "POST",
                "/subjects/a%2Fb%20value",
                Ok(Kind::LookUp(subject())),
            ),
            (
                "GET",
                "/subjects/a%2Fb%20value/versions/latest",
                Ok(Kind::Version(subject(), None)),
            ),
            (
                "GET",
                "/subjects/a%2Fb%20value/versions/3",
                Ok(Kind::Version(subject(), Some(3))),
            ),
            ("GET", "/subjects/a/versions/0", Err(422)),
            ("GET", "/subjects/a/versions/x", Err(422)),
            ("GET", "/subjects/%zz/versions", Err(404)),
            ("GET", "/subjects/%ff/versions", Err(404)),
            ("GET", "/subjects/%f/versions", Err(404)),
            ("GET", "/schemas/ids/x", Err(404)),
            ("GET", "/nothing", Err(404)),
            ("PATCH", "/subjects", Err(405)),
            ("GET", "/contexts", Ok(Kind::Contexts)),
            (
                "GET",
                "/contexts/.c/subjects/s/versions",
                Ok(Kind::Versions(":.c:s".to_owned())),
            ),
            (
                "GET",
                "/subjects/%3A.%3As/versions",
                Ok(Kind::Versions("s".to_owned())),
            ),
        ] {
            assert_eq!(kind(method, path), wanted, "{method} {path}");
        }
    }

    #[test]
    fn queries_are_read() {
        let query =
            Query::of("subject=%3A.c%3A&deleted=true&permanent=false&format=serialized&x&=");
        let wanted = Query {
            subject: ":.c:".to_owned(),
            deleted: true,
            serialized: true,
            ..Query::default()
        };
        assert_eq!(query, wanted);
    }
}
