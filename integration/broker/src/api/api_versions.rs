//! ApiVersions (key 18), versions 0 to 4: which APIs and versions this broker serves.
//!
//! A request of an unknown version is answered too, in the form of version 0 with error 35 and the
//! range of this API, so that a newer client can find the version to ask with (KIP-511).
//!
//! Version 3 brings the client's software name; Kafka checks its characters and so does this
//! broker. It also tells the features (KIP-584): those of transactions and of groups stand at what
//! this broker has of them.

use std::ops::RangeInclusive;

use kafka_client_protocol::api::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use kafka_client_protocol::{ApiKey, ErrorCode};

use super::{Api, Call, SERVED, Served, served};
use crate::net::Software;

/// Something that a whole cluster has at one level.
pub(super) struct Feature {
    pub(super) name: &'static str,
    min: i16,
    max: i16,
    /// 0: it is not in use.
    pub(super) level: i16,
}

const fn feature(name: &'static str, min: i16, max: i16, level: i16) -> Feature {
    Feature {
        name,
        min,
        max,
        level,
    }
}

/// Those of Kafka 4.3. What this broker has not built yet is at 0.
pub(super) const FEATURES: &[Feature] = &[
    feature("eligible.leader.replicas.version", 0, 1, 1),
    feature("group.version", 0, 1, 0),
    feature("kraft.version", 0, 1, 1),
    feature("metadata.version", 7, 30, 30),
    feature("share.version", 0, 1, 0),
    feature("streams.version", 0, 1, 0),
    feature("transaction.version", 0, 2, 0),
];

/// Up to here a minimum of 0 breaks Java's clients (KAFKA-17011).
const MINIMUM_OF_0_SINCE: i16 = 4;

impl Api for ApiVersionsRequest {
    async fn answer(self, call: &Call<'_>) -> ApiVersionsResponse {
        let rows = SERVED.iter().filter_map(|served| {
            let versions = call.node.versions(served)?;
            Some(row(served, &versions))
        });
        let rows: Vec<ApiVersion> = rows.collect();
        let own = |row: &&ApiVersion| row.api_key == ApiKey::API_VERSIONS.value();
        let own = rows.iter().find(own).cloned();
        let is_served =
            |own: &ApiVersion| (own.min_version..=own.max_version).contains(&call.version);
        if !own.as_ref().is_some_and(is_served) {
            return ApiVersionsResponse {
                api_keys: own.into_iter().collect(),
                ..self.refuse(ErrorCode::UNSUPPORTED_VERSION)
            };
        }
        let names = [&self.client_software_name, &self.client_software_version];
        if call.version >= 3 && !names.iter().all(|name| is_software_name(name)) {
            return self.refuse(ErrorCode::INVALID_REQUEST);
        }
        if call.version >= 3 {
            *call.connection.software() = Software {
                name: self.client_software_name.to_string(),
                version: self.client_software_version.to_string(),
            };
        }
        call.connection.gate().versions_told();
        ApiVersionsResponse {
            api_keys: rows,
            supported_features: FEATURES
                .iter()
                .filter(|feature| feature.min > 0 || call.version >= MINIMUM_OF_0_SINCE)
                .map(|feature| SupportedFeatureKey {
                    name: feature.name.into(),
                    min_version: feature.min,
                    max_version: feature.max,
                    ..Default::default()
                })
                .collect(),
            finalized_features: FEATURES
                .iter()
                .filter(|feature| feature.level > 0)
                .map(|feature| FinalizedFeatureKey {
                    name: feature.name.into(),
                    max_version_level: feature.level,
                    min_version_level: feature.level,
                    ..Default::default()
                })
                .collect(),
            finalized_features_epoch: call.node.topics.quorum().changes,
            ..Default::default()
        }
    }

    fn refuse(&self, error: ErrorCode) -> ApiVersionsResponse {
        let own = served(ApiKey::API_VERSIONS).map(|own| row(own, &own.versions));
        ApiVersionsResponse {
            error_code: error.code(),
            api_keys: own.into_iter().collect(),
            ..Default::default()
        }
    }
}

fn row(served: &Served, versions: &RangeInclusive<i16>) -> ApiVersion {
    ApiVersion {
        api_key: served.api.value(),
        min_version: *versions.start(),
        max_version: *versions.end(),
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
