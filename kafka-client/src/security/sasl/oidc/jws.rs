//! Signed texts (RFC 7515), with whatever cryptography TLS has.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use serde_json::{Map, Value};
use std::sync::Arc;
use zeroize::Zeroizing;

use super::assertion::Algorithm;
use crate::security::tls::provider;

/// Half of a signature with P-256.
const HALF: usize = 32;

/// A key of a private text, ready to sign.
///
/// # Errors
/// When it is none for this algorithm. Nothing of it is shown.
pub(super) fn key(
    key: PrivateKeyDer<'static>,
    algorithm: Algorithm,
) -> Result<Arc<dyn SigningKey>, String> {
    let key = provider().key_provider.load_private_key(key);
    let key = key.map_err(|error| format!("the key cannot be used: {error}"))?;
    match key.choose_scheme(&[scheme(algorithm)]) {
        Some(_) => Ok(key),
        None => Err(format!(
            "the key cannot sign with {}, which takes {}",
            algorithm.name(),
            match algorithm {
                Algorithm::Rs256 => "an RSA key",
                Algorithm::Es256 => "an EC key with the curve P-256",
            }
        )),
    }
}

fn scheme(algorithm: Algorithm) -> SignatureScheme {
    match algorithm {
        Algorithm::Rs256 => SignatureScheme::RSA_PKCS1_SHA256,
        Algorithm::Es256 => SignatureScheme::ECDSA_NISTP256_SHA256,
    }
}

/// Header and payload, signed: a JWT.
///
/// # Errors
/// When the key does not sign.
pub(super) fn sign(
    key: &dyn SigningKey,
    algorithm: Algorithm,
    header: &Map<String, Value>,
    payload: &Map<String, Value>,
) -> Result<Zeroizing<String>, String> {
    let part = |map: &Map<String, Value>| {
        let text = serde_json::to_string(map).map_err(|error| error.to_string())?;
        Ok::<_, String>(URL_SAFE_NO_PAD.encode(text))
    };
    let text = format!("{}.{}", part(header)?, part(payload)?);
    let signer = key.choose_scheme(&[scheme(algorithm)]);
    let signer = signer.ok_or("the key cannot sign")?;
    let signature = signer.sign(text.as_bytes());
    let signature = signature.map_err(|error| format!("the key does not sign: {error}"))?;
    let signature = match algorithm {
        Algorithm::Rs256 => signature,
        Algorithm::Es256 => fixed(&signature).ok_or("the key gives no signature of ECDSA")?,
    };
    let signature = URL_SAFE_NO_PAD.encode(signature);
    Ok(Zeroizing::new(format!("{text}.{signature}")))
}

/// The two numbers of a signature side by side, as JWS has them, of the sequence that TLS has.
fn fixed(der: &[u8]) -> Option<Vec<u8>> {
    // A sequence of less than 128 bytes with two integers in it.
    let [0x30, length, inner @ ..] = der else {
        return None;
    };
    (inner.len() == usize::from(*length)).then_some(())?;
    let (first, rest) = integer(inner)?;
    let (second, rest) = integer(rest)?;
    rest.is_empty().then(|| [first, second].concat())
}

/// The integer at the beginning, in 32 bytes, and what is behind it.
fn integer(der: &[u8]) -> Option<([u8; HALF], &[u8])> {
    let [0x02, length, rest @ ..] = der else {
        return None;
    };
    let (mut digits, rest) = rest.split_at_checked(usize::from(*length))?;
    // A zero keeps a number with its first bit set from being negative.
    while let [0, more @ ..] = digits {
        digits = more;
    }
    let mut number = [0; HALF];
    let begin = HALF.checked_sub(digits.len())?;
    number[begin..].copy_from_slice(digits);
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_of_tls_become_those_of_jws() {
        // One number that is short, one that has a zero before it.
        let mut der = vec![0x30, 2 + 1 + 2 + 33, 0x02, 1, 7, 0x02, 33, 0];
        der.extend([0xff; 32]);
        let mut expected = vec![0; 31];
        expected.push(7);
        expected.extend([0xff; 32]);
        assert_eq!(fixed(&der), Some(expected));
        for end in 0..der.len() {
            assert_eq!(fixed(&der[..end]), None);
        }
        let too_long = [&[0x30, 38, 0x02, 33][..], &[1; 33], &[0x02, 1, 1]].concat();
        assert_eq!(fixed(&too_long), None);
        der.push(0);
        assert_eq!(fixed(&der), None);
    }
}
