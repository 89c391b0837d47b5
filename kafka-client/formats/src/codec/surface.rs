//! The calls that all codecs have: one text for one promise.

/// Gives a codec with a `core`, `payload`, `header_payload` and `value` its public calls.
macro_rules! codec_calls {
    ($codec:ident, [$($write:tt)*], [$($read:tt)*]) => {
        impl<T> $codec<T> {
            /// The subject of the schema.
            #[must_use]
            pub fn subject(&self) -> &str {
                &self.core.subject
            }

            /// The type's own schema.
            #[must_use]
            pub fn schema(&self) -> &$crate::schema::Schema {
                self.core.schema()
            }

            /// Settles under which id values are written, as [`Register`](crate::codec::Register) says: once, when a
            /// program starts.
            ///
            /// # Errors
            /// When the registry does not have or does not take the schema, or is not reached.
            ///
            /// # Cancel safety
            /// Cancel safe: the next call goes on.
            pub async fn prepare(&self) -> Result<(), CodecError> {
                self.core.prepare().await
            }

            /// Reads the schema that these bytes were written with, if it was not read before.
            ///
            /// # Errors
            /// When the bytes name no schema, or the registry does not give it.
            ///
            /// # Cancel safety
            /// Cancel safe.
            pub async fn load<'a>(&self, encoded: impl Into<Encoded<'a>>) -> Result<(), CodecError> {
                let split = self.core.split(&encoded.into())?;
                self.core.load(split.id).await?;
                Ok(())
            }
        }

        impl<$($write)*> $codec<T> {
            /// Appends a value to `out`, behind its schema's id unless that goes into a header. On an error nothing
            /// is appended.
            ///
            /// # Errors
            /// When the value does not fit the schema, or [`prepare`](Self::prepare) was not called.
            pub fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
                self.core.encode(out, |parsed, out| self.payload(parsed, value, out))
            }

            /// As [`encode`](Self::encode), and settles the id before, if that is not done.
            ///
            /// # Errors
            /// Those of [`encode`](Self::encode) and [`prepare`](Self::prepare).
            ///
            /// # Cancel safety
            /// Cancel safe: nothing is appended.
            pub async fn write(&self, value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
                self.core.resolve().await?;
                self.encode(value, out)
            }

            /// The header that goes with each value, its name and its bytes; `None` if the id is before the payload.
            ///
            /// # Errors
            /// When [`prepare`](Self::prepare) was not called.
            pub fn header(&self) -> Result<Option<(&'static str, Vec<u8>)>, CodecError> {
                let writer = self.core.writer()?;
                let mut bytes = writer.prefix.clone();
                self.header_payload(&writer.parsed, &mut bytes);
                Ok(self.core.has_header().then(|| (self.core.header_name(), bytes)))
            }
        }

        impl<$($read)*> $codec<T> {
            /// Reads a value.
            ///
            /// # Errors
            /// When the bytes are not such a value; [`NotLoaded`](CodecErrorKind::NotLoaded) if the schema that they
            /// were written with was not read before, by [`load`](Self::load).
            pub fn decode<'a>(&self, encoded: impl Into<Encoded<'a>>) -> Result<T, CodecError> {
                let split = self.core.split(&encoded.into())?;
                let parsed = self.core.reader(split.id)?;
                self.value(&parsed, &split)
            }

            /// As [`decode`](Self::decode), and reads the schema before, if it was not.
            ///
            /// # Errors
            /// Those of [`decode`](Self::decode) and [`load`](Self::load).
            ///
            /// # Cancel safety
            /// Cancel safe.
            pub async fn read<'a>(&self, encoded: impl Into<Encoded<'a>>) -> Result<T, CodecError> {
                let split = self.core.split(&encoded.into())?;
                let parsed = self.core.load(split.id).await?;
                self.value(&parsed, &split)
            }
        }
    };
}
