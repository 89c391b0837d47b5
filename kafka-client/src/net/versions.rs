//! What a broker speaks.

use std::collections::BTreeMap;

use kafka_client_protocol::api::api_versions::ApiVersion;
use kafka_client_protocol::{ApiKey, Request};

use crate::error::{Error, ErrorKind};

/// The versions that a broker accepts, by API.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versions(BTreeMap<i16, (i16, i16)>);

impl Versions {
    pub(crate) fn new(apis: &[ApiVersion]) -> Self {
        Self(
            apis.iter()
                .map(|api| (api.api_key, (api.min_version, api.max_version)))
                .collect(),
        )
    }

    pub(crate) fn of(&self, api: ApiKey) -> Option<(i16, i16)> {
        self.0.get(&api.value()).copied()
    }

    /// The highest version of a request that both sides speak, but none above `cap`.
    pub(crate) fn pick<R: Request>(&self, cap: i16) -> Result<i16, Error> {
        let (ours_min, ours_max) = (R::MIN_VERSION, R::MAX_VERSION.min(cap));
        let Some((theirs_min, theirs_max)) = self.of(R::API_KEY) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the broker does not have this API; a newer broker may",
            )
            .at_api(R::API_KEY));
        };
        let version = ours_max.min(theirs_max);
        if version < ours_min.max(theirs_min) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the broker speaks versions {theirs_min} to {theirs_max} of this API, this \
                     client {ours_min} to {ours_max}"
                ),
            )
            .at_api(R::API_KEY));
        }
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_client_protocol::api::produce::ProduceRequest;

    fn broker(min_version: i16, max_version: i16) -> Versions {
        Versions::new(&[ApiVersion {
            api_key: 0,
            min_version,
            max_version,
            ..Default::default()
        }])
    }

    #[test]
    fn the_highest_common_version_is_picked() {
        assert_eq!(broker(0, 99).pick::<ProduceRequest>(i16::MAX).unwrap(), 13);
        assert_eq!(broker(0, 99).pick::<ProduceRequest>(12).unwrap(), 12);
        assert_eq!(broker(3, 9).pick::<ProduceRequest>(i16::MAX).unwrap(), 9);
    }

    #[test]
    fn no_common_version_names_both_ranges() {
        let error = broker(0, 2).pick::<ProduceRequest>(i16::MAX).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("0 to 2"), "{error}");
        assert!(broker(14, 15).pick::<ProduceRequest>(i16::MAX).is_err());
        assert!(
            Versions::default()
                .pick::<ProduceRequest>(i16::MAX)
                .is_err()
        );
    }
}
