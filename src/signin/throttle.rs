//! How long somebody has to wait after attempts that failed. Pure rules.

use std::time::Duration;

use crate::clock::Timestamp;

/// Attempts are forgotten when none has been made for this long.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// How attempts against one thing are slowed down.
#[derive(Debug, Clone, Copy)]
pub struct Throttle {
    /// So many failures cost nothing: people mistype.
    free: u64,
    /// The delay doubles from a second up to this.
    longest: Duration,
}

/// Against an account. The longest delay is short, because whoever knows a username can cause it:
/// it must not lock the owner out.
pub const ACCOUNT: Throttle = Throttle {
    free: 5,
    longest: Duration::from_secs(60),
};

/// From an address. A clinic may share one, so it takes more.
pub const ADDRESS: Throttle = Throttle {
    free: 30,
    longest: Duration::from_secs(300),
};

impl Throttle {
    /// How long to wait before the next attempt, `None` when it may be made now.
    pub fn wait(&self, failures: u64, last_at: Timestamp, now: Timestamp) -> Option<Duration> {
        let waits_until = last_at + self.delay(failures);
        let seconds = waits_until.unix() - now.unix();
        u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs)
    }

    fn delay(&self, failures: u64) -> Duration {
        match failures.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(surplus) => {
                let doublings = u32::try_from(surplus.min(20)).unwrap_or(20);
                Duration::from_secs(1 << doublings).min(self.longest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end() {
        let at = Timestamp::from_unix(1_000_000);
        let wait = |failures| ACCOUNT.wait(failures, at, at).map(|wait| wait.as_secs());
        assert_eq!([0, 4].map(wait), [None, None]);
        assert_eq!([5, 6, 7, 8].map(wait), [1, 2, 4, 8].map(Some));
        assert_eq!([50, u64::MAX].map(wait), [Some(60), Some(60)]);
        assert_eq!(ACCOUNT.wait(6, at, at + Duration::from_secs(2)), None);
    }
}
