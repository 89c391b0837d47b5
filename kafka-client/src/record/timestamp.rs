use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::FieldError;
use super::outgoing::unix_ms;

/// A type that can be a record's timestamp: [`SystemTime`], `i64` milliseconds since the Unix
/// epoch, or `Option` of those, where `None` leaves the time to the producer.
///
/// Implement it for the type of your time library:
///
/// ```
/// use kafka_client::record::{FieldError, KafkaTimestamp};
///
/// struct Moment {
///     ms: i64,
/// }
///
/// impl KafkaTimestamp for Moment {
///     fn timestamp_ms(&self) -> Result<Option<i64>, FieldError> {
///         self.ms.timestamp_ms()
///     }
///     fn from_timestamp_ms(ms: i64) -> Result<Self, FieldError> {
///         Ok(Self { ms })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a record's timestamp",
    label = "not a timestamp type",
    note = "use `SystemTime`, `i64` (milliseconds since the Unix epoch), or `Option` of those",
    note = "implement `kafka_client::record::KafkaTimestamp` for a time type of your own"
)]
pub trait KafkaTimestamp: Sized {
    /// Milliseconds since the Unix epoch; `None` leaves the time to the producer.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if the time is before 1970, which Kafka does not allow.
    fn timestamp_ms(&self) -> Result<Option<i64>, FieldError>;

    /// The time at which `ms` milliseconds since the Unix epoch had passed; never negative. Used
    /// for a field with `#[kafka(timestamp(only))]`, which is read from the record's timestamp.
    ///
    /// # Errors
    ///
    /// [`FieldError`] if this type cannot hold that time.
    fn from_timestamp_ms(ms: i64) -> Result<Self, FieldError>;

    /// What stands for a record without a timestamp. Defaults to `None`: nothing does.
    fn missing() -> Option<Self> {
        None
    }
}

impl KafkaTimestamp for SystemTime {
    fn timestamp_ms(&self) -> Result<Option<i64>, FieldError> {
        unix_ms(*self).timestamp_ms()
    }

    fn from_timestamp_ms(ms: i64) -> Result<Self, FieldError> {
        let after = u64::try_from(ms).map(Duration::from_millis);
        let at = after.ok().and_then(|after| UNIX_EPOCH.checked_add(after));
        at.ok_or_else(|| FieldError::new(format!("{ms} ms is no time of this system")))
    }
}

impl KafkaTimestamp for i64 {
    fn timestamp_ms(&self) -> Result<Option<i64>, FieldError> {
        if *self < 0 {
            let what = format!("{self} ms is before 1970, which a Kafka timestamp cannot be");
            return Err(FieldError::new(what));
        }
        Ok(Some(*self))
    }

    fn from_timestamp_ms(ms: i64) -> Result<Self, FieldError> {
        Ok(ms)
    }
}

impl<T: KafkaTimestamp> KafkaTimestamp for Option<T> {
    fn timestamp_ms(&self) -> Result<Option<i64>, FieldError> {
        self.as_ref().map_or(Ok(None), T::timestamp_ms)
    }

    fn from_timestamp_ms(ms: i64) -> Result<Self, FieldError> {
        T::from_timestamp_ms(ms).map(Some)
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_and_never_before_1970() {
        let at = UNIX_EPOCH + Duration::from_micros(1_500_999);
        assert_eq!(at.timestamp_ms(), Ok(Some(1_500)));
        assert_eq!(Some(7_i64).timestamp_ms(), Ok(Some(7)));
        assert_eq!(None::<SystemTime>.timestamp_ms(), Ok(None));
        assert!((-1_i64).timestamp_ms().is_err());
        assert!(
            (UNIX_EPOCH - Duration::from_nanos(1))
                .timestamp_ms()
                .is_err()
        );
    }

    #[test]
    fn times_read_back() {
        let at = UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!(SystemTime::from_timestamp_ms(1_500), Ok(at));
        assert_eq!(Option::<SystemTime>::from_timestamp_ms(1_500), Ok(Some(at)));
        assert_eq!(i64::from_timestamp_ms(7), Ok(7));
        assert!(SystemTime::from_timestamp_ms(-1).is_err());
        assert_eq!(Option::<i64>::missing(), Some(None));
        assert_eq!(i64::missing(), None);
    }
}
