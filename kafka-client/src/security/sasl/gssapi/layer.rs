//! The security layer (RFC 4752, section 3.1): what a broker offers to do with the bytes of the connection from
//! now on, and the answer: nothing. Kafka knows no other, as its channels are not wrapped; TLS is for that.

/// The bit that says: no layer.
const NONE: u8 = 1;

/// The answer to a broker's offer: no layer, so no size either, and who to act as.
///
/// # Errors
/// When the offer is none, or has a layer in any case.
pub(super) fn answer(offer: &[u8], act_as: &str) -> Result<Vec<u8>, &'static str> {
    let Ok([layers, _, _, _]) = <[u8; 4]>::try_from(offer) else {
        return Err("the broker's message about the security layer is not of four bytes");
    };
    if layers & NONE == 0 {
        return Err(
            "the broker wants to wrap what is sent (sasl.qop), which Kafka's clients do not do: use TLS \
             (SASL_SSL)",
        );
    }
    Ok([&[NONE, 0, 0, 0], act_as.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_layer_is_chosen_where_it_is_offered() {
        for offer in [[1, 0, 0, 0], [7, 0, 255, 255]] {
            let answer = answer(&offer, "alice@EXAMPLE.COM").unwrap();
            assert_eq!(answer, b"\x01\0\0\0alice@EXAMPLE.COM");
        }
    }

    #[test]
    fn a_layer_that_must_be_and_what_is_no_offer_are_refused() {
        assert!(answer(&[6, 0, 0, 1], "").unwrap_err().contains("TLS"));
        for offer in [&[][..], &[1, 0, 0], &[1, 0, 0, 0, 0]] {
            assert!(answer(offer, "").unwrap_err().contains("four bytes"));
        }
    }
}
