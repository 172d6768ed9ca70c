//! How long somebody has to wait after attempts that failed. Pure rules.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Timestamp;

/// How attempts against one thing are slowed down.
#[derive(Debug, Clone, Copy)]
pub struct Throttle {
    /// So many failures cost nothing: people mistype.
    free: u64,
    /// The delay doubles from a second up to this.
    longest: Duration,
    /// How long it takes for one failure to be forgotten.
    forgets_one_in: Duration,
}

/// Against an account. The longest delay is short, because whoever knows a username can cause it:
/// it must not lock the owner out for long.
pub const ACCOUNT: Throttle = Throttle {
    free: 5,
    longest: Duration::from_secs(60),
    forgets_one_in: Duration::from_secs(600),
};

/// From an address. A clinic may share one, so it takes more, and forgets sooner.
pub const ADDRESS: Throttle = Throttle {
    free: 30,
    longest: Duration::from_secs(300),
    forgets_one_in: Duration::from_secs(30),
};

impl Throttle {
    /// How many of the failures still count.
    pub fn remembered(&self, failures: u64, last_at: Timestamp, now: Timestamp) -> u64 {
        let passed = u64::try_from(now.unix() - last_at.unix()).unwrap_or(0);
        failures.saturating_sub(passed / self.forgets_one_in.as_secs().max(1))
    }

    /// How long to wait before the next attempt, `None` when it may be made now.
    pub fn wait(&self, failures: u64, last_at: Timestamp, now: Timestamp) -> Option<Duration> {
        let remembered = self.remembered(failures, last_at, now);
        let waits_until = last_at + self.delay(remembered);
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

/// So many of something in an hour, and then as they are forgotten, one by one.
#[derive(Debug, Clone, Copy)]
pub struct HourlyLimit(pub u64);

impl HourlyLimit {
    const fn forgets_one_in(self) -> u64 {
        3600 / if self.0 == 0 { 1 } else { self.0 }
    }

    /// How many still count.
    pub fn remembered(self, made: u64, last_at: Timestamp, now: Timestamp) -> u64 {
        let passed = u64::try_from(now.unix() - last_at.unix()).unwrap_or(0);
        made.saturating_sub(passed / self.forgets_one_in().max(1))
    }

    /// How long to wait before the next, `None` when it may be now.
    pub fn wait(self, remembered: u64) -> Option<Duration> {
        let surplus = (remembered + 1).saturating_sub(self.0);
        (surplus > 0).then(|| Duration::from_secs(surplus.saturating_mul(self.forgets_one_in())))
    }
}

/// What attempts from an address count against: the address, or the /64 of an IPv6 one, because
/// whoever has one of those has them all.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
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

    #[test]
    fn failures_are_forgotten_one_by_one() {
        let at = Timestamp::from_unix(1_000_000);
        let after = |seconds| ADDRESS.remembered(31, at, at + Duration::from_secs(seconds));
        assert_eq!([0, 29, 30, 900, 4000].map(after), [31, 31, 30, 1, 0]);
    }

    #[test]
    fn an_hour_takes_so_many_and_forgets_them_one_by_one() {
        let limit = HourlyLimit(60);
        assert_eq!(limit.wait(59), None);
        assert_eq!(limit.wait(60), Some(Duration::from_secs(60)));
        let at = Timestamp::from_unix(1_000_000);
        let after = |seconds| limit.remembered(60, at, at + Duration::from_secs(seconds));
        assert_eq!([0, 59, 60, 3600, 99_999].map(after), [60, 60, 59, 0, 0]);
    }

    #[test]
    fn whoever_has_an_ipv6_network_counts_once() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
