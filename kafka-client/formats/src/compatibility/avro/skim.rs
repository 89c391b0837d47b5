//! Whether bytes are as long as they say, before anybody allocates by it.

use super::AvroModel;
use super::model::{Id, Type};

/// Values in values: whoever decodes them calls itself as often.
const DEPTH_MAX: usize = 128;

/// Items that have no bytes, such as nulls in a list: a few bytes may announce any number of them.
const EMPTY_ITEMS_MAX: usize = 100_000;

impl AvroModel {
    /// Goes over a value of this schema without reading it: each length and count is that of bytes that are there,
    /// values are nested no deeper than 128, and nothing is left behind.
    ///
    /// # Errors
    /// What is wrong, in words that go behind a name.
    pub(crate) fn skim(&self, bytes: &[u8]) -> Result<(), String> {
        let mut skimmer = Skimmer {
            types: &self.types,
            bytes,
            empty: EMPTY_ITEMS_MAX,
        };
        skimmer.value(self.root, 0)?;
        match skimmer.bytes.len() {
            0 => Ok(()),
            left => Err(format!("{left} bytes are left behind the value")),
        }
    }
}

struct Skimmer<'a> {
    types: &'a [Type],
    bytes: &'a [u8],
    /// How many items without bytes may come.
    empty: usize,
}

impl Skimmer<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("values are nested deeper than {DEPTH_MAX}"));
        }
        let types = self.types;
        match &types[id] {
            Type::Null | Type::Named(_) => Ok(()),
            Type::Boolean => self.take(1),
            Type::Int | Type::Long | Type::Enum(..) => self.number().map(drop),
            Type::Float => self.take(4),
            Type::Double => self.take(8),
            Type::Bytes | Type::String => self.text(),
            Type::Fixed(_, size) => self.take(usize::try_from(*size).unwrap_or(usize::MAX)),
            Type::Array(items) => self.items(*items, false, depth),
            Type::Map(values) => self.items(*values, true, depth),
            Type::Union(branches) => {
                let branch = usize::try_from(self.number()?).ok();
                let branch = branch.and_then(|branch| branches.get(branch));
                self.value(*branch.ok_or("a union has no such branch")?, depth + 1)
            }
            Type::Record(_, fields) => fields
                .iter()
                .try_for_each(|field| self.value(field.of, depth + 1)),
        }
    }

    fn items(&mut self, of: Id, has_keys: bool, depth: usize) -> Result<(), String> {
        loop {
            let count = self.number()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // Their size in bytes, for those who want to pass over them.
                self.number()?;
            }
            for _ in 0..count.unsigned_abs() {
                let before = self.bytes.len();
                if has_keys {
                    self.text()?;
                }
                self.value(of, depth + 1)?;
                if self.bytes.len() == before {
                    let left = self.empty.checked_sub(1);
                    self.empty = left.ok_or_else(|| {
                        format!("there are more than {EMPTY_ITEMS_MAX} items without bytes")
                    })?;
                }
            }
        }
    }

    fn text(&mut self) -> Result<(), String> {
        let length = self.number()?;
        let length = usize::try_from(length).map_err(|_| "a length is negative")?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Result<(), String> {
        let (_, rest) = self.bytes.split_at_checked(length).ok_or_else(|| {
            format!(
                "{length} bytes are announced, and {} are there",
                self.bytes.len()
            )
        })?;
        self.bytes = rest;
        Ok(())
    }

    /// A zigzag varint of 64 bits.
    fn number(&mut self) -> Result<i64, String> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.bytes.split_first().ok_or("a number does not end")?;
            self.bytes = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err("a number does not end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skim(schema: &str, bytes: &[u8]) -> Result<(), String> {
        AvroModel::parse(schema, &[]).unwrap().skim(bytes)
    }

    #[test]
    fn values_are_gone_over() {
        let record = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"},
            {"name":"b","type":["null","double"]},{"name":"c","type":{"type":"map","values":"long"}},
            {"name":"d","type":{"type":"fixed","name":"F","size":2}},{"name":"e","type":"boolean"}]}"#;
        let value = b"\x02x\x02--------\x01\x06\x02k\x80\x01\x00ff\x01";
        assert_eq!(skim(record, value), Ok(()));
        for length in 0..value.len() {
            assert!(skim(record, &value[..length]).is_err(), "{length}");
        }
        let error = skim(record, &[value, &b"x"[..]].concat()).unwrap_err();
        assert!(error.contains("1 bytes are left"), "{error}");
    }

    #[test]
    fn what_is_announced_and_not_there_is_refused() {
        let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
        let nulls = r#"{"type":"array","items":"null"}"#;
        let deep = [2_u8].repeat(1_000_000);
        for (schema, bytes, words) in [
            (
                r#""string""#,
                &b"\xfe\xff\xff\x7fx"[..],
                "are announced, and 1 are there",
            ),
            (r#""bytes""#, b"\x01", "negative"),
            (r#"["null"]"#, b"\x02", "no such branch"),
            (nulls, b"\xfe\xff\xff\xff\x0f\x00", "items without bytes"),
            (
                r#""long""#,
                b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00",
                "does not end",
            ),
            (list, &deep, "nested deeper"),
        ] {
            let error = skim(schema, bytes).unwrap_err();
            assert!(error.contains(words), "{schema}: {error}");
        }
    }
}
