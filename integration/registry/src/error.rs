//! Answers that are errors, with Confluent's codes.

/// A refusal, as the REST API has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) message: String,
}

impl ApiError {
    fn new(code: u32, message: impl Into<String>) -> Self {
        let status = match code {
            0..1000 => code,
            code => code / 100,
        };
        Self {
            status: u16::try_from(status).unwrap_or(500),
            code,
            message: message.into(),
        }
    }

    pub(crate) fn no_route() -> Self {
        Self::new(404, "HTTP 404 Not Found")
    }

    pub(crate) fn no_method() -> Self {
        Self::new(405, "HTTP 405 Method Not Allowed")
    }

    pub(crate) fn too_large() -> Self {
        Self::new(413, "the request is too large")
    }

    pub(crate) fn bad_body(what: impl std::fmt::Display) -> Self {
        Self::new(422, format!("the request's body cannot be read: {what}"))
    }

    pub(crate) fn no_subject(subject: &str) -> Self {
        Self::new(40401, format!("Subject '{subject}' not found."))
    }

    pub(crate) fn no_version(version: i32) -> Self {
        Self::new(40402, format!("Version {version} not found."))
    }

    pub(crate) fn no_schema() -> Self {
        Self::new(40403, "Schema not found")
    }

    pub(crate) fn subject_soft_deleted(subject: &str) -> Self {
        let text = format!(
            "Subject '{subject}' was soft deleted. Set permanent=true to delete permanently"
        );
        Self::new(40404, text)
    }

    pub(crate) fn subject_not_soft_deleted(subject: &str) -> Self {
        let text =
            format!("Subject '{subject}' was not deleted first before being permanently deleted");
        Self::new(40405, text)
    }

    pub(crate) fn version_soft_deleted(subject: &str, version: i32) -> Self {
        let text = format!(
            "Subject '{subject}' Version {version} was soft deleted. Set permanent=true to delete permanently"
        );
        Self::new(40406, text)
    }

    pub(crate) fn version_not_soft_deleted(subject: &str, version: i32) -> Self {
        let text = format!(
            "Subject '{subject}' Version {version} was not deleted first before being permanently deleted"
        );
        Self::new(40407, text)
    }

    pub(crate) fn no_level(subject: &str) -> Self {
        let text =
            format!("Subject '{subject}' does not have subject-level compatibility configured");
        Self::new(40408, text)
    }

    pub(crate) fn no_mode(subject: &str) -> Self {
        let text = format!("Subject '{subject}' does not have subject-level mode configured");
        Self::new(40409, text)
    }

    pub(crate) fn incompatible(subject: &str, reasons: &[String]) -> Self {
        let reasons = reasons.join("; ");
        let text = format!(
            "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", \
             details: [{reasons}]"
        );
        Self::new(409, text)
    }

    pub(crate) fn invalid_schema(what: impl std::fmt::Display) -> Self {
        Self::new(42201, format!("Invalid schema: {what}"))
    }

    pub(crate) fn invalid_version(version: &str) -> Self {
        let text = format!(
            "The specified version '{version}' is not a valid version id. Allowed values are between \
             [1, 2^31-1] and the string \"latest\""
        );
        Self::new(42202, text)
    }

    pub(crate) fn invalid_level(what: impl std::fmt::Display) -> Self {
        Self::new(42203, format!("Invalid compatibility level: {what}"))
    }

    pub(crate) fn invalid_mode(mode: &str) -> Self {
        let text = format!("Invalid mode {mode:?}. Valid values are READWRITE and READONLY");
        Self::new(42204, text)
    }

    pub(crate) fn read_only(subject: &str) -> Self {
        Self::new(42205, format!("Subject {subject} is in read-only mode"))
    }

    pub(crate) fn referenced(subject: &str, version: i32) -> Self {
        let text =
            format!("One or more references exist to the schema {subject} version {version}");
        Self::new(42206, text)
    }

    pub(crate) fn invalid_subject(subject: &str) -> Self {
        Self::new(
            42208,
            format!("The specified subject '{subject}' is not a valid"),
        )
    }

    pub(crate) fn not_stored(what: impl std::fmt::Display) -> Self {
        Self::new(50001, format!("Error in the backend data store: {what}"))
    }

    pub(crate) fn too_slow() -> Self {
        Self::new(50002, "Operation timed out: the change may be in the log")
    }
}
