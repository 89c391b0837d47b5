//! UpdateFeatures (key 57), versions 0 to 2: the features of this broker are what its version has, so
//! an update can only confirm them. Either
//! all of a request holds or nothing.

use kafka_client_protocol::ErrorCode;
use kafka_client_protocol::api::update_features::{
    FeatureUpdateKey, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

use super::{Api, Call, text};
use crate::api::api_versions::FEATURES;
use crate::security::acl::AclOperation;

impl Api for UpdateFeaturesRequest {
    fn check(&self, call: &Call<'_>) -> Result<(), ErrorCode> {
        call.needs_on_cluster(AclOperation::Alter)
    }

    async fn answer(self, _: &Call<'_>) -> UpdateFeaturesResponse {
        let wrong = self.feature_updates.iter().find_map(|update| {
            let why = why_not(update)?;
            Some((update, why))
        });
        let Some((update, why)) = wrong else {
            return UpdateFeaturesResponse {
                error_message: None,
                ..Default::default()
            };
        };
        UpdateFeaturesResponse {
            error_message: text(format!("feature {}: {why}", update.feature)),
            ..self.refuse(ErrorCode::INVALID_UPDATE_VERSION)
        }
    }

    fn refuse(&self, error: ErrorCode) -> UpdateFeaturesResponse {
        UpdateFeaturesResponse {
            error_code: error.code(),
            error_message: text(error.text()),
            ..Default::default()
        }
    }
}

/// Why a feature cannot be brought to a level.
fn why_not(update: &FeatureUpdateKey) -> Option<String> {
    let known = FEATURES.iter().find(|known| *update.feature == *known.name);
    let Some(known) = known else {
        return Some("this broker does not support it".to_owned());
    };
    let level = known.level;
    (update.max_version_level != level)
        .then(|| format!("it is at level {level}, which cannot be changed"))
}
