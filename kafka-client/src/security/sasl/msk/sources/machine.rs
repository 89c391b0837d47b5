//! The credentials of a machine of EC2, by its service for metadata (IMDSv2).

use super::answer::{credentials, found};
use super::{Found, Missing, Sources, patience};
use crate::security::Secret;
use crate::security::http::{Answer, Failure, Request, Url};

const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";
const ROLES: &str = "latest/meta-data/iam/security-credentials/";

impl Sources {
    pub(super) async fn machine(&self) -> Found {
        if self.variables.is_true("AWS_EC2_METADATA_DISABLED") {
            return Err(Missing::Absent(
                "AWS_EC2_METADATA_DISABLED is true".to_owned(),
            ));
        }
        let base = self.variables.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        let mode = self.variables.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let is_ipv6 = mode.is_some_and(|mode| mode.trim().eq_ignore_ascii_case("ipv6"));
        let base = base.unwrap_or_else(|| if is_ipv6 { IPV6 } else { IPV4 }.to_owned());
        let base = base.trim().trim_end_matches('/').to_owned();
        let session = Request {
            method: hyper::Method::PUT,
            ..Request::get()
        };
        let session = session.header("x-aws-ec2-metadata-token-ttl-seconds", "21600");
        let session = self
            .word(&url(&base, "latest/api/token")?, &session, "a token")
            .await?;
        let request = || {
            let name = "x-aws-ec2-metadata-token";
            Request::get().header(name, session.clone())
        };
        let role = self.word(&url(&base, ROLES)?, &request(), "a role").await?;
        let role = role.expose();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
        if !role.bytes().all(is_name) {
            return Err(Missing::stop(format!(
                "{base} names a role that no role is called"
            )));
        }
        let url = url(&base, &format!("{ROLES}{role}"))?;
        let judge = |answer: &_| credentials(&url, answer);
        found(self.near.ask(&url, &request(), patience(), judge).await)
    }

    /// The first line of an answer.
    async fn word(&self, url: &Url, request: &Request, what: &str) -> Result<Secret, Missing> {
        let judge = |answer: &Answer| {
            if !answer.status.is_success() {
                return Err(Failure::status(url, answer.status, ""));
            }
            let line = answer.text().and_then(|text| text.lines().next());
            match line.map(str::trim) {
                None | Some("") => Err(Failure::stop(format!("{url} answers without {what}"))),
                Some(line) => Ok(Secret::from(line)),
            }
        };
        let word = self.near.ask(url, request, patience(), judge).await;
        word.map_err(Missing::Failed)
    }
}

fn url(base: &str, path: &str) -> Result<Url, Missing> {
    let url = Url::parse(&format!("{base}/{path}"));
    url.map_err(|what| Missing::stop(format!("AWS_EC2_METADATA_SERVICE_ENDPOINT {what}")))
}
