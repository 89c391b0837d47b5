//! ApiVersions (key 18), versions 0 to 4: which APIs and versions this broker serves.
//!
//! A request of an unknown version is answered too, in the form of version 0 with error 35 and the
//! range of this API, so that a newer client can find the version to ask with (KIP-511).
//!
//! Version 3 brings the client's software name; Kafka checks its characters and so does this
//! broker. No features are reported yet: without transactions there is nothing a client would
//! decide by them.

use kafka_client_protocol::api::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse,
};
use kafka_client_protocol::{ApiKey, ErrorCode};

use super::{Api, Call, SERVED, Served, served};

impl Api for ApiVersionsRequest {
    async fn answer(self, call: &Call<'_>) -> ApiVersionsResponse {
        if !served(ApiKey::API_VERSIONS).is_some_and(|own| own.versions.contains(&call.version)) {
            return self.refuse(ErrorCode::UNSUPPORTED_VERSION);
        }
        let names = [&self.client_software_name, &self.client_software_version];
        if call.version >= 3 && !names.iter().all(|name| is_software_name(name)) {
            return self.refuse(ErrorCode::INVALID_REQUEST);
        }
        call.connection.gate().versions_told();
        ApiVersionsResponse {
            api_keys: SERVED.iter().map(row).collect(),
            finalized_features_epoch: 0,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> ApiVersionsResponse {
        let own = served(ApiKey::API_VERSIONS);
        ApiVersionsResponse {
            error_code: error.code(),
            api_keys: own.map(row).into_iter().collect(),
            ..Default::default()
        }
    }
}

fn row(served: &Served) -> ApiVersion {
    ApiVersion {
        api_key: served.api.value(),
        min_version: *served.versions.start(),
        max_version: *served.versions.end(),
        ..Default::default()
    }
}

/// Letters and digits with `.` and `-` between them.
fn is_software_name(name: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    edge(name.bytes().next())
        && edge(name.bytes().last())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_are_checked_as_in_kafka() {
        for good in ["a", "apache-kafka-java", "4.3.1", "1.0-rc1"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", ".", "a b", "ä"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
