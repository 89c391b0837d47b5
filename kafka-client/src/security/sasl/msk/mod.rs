//! Amazon MSK with IAM: tokens that the client signs itself, over OAUTHBEARER.
//!
//! - `credentials`: who signs, from the user
//! - `sources`: who signs, from where AWS's own programs look
//! - `sign`, `date`: signatures of AWS (pure)
//! - `signer`: makes the tokens

mod credentials;
mod date;
mod sign;
mod signer;
mod sources;

use std::fmt;
use std::sync::Arc;

pub use self::credentials::{AwsCredentials, CredentialsProvider, Lending};
pub(super) use self::signer::Signer;
use self::sources::Variables;

/// Amazon MSK with IAM (`AWS_MSK_IAM`), over `OAUTHBEARER`, as AWS has it for clients that are not Java's:
/// each token is a signed request to connect, good for 15 minutes. For [`Sasl::msk_iam`](super::Sasl::msk_iam).
///
/// Credentials are looked for in this order; the first source that is set up is taken, and its failure is
/// not passed over:
///
/// 1. the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`
/// 2. a role for a web identity (IRSA of EKS): `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`,
///    `AWS_ROLE_SESSION_NAME`; STS is asked in the client's region, or at `AWS_ENDPOINT_URL_STS`
/// 3. the profile (`AWS_PROFILE`, or `default`) of `~/.aws/credentials` and `~/.aws/config`
///    (`AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE`): its keys, or its role with
///    `web_identity_token_file`. A profile with `sso_session`, `credential_process` or another role is
///    refused: use a [provider](CredentialsProvider) with the SDK of AWS
/// 4. the container (ECS, EKS Pod Identity): `AWS_CONTAINER_CREDENTIALS_FULL_URI` or `_RELATIVE_URI`,
///    `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or `AWS_CONTAINER_AUTHORIZATION_TOKEN`
/// 5. the machine (IMDSv2 of EC2): unless `AWS_EC2_METADATA_DISABLED` is `true`;
///    `AWS_EC2_METADATA_SERVICE_ENDPOINT` names another address
///
/// `AWS_CA_BUNDLE` names a file with the authorities that are believed for `https://`.
///
/// ```
/// use kafka_client::security::{MskIam, Sasl};
///
/// let sasl = Sasl::msk_iam(MskIam::new().region("eu-central-1").profile("staging"));
/// # let _ = sasl;
/// ```
#[derive(Clone, Default)]
#[must_use = "settings do nothing until they are given to Sasl::msk_iam"]
pub struct MskIam {
    region: Option<String>,
    profile: Option<String>,
    credentials: Option<Arc<dyn CredentialsProvider>>,
    /// Other than the process's, for tests.
    variables: Option<Variables>,
}

impl MskIam {
    /// Region and credentials of the environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// The region of the cluster, such as `eu-central-1`. Defaults to `AWS_REGION`, `AWS_DEFAULT_REGION`, or
    /// the profile's.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The profile whose credentials are used, before those of every other source. Defaults to
    /// `AWS_PROFILE`, in its place among them.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Where credentials come from, in the place of all sources.
    pub fn credentials(mut self, provider: impl CredentialsProvider) -> Self {
        self.credentials = Some(Arc::new(provider));
        self
    }
}

impl fmt::Debug for MskIam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MskIam")
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("has_provider", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
