//! The credentials of a container (ECS, EKS Pod Identity).

use super::answer::{credentials, found};
use super::{Found, Missing, Sources, patience, read};
use crate::security::Secret;
use crate::security::http::{Request, Url};

/// Where ECS answers.
const ECS: &str = "http://169.254.170.2";

/// Who is near enough to be asked without TLS: those of AWS, and this machine.
const NEAR: [&str; 4] = [
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
    "localhost",
];

impl Sources {
    pub(super) async fn container(&self) -> Found {
        let relative = self.variables.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let full = self.variables.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let (variable, address) = match (relative, full) {
            (Some(path), _) => (
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                format!("{ECS}{path}"),
            ),
            (None, Some(address)) => ("AWS_CONTAINER_CREDENTIALS_FULL_URI", address),
            (None, None) => {
                return Err(Missing::Absent(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI and _RELATIVE_URI are not set".to_owned(),
                ));
            }
        };
        let url = Url::parse(address.trim());
        let url = url.map_err(|what| Missing::stop(format!("{variable} {what}")))?;
        if !url.is_https() && !is_near(url.host()) {
            return Err(Missing::stop(format!(
                "{variable}: {url} is neither https:// nor an address of this machine"
            )));
        }
        let mut request = Request::get().header("accept", "application/json");
        if let Some(token) = self.container_token()? {
            request = request.header("authorization", token);
        }
        let judge = |answer: &_| credentials(&url, answer);
        found(self.near.ask(&url, &request, patience(), judge).await)
    }

    fn container_token(&self) -> Result<Option<Secret>, Missing> {
        const FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
        match self.variables.get(FILE) {
            Some(path) => read(&path, FILE).map(Some),
            None => Ok(self.variables.secret("AWS_CONTAINER_AUTHORIZATION_TOKEN")),
        }
    }
}

fn is_near(host: &str) -> bool {
    let is_loopback = host
        .parse()
        .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    is_loopback || NEAR.contains(&host)
}
