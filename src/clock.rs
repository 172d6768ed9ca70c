//! Time as an argument: a [`Clock`] that tests move by hand, and the one [`Timestamp`] there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant in UTC, in whole seconds.
///
/// Whole seconds are what `exp` and `iat` speak, and what both database engines compare alike:
/// SQLite orders instants as text, so a fraction or another offset would make an expired row
/// look live. The only way in is a count of seconds, so no such value can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// 9999-12-31T23:59:59Z. Later years have five digits and would sort wrongly as text.
    const LATEST: i64 = 253_402_300_799;

    /// Seconds since 1970-01-01T00:00:00Z; what lies outside years 1970 to 9999 is clamped.
    pub fn from_unix(seconds: i64) -> Self {
        let seconds = seconds.clamp(0, Self::LATEST);
        Self(OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// As a calendar date and time, for the database drivers.
    pub fn utc(self) -> OffsetDateTime {
        self.0
    }

    /// Reads `2026-11-22T09:30:00Z` (RFC 3339), or a date alone, which is its first second in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let has_time = text.contains(['T', 't']);
        let moment = if has_time {
            OffsetDateTime::parse(text, &Rfc3339)
        } else {
            OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339)
        };
        moment.ok().map(Self::from)
    }

    /// `2026-11-22T09:30:00Z` (RFC 3339).
    pub fn rfc3339(self) -> String {
        self.0.format(&Rfc3339).unwrap_or_default()
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, lifetime: Duration) -> Self {
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        Self::from_unix(self.unix().saturating_add(seconds))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        Self::from_unix(at.unix_timestamp())
    }
}

/// Tells the time. Everything that needs "now" takes it from here, once per request.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Stands still until somebody moves it.
    Manual(ManualClock),
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from(OffsetDateTime::now_utc()),
            Self::Manual(clock) => Timestamp::from_unix(clock.0.load(Ordering::Relaxed)),
        }
    }
}

/// A clock that is moved by hand; clones share the same hands.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn starting_at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.unix())))
    }

    /// Moves time forward.
    pub fn advance(&self, by: Duration) {
        let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_no_fraction_and_stays_within_four_digit_years() {
        let at = Timestamp::from(OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1_500));
        assert_eq!(at.rfc3339(), "1970-01-01T00:00:01Z");
        assert_eq!(
            Timestamp::from_unix(i64::MAX).rfc3339(),
            "9999-12-31T23:59:59Z"
        );
        assert_eq!(at + Duration::MAX, Timestamp::from_unix(Timestamp::LATEST));
    }
}
