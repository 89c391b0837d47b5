//! The little of XML that STS speaks: elements without attributes, and text.

/// What is in the first element of this name. It is looked for as text, so an element in one of the same
/// name would be misread; STS has none.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inner)
}

/// The text of an element that has no others in it.
pub(super) fn text(inner: &str) -> Option<String> {
    let mut parts = inner.trim().split('&');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';')?;
        text.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            name => {
                let number = name.strip_prefix('#')?;
                let number = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                char::from_u32(number.ok()?)?
            }
        });
        text += rest;
    }
    (!inner.contains('<') && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_and_their_text_read() {
        assert_eq!(element("<a><b>1</b></a>", "b"), Some("1"));
        assert_eq!(element("<a><b>1</a>", "b"), None);
        assert_eq!(element("", "b"), None);
        assert_eq!(text(" a&lt;&#38;&#x41;&quot; ").as_deref(), Some("a<&A\""));
        for bad in ["", "a&b", "&no;", "&#x110000;", "&#;", "<b>"] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }
}
