//! Amazon MSK with IAM, by the names that AWS's library for Java has.

use super::Sasl;
use super::jaas::Jaas;
use super::properties::Properties;
use crate::error::Error;

const PACKAGE: &str = "software.amazon.msk.auth.iam.";
const OAUTH_HANDLER: &str = "IAMOAuthBearerLoginCallbackHandler";

/// The properties that may name a class of that library.
const HANDLERS: [&str; 2] = [
    "sasl.login.callback.handler.class",
    "sasl.client.callback.handler.class",
];

impl Properties {
    /// Whether the tokens of OAUTHBEARER are those of MSK.
    pub(super) fn is_msk(&self) -> bool {
        let handler = self.get(HANDLERS[0]);
        handler.is_some_and(|class| class.expose().trim() == format!("{PACKAGE}{OAUTH_HANDLER}"))
    }

    /// The mechanism `AWS_MSK_IAM`, which is OAUTHBEARER here: the same listeners take both.
    pub(super) fn with_msk(&mut self, jaas: Option<Jaas>) -> Result<Sasl, Error> {
        for property in HANDLERS {
            let Some(class) = self.take(property) else {
                continue;
            };
            let class = class.expose().trim();
            let name = class.strip_prefix(PACKAGE);
            if !matches!(name, Some("IAMClientCallbackHandler" | OAUTH_HANDLER)) {
                return Err(Error::config(format!(
                    "{property}={class}: with Amazon MSK it is a class of {PACKAGE}*"
                )));
            }
        }
        let mut profile = None;
        if let Some(mut jaas) = jaas {
            if !matches!(&*jaas.module, "IAMLoginModule" | "OAuthBearerLoginModule") {
                return Err(Error::config(format!(
                    "sasl.jaas.config has {}, and Amazon MSK takes IAMLoginModule",
                    jaas.module
                )));
            }
            profile = jaas.take("awsProfileName");
            jaas.finish()?;
        }
        msk(profile.as_ref().map(|name| name.expose().trim()))
    }
}

#[cfg(feature = "aws-msk")]
fn msk(profile: Option<&str>) -> Result<Sasl, Error> {
    let msk = super::MskIam::new();
    Ok(Sasl::msk_iam(match profile {
        Some(name) => msk.profile(name),
        None => msk,
    }))
}

#[cfg(not(feature = "aws-msk"))]
fn msk(_: Option<&str>) -> Result<Sasl, Error> {
    Err(Error::config(
        "Amazon MSK with IAM: this build signs no tokens of AWS: build kafka-client with the feature aws-msk",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::properties::from_properties;
    use super::super::{Secret, Security};
    use super::*;

    const IAM: &str = "sasl.mechanism=AWS_MSK_IAM\n\
        sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required awsProfileName=\"staging\";\n\
        sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler";

    const OAUTH: &str = "sasl.mechanism=OAUTHBEARER\n\
        sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
        awsProfileName=\"staging\";\n\
        sasl.login.callback.handler.class=software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler\n\
        sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler";

    fn read(text: &str) -> Result<Security, Error> {
        let text = format!("security.protocol=SASL_PLAINTEXT\n{text}");
        from_properties(text.lines().filter_map(|line| {
            let (name, value) = line.trim().split_once('=')?;
            Some((name.to_owned(), Secret::from(value)))
        }))
    }

    #[test]
    #[cfg(feature = "aws-msk")]
    fn both_ways_of_java_are_taken() {
        for text in [IAM, OAUTH] {
            let sasl = format!("{:?}", read(text).unwrap().sasl);
            assert!(
                sasl.contains("OAUTHBEARER") && sasl.contains("staging"),
                "{sasl}"
            );
        }
    }

    #[test]
    #[cfg(not(feature = "aws-msk"))]
    fn a_feature_is_needed() {
        for text in [IAM, OAUTH] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("the feature aws-msk"), "{error}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (text, words) in [
            (
                IAM.replace("IAMClientCallbackHandler", "Other"),
                "iam.Other",
            ),
            (
                IAM.replace("IAMLoginModule", "PlainLoginModule"),
                "takes IAMLoginModule",
            ),
            (IAM.replace("awsProfileName", "awsRoleArn"), "awsRoleArn"),
            (format!("{IAM}\nsasl.username=hunter2"), "no effect"),
        ] {
            #[cfg(not(feature = "aws-msk"))]
            if words == "no effect" {
                continue;
            }
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(
                !error.contains("hunter2") && !error.contains("staging"),
                "{error}"
            );
        }
    }
}
