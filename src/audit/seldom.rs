use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::secret::Digest;

/// Lets through what strangers can cause as often as they like, once in a while for each cause: so
/// that a flood of them leaves a trace, and cannot wash away everything else. Clones share it.
#[derive(Clone, Default)]
pub struct Seldom(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    causes: HashMap<[u8; 32], Noted>,
    /// When there will be causes that may be forgotten.
    full_until: Option<Timestamp>,
}

struct Noted {
    at: Timestamp,
    left_out: u64,
}

/// So much time lies between two of a cause.
const BETWEEN: Duration = Duration::from_secs(60);

/// Causes that are known at the same time. More are left out: it is a flood in any case.
const MOST: usize = 10_000;

impl Seldom {
    /// How many of this cause were left out since the last that was let through; `None` when this
    /// one is to be left out as well.
    pub fn admit(&self, cause: &[&str], now: Timestamp) -> Option<u64> {
        let key = *Digest::of(cause.join("\n").as_bytes()).as_bytes();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(noted) = known.causes.get_mut(&key) {
            if now < noted.at + BETWEEN {
                noted.left_out += 1;
                return None;
            }
            noted.at = now;
            return Some(std::mem::take(&mut noted.left_out));
        }
        if known.causes.len() >= MOST {
            // Not looked through for every one of a flood.
            if known.full_until.is_some_and(|until| now < until) {
                return None;
            }
            known.causes.retain(|_, noted| now < noted.at + BETWEEN);
            let oldest = known.causes.values().map(|noted| noted.at).min();
            known.full_until = oldest.map(|oldest| oldest + BETWEEN);
        }
        if known.causes.len() >= MOST {
            return None;
        }
        known.causes.insert(
            key,
            Noted {
                at: now,
                left_out: 0,
            },
        );
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_cause_a_minute_and_how_many_were_left_out() {
        let seldom = Seldom::default();
        let at = Timestamp::from_unix;
        assert_eq!(seldom.admit(&["a", "b"], at(0)), Some(0));
        assert_eq!(seldom.admit(&["a", "c"], at(0)), Some(0));
        assert_eq!(seldom.admit(&["a", "b"], at(1)), None);
        assert_eq!(seldom.admit(&["a", "b"], at(59)), None);
        assert_eq!(seldom.admit(&["a", "b"], at(60)), Some(2));
        assert_eq!(seldom.admit(&["a", "b"], at(120)), Some(0));
    }

    #[test]
    fn a_flood_of_causes_is_bounded_and_passes() {
        let seldom = Seldom::default();
        let now = Timestamp::from_unix(0);
        let admitted = (0..2 * MOST)
            .filter(|cause| seldom.admit(&[&cause.to_string()], now).is_some())
            .count();
        assert_eq!(admitted, MOST);
        assert_eq!(seldom.admit(&["later"], now + BETWEEN), Some(0));
    }
}
