use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind;
use crate::security::http::testing::{Reaction, Server, answer};
use crate::security::sasl::{Sasl, SaslError};

const KEY: &str = r#"{"Code":"Success","AccessKeyId":"LENT","SecretAccessKey":"hunter2","Token":"swordfish",
    "Expiration":"2126-01-01T00:00:00Z"}"#;

const STS: &str = "<R><Credentials><SessionToken>swordfish</SessionToken><SecretAccessKey>hunter2\
    </SecretAccessKey><Expiration>2126-01-01T00:00:00Z</Expiration><AccessKeyId>ROLE</AccessKeyId>\
    </Credentials></R>";

/// A machine with files and variables of its own.
struct Machine {
    files: TempDir,
    variables: HashMap<String, String>,
    server: Server,
}

impl Machine {
    fn new(reactions: impl IntoIterator<Item = Reaction>) -> Self {
        let files = tempfile::tempdir().unwrap();
        fs::create_dir(files.path().join(".aws")).unwrap();
        let home = ("HOME".to_owned(), files.path().display().to_string());
        Self {
            files,
            variables: HashMap::from([home]),
            server: Server::new(reactions),
        }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a file in the home directory; its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.files.path().join(Path::new(name));
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// With a file whose path is in a variable.
    fn with_file(self, variable: &str, text: &str) -> Self {
        let path = self.file("token", text);
        self.set(variable, &path)
    }

    /// The signed address that a broker is shown.
    async fn address(&self, msk: MskIam) -> Result<String, SaslError> {
        let variables = self.variables.clone();
        let msk = MskIam {
            variables: Some(Variables::new(move |name| variables.get(name).cloned())),
            ..msk
        };
        let mechanism = Sasl::msk_iam(msk)
            .mechanism(&self.server.env())
            .await
            .unwrap();
        let message = String::from_utf8(mechanism.begin("broker").await?.message).unwrap();
        let token = message.strip_prefix("n,,\u{1}auth=Bearer ").unwrap();
        let token = token.strip_suffix("\u{1}\u{1}").unwrap();
        Ok(String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap())
    }

    /// Who has signed it.
    async fn signer(&self) -> Result<String, SaslError> {
        let address = self.address(MskIam::new().region("eu-central-1")).await?;
        let (_, rest) = address.split_once("X-Amz-Credential=").unwrap();
        Ok(rest.split("%2F").next().unwrap().to_owned())
    }

    /// Why there is nobody to sign; whether that is final.
    async fn refusal(&self) -> (String, bool) {
        let error = self.signer().await.unwrap_err();
        let text = error.to_string();
        for secret in ["hunter2", "swordfish"] {
            assert!(!text.contains(secret), "{text}");
        }
        (text, matches!(error, SaslError::Refused(_)))
    }
}

#[tokio::test(start_paused = true)]
async fn the_sources_are_asked_in_order() {
    let mut machine = Machine::new([
        answer(200, "session"),
        answer(200, "role"),
        answer(200, KEY),
    ]);
    assert_eq!(machine.signer().await.unwrap(), "LENT");
    machine = Machine::new([answer(200, KEY)]).set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    assert_eq!(machine.signer().await.unwrap(), "LENT");
    assert_eq!(machine.server.dialed(), ["169.254.170.2:80"]);
    machine.file(
        ".aws/credentials",
        "[default]\naws_access_key_id=PROFILE\naws_secret_access_key=hunter2\n",
    );
    assert_eq!(machine.signer().await.unwrap(), "PROFILE");
    machine.server = Server::new([answer(200, STS)]);
    machine = machine
        .with_file("AWS_WEB_IDENTITY_TOKEN_FILE", "swordfish")
        .set("AWS_ENDPOINT_URL_STS", "http://sts.example")
        .set("AWS_ROLE_ARN", "arn:aws:iam::1:role/r");
    assert_eq!(machine.signer().await.unwrap(), "ROLE");
    machine = machine
        .set("AWS_ACCESS_KEY_ID", "VARIABLE")
        .set("AWS_SECRET_ACCESS_KEY", "hunter2");
    assert_eq!(machine.signer().await.unwrap(), "VARIABLE");
}

#[tokio::test(start_paused = true)]
async fn the_session_token_is_part_of_what_is_signed() {
    let machine = Machine::new([Reaction::Refusal])
        .set("AWS_ACCESS_KEY_ID", "VARIABLE")
        .set("AWS_SECRET_ACCESS_KEY", "hunter2")
        .set("AWS_SESSION_TOKEN", "sword/fish")
        .set("AWS_DEFAULT_REGION", "eu-central-1");
    let address = machine.address(MskIam::new()).await.unwrap();
    assert!(
        address.starts_with("https://kafka.eu-central-1.amazonaws.com/?"),
        "{address}"
    );
    assert!(
        address.contains("X-Amz-Security-Token=sword%2Ffish&"),
        "{address}"
    );
    assert!(machine.server.dialed().is_empty());
}

/// Whether a broker of MSK would take it: what was signed is made again from the address alone, as AWS
/// documents it, with another implementation of the hash.
fn is_signed_with(address: &str, secret: &str) -> bool {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};

    let mac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let hash = |text: &str| hex(&Sha256::digest(text.as_bytes()));
    let rest = address.strip_prefix("https://").unwrap();
    let (host, query) = rest.split_once("/?").unwrap();
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .collect();
    let find = |name: &str| pairs.iter().find(|(found, _)| *found == name).unwrap().1;
    let (signature, stamp) = (
        find("X-Amz-Signature").to_owned(),
        find("X-Amz-Date").to_owned(),
    );
    let credential = find("X-Amz-Credential").replace("%2F", "/");
    let (_, scope) = credential.split_once('/').unwrap();
    assert_eq!(find("Action"), "kafka-cluster%3AConnect");
    assert_eq!(find("X-Amz-Expires"), "900");
    assert!(find("User-Agent").starts_with("kafka-client-rust"));
    pairs.retain(|(name, _)| !matches!(*name, "X-Amz-Signature" | "User-Agent"));
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = format!(
        "GET\n/\n{}\nhost:{host}\n\nhost\n{}",
        pairs.join("&"),
        hash("")
    );
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hash(&request));
    let first = format!("AWS4{secret}").into_bytes();
    let key = scope.split('/').fold(first, |key, part| mac(&key, part));
    hex(&mac(&key, &text)) == signature
}

#[tokio::test(start_paused = true)]
async fn what_is_signed_is_checked_by_another_implementation() {
    let mut machine = Machine::new([answer(200, "s"), answer(200, "r"), answer(200, KEY)]);
    let msk = || MskIam::new().region("ap-southeast-2");
    let lent = machine.address(msk()).await.unwrap();
    assert!(is_signed_with(&lent, "hunter2"), "{lent}");
    assert!(!is_signed_with(&lent, "hunter3"));
    assert!(!is_signed_with(
        &lent.replace("Token=swordfish", "Token=sawfish"),
        "hunter2"
    ));
    machine = machine
        .set("AWS_ACCESS_KEY_ID", "VARIABLE")
        .set("AWS_SECRET_ACCESS_KEY", "hun/ter+2");
    let own = machine.address(msk()).await.unwrap();
    assert!(is_signed_with(&own, "hun/ter+2"), "{own}");
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_asked_for_a_session_a_role_and_its_key() {
    let machine = Machine::new([
        Reaction::Refusal,
        answer(200, "ses-sion"),
        answer(503, ""),
        answer(200, "my-role\n"),
        answer(200, KEY),
    ])
    .set(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "http://imds.example:1338/",
    );
    assert_eq!(machine.signer().await.unwrap(), "LENT");
    let requests = machine.server.requests();
    let [session, _, roles, key] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert!(
        session.starts_with("PUT /latest/api/token HTTP/1.1\r\n"),
        "{session}"
    );
    assert!(
        session.contains("x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"),
        "{session}"
    );
    let roles_path = "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n";
    assert!(roles.starts_with(roles_path), "{roles}");
    let key_path = "GET /latest/meta-data/iam/security-credentials/my-role HTTP/1.1\r\n";
    assert!(key.starts_with(key_path), "{key}");
    for request in [roles, key] {
        assert!(
            request.contains("x-aws-ec2-metadata-token: ses-sion\r\n"),
            "{request}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_does_not_answer_says_so() {
    for (reactions, words, is_final) in [
        (
            vec![Reaction::Refusal],
            "cannot connect to http://169.254.169.254/latest",
            false,
        ),
        (vec![Reaction::Silence], "does not answer within 2s", false),
        (vec![answer(403, "")], "answers 403", true),
        (vec![answer(200, "")], "without a token", true),
        (vec![answer(200, "s"), answer(404, "")], "answers 404", true),
        (
            vec![answer(200, "s"), answer(200, "\n")],
            "without a role",
            true,
        ),
        (
            vec![answer(200, "s"), answer(200, "../x")],
            "no role is called",
            true,
        ),
        (
            vec![answer(200, "s"), answer(200, "r"), answer(200, "hunter2")],
            "without credentials",
            true,
        ),
    ] {
        let (text, refused) = Machine::new(reactions).refusal().await;
        assert!(text.contains(words), "{text}");
        assert!(
            text.contains("the environment: AWS_ACCESS_KEY_ID is not set"),
            "{text}"
        );
        assert!(text.contains("the machine (IMDS)"), "{text}");
        assert_eq!(refused, is_final, "{text}");
    }
    let machine = Machine::new([Reaction::Refusal]).set("AWS_EC2_METADATA_DISABLED", "true");
    let (text, refused) = machine.refusal().await;
    for source in [
        "AWS_ACCESS_KEY_ID is not set",
        "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
        "no profile default",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_EC2_METADATA_DISABLED is true",
    ] {
        assert!(refused && text.contains(source), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_shows_its_token() {
    let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let machine = Machine::new([answer(200, KEY)])
        .set(full, "http://169.254.170.23/v1/credentials")
        .with_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "swordfish\n");
    assert_eq!(machine.signer().await.unwrap(), "LENT");
    let request = &machine.server.requests()[0];
    assert!(
        request.starts_with("GET /v1/credentials HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("authorization: swordfish\r\n"),
        "{request}"
    );
    for near in ["http://127.0.0.1:1/", "http://[::1]/", "http://localhost/"] {
        assert!(
            Machine::new([answer(200, KEY)])
                .set(full, near)
                .signer()
                .await
                .is_ok()
        );
    }
    let machine = Machine::new([answer(200, KEY)]).set(full, "http://elsewhere.example/");
    let (text, refused) = machine.refusal().await;
    assert!(refused && text.contains("neither https://"), "{text}");
    assert!(machine.server.dialed().is_empty());
    let machine = Machine::new([answer(200, KEY)])
        .set(full, "http://localhost/")
        .set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/no/such/token");
    let (text, refused) = machine.refusal().await;
    assert!(
        !refused && text.contains("cannot read /no/such/token"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_is_lent_for_a_token() {
    let machine = |reaction| {
        Machine::new([reaction])
            .with_file("AWS_WEB_IDENTITY_TOKEN_FILE", "swordfish\n")
            .set("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
            .set("AWS_ROLE_SESSION_NAME", "session")
            .set("AWS_ENDPOINT_URL_STS", "http://sts.example")
    };
    let good = machine(answer(200, STS));
    assert_eq!(good.signer().await.unwrap(), "ROLE");
    let request = &good.server.requests()[0];
    assert!(
        request.ends_with(
            "\r\n\r\nAction=AssumeRoleWithWebIdentity&Version=2011-06-15\
             &RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=session\
             &WebIdentityToken=swordfish"
        ),
        "{request}"
    );
    let refusal =
        "<E><Error><Code>AccessDenied</Code><Message>swordfish is old</Message></Error></E>";
    for (reaction, words, is_final) in [
        (
            answer(403, refusal),
            "answers 403: AccessDenied: [hidden] is old",
            true,
        ),
        (answer(200, "<html>"), "without credentials", true),
        (answer(500, ""), "answers 500", false),
        (Reaction::Silence, "does not answer", false),
    ] {
        let (text, refused) = machine(reaction).refusal().await;
        assert!(text.contains(words), "{text}");
        assert_eq!(refused, is_final, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn profiles_have_keys_or_are_refused_with_their_way() {
    let machine = Machine::new([answer(200, STS)]);
    machine.file(
        ".aws/config",
        "[default]\nregion = eu-west-1\n[profile two]\nsso_session = x\n[profile three]\n\
         role_arn = r\nsource_profile = two\n[profile four]\naws_access_key_id = FOUR\n",
    );
    machine.file(
        ".aws/credentials",
        "[one]\naws_access_key_id=ONE\naws_secret_access_key=hunter2\naws_session_token=swordfish\n\
         [four]\naws_secret_access_key=hunter2\n[five]\naws_access_key_id=FIVE\n",
    );
    let sign = async |profile: &str| {
        machine
            .address(MskIam::new().profile(profile).region("eu"))
            .await
    };
    assert!(sign("one").await.unwrap().contains("Credential=ONE%2F"));
    assert!(
        sign("one")
            .await
            .unwrap()
            .contains("Security-Token=swordfish")
    );
    assert!(sign("four").await.unwrap().contains("Credential=FOUR%2F"));
    for (profile, words) in [
        ("two", "the profile two has sso_session"),
        ("three", "the profile three has role_arn"),
        ("five", "no aws_secret_access_key"),
        ("six", "there is no profile six"),
    ] {
        let error = sign(profile).await.unwrap_err();
        assert!(matches!(error, SaslError::Refused(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    // One that is named is not passed over, nor is what it lacks taken from elsewhere.
    let machine = machine.set("AWS_PROFILE", "six");
    let (text, refused) = machine.refusal().await;
    assert!(
        refused && text.contains("there is no profile six"),
        "{text}"
    );
    let machine = machine
        .set("AWS_PROFILE", "default")
        .set("AWS_EC2_METADATA_DISABLED", "true");
    let (text, _) = machine.refusal().await;
    assert!(
        text.contains("the profile default has no aws_access_key_id"),
        "{text}"
    );
    // Its region is taken.
    let machine = machine
        .set("AWS_ACCESS_KEY_ID", "V")
        .set("AWS_SECRET_ACCESS_KEY", "hunter2");
    let address = machine.address(MskIam::new()).await.unwrap();
    assert!(address.contains("kafka.eu-west-1."), "{address}");
}

#[tokio::test(start_paused = true)]
async fn half_a_key_is_a_mistake() {
    for (name, other) in [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY is not"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID is not"),
    ] {
        let machine = Machine::new([answer(200, KEY)]).set(name, "hunter2");
        let (text, refused) = machine.refusal().await;
        assert!(refused && text.contains(other), "{text}");
        assert!(machine.server.dialed().is_empty());
    }
}

#[tokio::test]
async fn a_region_is_needed_and_has_no_odd_characters() {
    for msk in [
        MskIam::new(),
        MskIam::new().region("eu/central"),
        MskIam::new().region(" "),
    ] {
        let msk = MskIam {
            variables: Some(Variables::new(|_| None)),
            ..msk
        };
        let env = Server::new([Reaction::Refusal]).env();
        let error = Sasl::msk_iam(msk).mechanism(&env).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("AWS_REGION"), "{error}");
    }
}

#[tokio::test]
async fn a_provider_of_the_users_takes_the_place_of_all() {
    let machine = Machine::new([Reaction::Refusal]).set("AWS_ACCESS_KEY_ID", "VARIABLE");
    let msk = MskIam::new().region("eu").credentials(|| async {
        let end = SystemTime::now() + Duration::from_secs(3600);
        Ok(AwsCredentials::new("MINE", "hunter2").expires_at(end))
    });
    assert!(!format!("{msk:?}").contains("hunter2"));
    assert!(
        machine
            .address(msk)
            .await
            .unwrap()
            .contains("Credential=MINE%2F")
    );
    let msk = MskIam::new()
        .region("eu")
        .credentials(|| async { Err("the SDK is out".into()) });
    let error = machine.address(msk).await.unwrap_err();
    assert!(matches!(error, SaslError::Unavailable(_)));
    assert!(error.to_string().contains("the SDK is out"), "{error}");
}
