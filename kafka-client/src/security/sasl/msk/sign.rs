//! Signatures of AWS in an address (Signature Version 4).

use std::time::SystemTime;

use crate::security::crypto::{digest, hmac};

use super::credentials::AwsCredentials;
use super::date::stamp;
use crate::security::http::escaped;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is asked for, without a body.
pub(super) struct Presigned<'a> {
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) expires_s: u64,
}

impl Presigned<'_> {
    /// The query with its signature.
    pub(super) fn query(&self, credentials: &AwsCredentials, now: SystemTime) -> String {
        let nothing = hex(digest::digest(&digest::SHA256, b"").as_ref());
        self.signed(credentials, now, &nothing)
    }

    fn signed(&self, credentials: &AwsCredentials, now: SystemTime, payload: &str) -> String {
        let stamp = stamp(now);
        let date = &stamp[..8];
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let credential = format!("{}/{scope}", credentials.access_key_id);
        let expires = self.expires_s.to_string();
        let mut query = self.query.to_vec();
        query.extend([
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &stamp),
            ("X-Amz-Expires", &expires),
            ("X-Amz-SignedHeaders", "host"),
        ]);
        let token = credentials.session_token.iter();
        query.extend(token.map(|token| ("X-Amz-Security-Token", token.expose())));
        let mut pairs: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        pairs.sort_unstable();
        let query = pairs.join("&");
        let Self { host, path, .. } = self;
        let request = format!("GET\n{path}\n{query}\nhost:{host}\n\nhost\n{payload}");
        let request = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
        let text = format!("{ALGORITHM}\n{stamp}\n{scope}\n{request}");
        let secret = credentials.secret_access_key.expose();
        let key = key(secret, &[date, self.region, self.service, "aws4_request"]);
        let signature = hex(hmac::sign(&key, text.as_bytes()).as_ref());
        format!("{query}&X-Amz-Signature={signature}")
    }
}

/// The key for a day, a region and a service.
fn key(secret: &str, parts: &[&str]) -> hmac::Key {
    let first = zeroize::Zeroizing::new(format!("AWS4{secret}"));
    let first = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
    parts.iter().fold(first, |key, part| {
        let tag = hmac::sign(&key, part.as_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref())
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::date;
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn at(text: &str) -> SystemTime {
        date::read(text).unwrap()
    }

    /// `get-vanilla` of AWS's test suite for signatures: signed in a header, so what is signed is given
    /// here as its file `get-vanilla.sts` has it.
    #[test]
    fn the_signature_of_the_test_suite() {
        let text = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n\
             bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63";
        let key = key(
            SECRET,
            &["20150830", "us-east-1", "service", "aws4_request"],
        );
        assert_eq!(
            hex(hmac::sign(&key, text.as_bytes()).as_ref()),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }

    /// The example of "Authenticating Requests: Using Query Parameters" in the documentation of S3.
    #[test]
    fn the_address_of_the_documentation() {
        let presigned = Presigned {
            host: "examplebucket.s3.amazonaws.com",
            path: "/test.txt",
            query: &[],
            region: "us-east-1",
            service: "s3",
            expires_s: 86_400,
        };
        let credentials = AwsCredentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        );
        let query = presigned.signed(&credentials, at("2013-05-24T00:00:00Z"), "UNSIGNED-PAYLOAD");
        assert_eq!(
            query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }
}
