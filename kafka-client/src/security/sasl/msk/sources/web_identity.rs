//! A role that is lent for a token of somebody else's, such as Kubernetes in EKS (IRSA).

use std::time::{Duration, SystemTime};

use super::{Found, Missing, Sources, read, xml};
use crate::security::http::{Answer, Failure, Request, Retries, Url, form};
use crate::security::sasl::msk::{AwsCredentials, date};

const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

impl Sources {
    pub(super) async fn web_identity(&self) -> Found {
        let file = self.variables.get(FILE);
        let role = self.variables.get("AWS_ROLE_ARN");
        let session = self.variables.get("AWS_ROLE_SESSION_NAME");
        match (file, role) {
            (Some(file), Some(role)) => self.assume(&file, &role, session.as_deref()).await,
            (Some(_), None) => Err(Missing::stop(format!(
                "{FILE} is set, but AWS_ROLE_ARN is not"
            ))),
            (None, _) => Err(Missing::Absent(format!("{FILE} is not set"))),
        }
    }

    /// Asks STS for the role.
    pub(super) async fn assume(&self, file: &str, role: &str, session: Option<&str>) -> Found {
        let mut endpoint = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"].iter();
        let endpoint = endpoint.find_map(|name| self.variables.get(name));
        let endpoint = endpoint.unwrap_or_else(|| {
            let suffix = match self.region.starts_with("cn-") {
                true => "amazonaws.com.cn",
                false => "amazonaws.com",
            };
            format!("https://sts.{}.{suffix}/", self.region)
        });
        let url = Url::parse(endpoint.trim());
        let url = url.map_err(|what| Missing::stop(format!("AWS_ENDPOINT_URL_STS {what}")))?;
        let token = read(file, FILE)?;
        // It is what CloudTrail shows.
        let now = self.http.env().system_time();
        let now = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let made = format!("kafka-client-{}", now.as_millis());
        let request = Request::post(form([
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role.trim()),
            ("RoleSessionName", session.map_or(&*made, str::trim)),
            ("WebIdentityToken", token.expose()),
        ]));
        let retries = Retries::new(Duration::from_millis(100), Duration::from_secs(5));
        let judge =
            |answer: &Answer| judge(&url, answer).map_err(|failure| failure.without([&token]));
        let asked = self.http.ask(&url, &request, retries, judge).await;
        asked.map_err(Missing::Failed)
    }
}

fn judge(url: &Url, answer: &Answer) -> Result<AwsCredentials, Failure> {
    let text = answer.text().unwrap_or_default();
    if !answer.status.is_success() {
        return Err(Failure::status(url, answer.status, &words(text)));
    }
    credentials(text).ok_or_else(|| Failure::stop(format!("{url} answers without credentials")))
}

fn credentials(text: &str) -> Option<AwsCredentials> {
    let inner = xml::element(text, "Credentials")?;
    let word = |name: &str| xml::text(xml::element(inner, name)?);
    let credentials = AwsCredentials::new(word("AccessKeyId")?, word("SecretAccessKey")?);
    let credentials = credentials.session_token(word("SessionToken")?);
    let end = word("Expiration").as_deref().and_then(date::read);
    Some(match end {
        Some(end) => credentials.expires_at(end),
        None => credentials,
    })
}

/// Why STS refuses.
fn words(text: &str) -> String {
    let inner = xml::element(text, "Error").unwrap_or_default();
    let word = |name: &str| xml::text(xml::element(inner, name)?);
    let words = match (word("Code"), word("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => String::new(),
    };
    let words = words.chars().take(300);
    words
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the documentation of STS has it.
    const GOOD: &str = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n\
        <AssumeRoleWithWebIdentityResult>\n<SubjectFromWebIdentityToken>s</SubjectFromWebIdentityToken>\n\
        <Credentials>\n<SessionToken>tok&amp;en</SessionToken>\n<SecretAccessKey>secret</SecretAccessKey>\n\
        <Expiration>2014-10-24T23:00:23Z</Expiration>\n<AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>\n\
        </Credentials>\n</AssumeRoleWithWebIdentityResult>\n</AssumeRoleWithWebIdentityResponse>";

    #[test]
    fn credentials_are_read_or_there_are_none() {
        let read = credentials(GOOD).unwrap();
        assert_eq!(read.access_key_id, "ASgeIAIOSFODNN7EXAMPLE");
        assert_eq!(read.session_token.unwrap().expose(), "tok&en");
        assert_eq!(read.expires_at, date::read("2014-10-24T23:00:23Z"));
        for name in [
            "SessionToken",
            "SecretAccessKey",
            "AccessKeyId",
            "Credentials",
        ] {
            assert!(credentials(&GOOD.replace(name, "x")).is_none(), "{name}");
        }
        for end in 0..GOOD.find("</Credentials>").unwrap() {
            assert!(credentials(&GOOD[..end]).is_none());
        }
    }

    #[test]
    fn refusals_are_told() {
        let text = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code>\
            <Message>No OpenIDConnect provider\nfound</Message></Error></ErrorResponse>";
        assert_eq!(
            words(text),
            "InvalidIdentityToken: No OpenIDConnect provider found"
        );
        assert_eq!(words("garbage"), "");
    }
}
