//! The GUID of a schema.

use std::fmt;
use std::str::FromStr;

/// The GUID of a schema: the same in every registry that holds the same schema.
///
/// ```
/// use kafka_client_formats::wire::Guid;
///
/// let guid: Guid = "89791762-2336-4186-9674-299b90a802e2".parse()?;
/// assert_eq!(guid.to_string(), "89791762-2336-4186-9674-299b90a802e2");
/// # Ok::<(), kafka_client_formats::wire::NotAGuid>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

/// A text that is no GUID: one has 32 digits of base 16, in groups of 8, 4, 4, 4 and 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAGuid;

impl fmt::Display for NotAGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this is no GUID: 32 digits of base 16 are wanted, in groups of 8, 4, 4, 4 and 12",
        )
    }
}

impl std::error::Error for NotAGuid {}

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let text = text.as_bytes();
        if text.len() != 36 {
            return Err(NotAGuid);
        }
        let mut bytes = [0; 16];
        let mut digits = 0;
        for (place, byte) in text.iter().enumerate() {
            if matches!(place, 8 | 13 | 18 | 23) {
                match byte {
                    b'-' => continue,
                    _ => return Err(NotAGuid),
                }
            }
            let digit = char::from(*byte).to_digit(16).ok_or(NotAGuid)?;
            let digit = u8::try_from(digit).map_err(|_| NotAGuid)?;
            bytes[digits / 2] = bytes[digits / 2] << 4 | digit;
            digits += 1;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_guid_is_refused() {
        for text in [
            "",
            "89791762-2336-4186-9674-299b90a802e",
            "89791762-2336-4186-9674-299b90a802e22",
            "8979176202336-4186-9674-299b90a802e2",
            "89791762-2336-4186-9674-299b90a802eg",
            "89791762-2336-4186-9674-299b90a802ü",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(NotAGuid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_bytes_are_the_same(bytes: [u8; 16]) {
            let guid = Guid(bytes);
            prop_assert_eq!(guid.to_string().parse(), Ok(guid));
            prop_assert_eq!(guid.to_string().to_uppercase().parse(), Ok(guid));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = text.parse::<Guid>();
        }
    }
}
