//! Profiles in the files that AWS's command line writes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::{Found, Missing, Sources, home};
use crate::security::Secret;
use crate::security::sasl::msk::AwsCredentials;

/// Other ways of a profile to credentials, which need the SDK of AWS or other programs.
const OTHER_WAYS: [&str; 7] = [
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "source_profile",
    "sso_session",
    "sso_start_url",
];

impl Sources {
    fn profile_name(&self) -> (String, bool) {
        let name = self
            .profile
            .clone()
            .or_else(|| self.variables.get("AWS_PROFILE"));
        match name {
            Some(name) => (name.trim().to_owned(), true),
            None => ("default".to_owned(), false),
        }
    }

    /// What both files have of the profile. Those of the first one count.
    fn profile_settings(&self) -> io::Result<Option<BTreeMap<String, Secret>>> {
        let (name, _) = self.profile_name();
        let file = |variable: &str, name: &str| {
            let path = self.variables.get(variable).map(PathBuf::from);
            path.or_else(|| Some(home(&self.variables)?.join(".aws").join(name)))
        };
        let config = file("AWS_CONFIG_FILE", "config");
        let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let mut found: Option<BTreeMap<String, Secret>> = None;
        for (path, is_config) in [(config, true), (credentials, false)] {
            let Some(path) = path else { continue };
            let text = match fs::read_to_string(&path) {
                Ok(text) => Secret::from(text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let text = format!("cannot read {}: {error}", path.display());
                    return Err(io::Error::new(error.kind(), text));
                }
            };
            if let Some(section) = section(text.expose(), &name, is_config) {
                found.get_or_insert_default().extend(section);
            }
        }
        Ok(found)
    }

    pub(super) fn profile_region(&self) -> Option<String> {
        let settings = self.profile_settings().ok()??;
        Some(settings.get("region")?.expose().to_owned())
    }

    pub(super) async fn profile(&self) -> Found {
        let (name, is_wanted) = self.profile_name();
        let settings = self.profile_settings();
        let settings = settings.map_err(|error| Missing::stop(error.to_string()))?;
        let Some(mut settings) = settings else {
            let reason =
                format!("there is no profile {name} in ~/.aws/credentials and ~/.aws/config");
            return Err(match is_wanted {
                true => Missing::stop(reason),
                false => Missing::Absent(reason),
            });
        };
        let id = settings.remove("aws_access_key_id");
        let secret = settings.remove("aws_secret_access_key");
        let file = settings.get("web_identity_token_file");
        let role = settings.get("role_arn");
        if let (Some(file), Some(role)) = (file, role) {
            let session = settings.get("role_session_name").map(Secret::expose);
            return self.assume(file.expose(), role.expose(), session).await;
        }
        if let Some(way) = OTHER_WAYS.iter().find(|way| settings.contains_key(**way)) {
            return Err(Missing::stop(format!(
                "the profile {name} has {way}, which this client does not follow: use MskIam::credentials with \
                 the SDK of AWS, or give the profile a key"
            )));
        }
        match (id, secret) {
            (Some(id), Some(secret)) => {
                let credentials = AwsCredentials::new(id.expose(), secret);
                Ok(match settings.remove("aws_session_token") {
                    Some(token) => credentials.session_token(token),
                    None => credentials,
                })
            }
            (None, None) if !is_wanted => Err(Missing::Absent(format!(
                "the profile {name} has no aws_access_key_id"
            ))),
            (None, _) => Err(Missing::stop(format!(
                "the profile {name} has no aws_access_key_id"
            ))),
            (Some(_), None) => Err(Missing::stop(format!(
                "the profile {name} has an aws_access_key_id, but no aws_secret_access_key"
            ))),
        }
    }
}

/// The settings of a profile in a file, if it is there. In `config`, all but `default` are called
/// `profile <name>`.
fn section(text: &str, name: &str, is_config: bool) -> Option<BTreeMap<String, Secret>> {
    let mut found: Option<BTreeMap<String, Secret>> = None;
    let mut is_inside = false;
    for line in text.lines() {
        // Settings of settings are indented, and nothing of what is looked for.
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(title) = line.strip_prefix('[') {
            let title = title.split(']').next().unwrap_or_default().trim();
            let bare = match title.strip_prefix("profile") {
                Some(bare) if is_config && bare.starts_with([' ', '\t']) => Some(bare.trim()),
                _ if !is_config || title == "default" => Some(title),
                _ => None,
            };
            is_inside = bare == Some(name);
            if is_inside {
                found.get_or_insert_default();
            }
        } else if is_inside
            && !is_nested
            && let Some((key, value)) = line.split_once('=')
        {
            let key = key.trim().to_ascii_lowercase();
            found
                .get_or_insert_default()
                .insert(key, Secret::from(value.trim()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_told_apart() {
        let text = "# comment\n[default]\naws_access_key_id = one\n; more\n\n[profile two]\nregion=eu\n\
             s3 =\n  region = nested\naws_access_key_id=two=2\n[sso-session two]\nregion = other\n\
             [two]\nregion = wrong\n[ profile  three ] # x\nregion = us";
        let value = |name: &str, is_config, key: &str| {
            let section = section(text, name, is_config)?;
            Some(section.get(key)?.expose().to_owned())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(value("default", true, "aws_access_key_id"), some("one"));
        assert_eq!(value("two", true, "region"), some("eu"));
        assert_eq!(value("two", true, "aws_access_key_id"), some("two=2"));
        assert_eq!(value("three", true, "region"), some("us"));
        assert_eq!(value("two", false, "region"), some("wrong"));
        assert!(section(text, "four", true).is_none());
        assert!(section(text, "profile two", true).is_none());
    }
}
