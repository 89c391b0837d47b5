//! The subject of a certificate as text, as Java's `X500Principal.getName()` writes it (RFC 2253):
//! it is the name of a client's principal.

/// The tags of DER that occur on the way.
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(super) const UTF8_STRING: u8 = 0x0c;
    pub(super) const PRINTABLE_STRING: u8 = 0x13;
    pub(super) const TELETEX_STRING: u8 = 0x14;
    pub(super) const IA5_STRING: u8 = 0x16;
    pub(super) const BMP_STRING: u8 = 0x1e;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    pub(super) const VERSION: u8 = 0xa0;
}

/// The attributes that RFC 2253 has words for.
const WORDS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// The subject of a certificate in DER; `None` if the bytes are no certificate.
pub(crate) fn subject(certificate: &[u8]) -> Option<String> {
    let (mut outer, _) = Der(certificate).read(tag::SEQUENCE)?;
    let (mut signed, _) = outer.read(tag::SEQUENCE)?;
    if signed.0.first() == Some(&tag::VERSION) {
        signed.read(tag::VERSION)?;
    }
    signed.read(tag::INTEGER)?;
    // The algorithm, the issuer, the validity.
    for _ in 0..3 {
        signed.read(tag::SEQUENCE)?;
    }
    let (mut subject, _) = signed.read(tag::SEQUENCE)?;
    let mut names = Vec::new();
    while !subject.0.is_empty() {
        let (mut set, _) = subject.read(tag::SET)?;
        let mut parts = Vec::new();
        while !set.0.is_empty() {
            let (mut attribute, _) = set.read(tag::SEQUENCE)?;
            parts.push(part(&mut attribute)?);
        }
        names.push(parts.join("+"));
    }
    names.reverse();
    Some(names.join(","))
}

fn part(attribute: &mut Der<'_>) -> Option<String> {
    let (id, _) = attribute.read(tag::OBJECT_IDENTIFIER)?;
    let id = dotted(id.0)?;
    let kind = *attribute.0.first()?;
    let (value, whole) = attribute.read(kind)?;
    let word = WORDS.iter().find(|(known, _)| *known == id);
    let text = match kind {
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING => {
            String::from_utf8(value.0.to_vec()).ok()
        }
        tag::TELETEX_STRING => Some(value.0.iter().copied().map(char::from).collect()),
        tag::BMP_STRING => {
            let units = value
                .0
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    };
    Some(match (word, text) {
        (Some((_, word)), Some(text)) => format!("{word}={}", escaped(&text)),
        // Without a word, Java writes the bytes of the value in hexadecimal digits.
        (word, _) => {
            let hex: String = whole.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}=#{hex}", word.map_or(&*id, |(_, word)| word))
        }
    })
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (at, next) in value.chars().enumerate() {
        let at_edge = at == 0 || at == last;
        if ",+\"\\<>;".contains(next) || (next == ' ' && at_edge) || (next == '#' && at == 0) {
            text.push('\\');
        }
        text.push(next);
    }
    text
}

fn dotted(id: &[u8]) -> Option<String> {
    let mut numbers = Vec::new();
    let mut number: u64 = 0;
    for byte in id {
        number = number.checked_mul(128)? + u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.push(first.to_string());
                number -= first * 40;
            }
            numbers.push(number.to_string());
            number = 0;
        }
    }
    Some(numbers.join("."))
}

/// What is left to read of some DER.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value, which must have this tag, and the value as a whole.
    fn read(&mut self, tag: u8) -> Option<(Der<'a>, &'a [u8])> {
        let (&found, rest) = self.0.split_first()?;
        if found != tag {
            return None;
        }
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            // No certificate is as large as four bytes can say.
            (bytes.len() <= 4).then_some(())?;
            bytes
                .iter()
                .fold(0, |length, byte| (length << 8) | usize::from(*byte))
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - after.len()];
        self.0 = after;
        Some((Der(content), whole))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    fn named(parts: Vec<(DnType, DnValue)>) -> Vec<u8> {
        let mut name = DistinguishedName::new();
        for (kind, value) in parts {
            name.push(kind, value);
        }
        let mut params = CertificateParams::default();
        params.distinguished_name = name;
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        certificate.der().to_vec()
    }

    #[test]
    fn the_last_part_comes_first() {
        let der = named(vec![
            (DnType::CountryName, "DE".into()),
            (DnType::OrganizationName, "A, B".into()),
            (DnType::CommonName, " #alice ".into()),
        ]);
        assert_eq!(subject(&der).unwrap(), "CN=\\ #alice\\ ,O=A\\, B,C=DE");
    }

    #[test]
    fn what_has_no_word_is_hexadecimal() {
        let email = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
        let der = named(vec![
            (DnType::CommonName, "#x".into()),
            (email, DnValue::Utf8String("a@b".to_owned())),
        ]);
        assert_eq!(
            subject(&der).unwrap(),
            "1.2.840.113549.1.9.1=#0c03614062,CN=\\#x"
        );
    }

    #[test]
    fn cut_and_changed_certificates_give_no_panic() {
        let der = named(vec![(DnType::CommonName, "alice".into())]);
        for cut in 0..der.len() {
            let _ = subject(&der[..cut]);
            let mut changed = der.clone();
            changed[cut] ^= 0xff;
            let _ = subject(&changed);
        }
        assert_eq!(subject(b"none"), None);
    }
}
