//! How many clients may be registered from one network.

use std::net::IpAddr;

use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::oauth::Refusal;
use crate::protocol::Fault;
use crate::secret::Digest;
use crate::signin::throttle::{HourlyLimit, network};
use crate::store::Tx;

/// Enough for a test suite, and for every developer of a company behind one address.
const REGISTRATIONS: HourlyLimit = HourlyLimit(100);

/// Counts one more registration from a network; those made at once wait for each other.
///
/// # Errors
/// `RegistrationThrottled`, with nothing counted.
pub async fn count(
    tx: &mut Tx,
    issuer: IssuerId,
    address: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let network = address
        .parse::<IpAddr>()
        .map_or_else(|_| address.to_owned(), network);
    let against = Digest::of(format!("registration:{network}").as_bytes());
    let (made, last_at) = tx.lock_attempts(issuer, &against, now).await?;
    let remembered = REGISTRATIONS.remembered(made, last_at, now);
    if let Some(wait) = REGISTRATIONS.wait(remembered) {
        return Err(Fault::RegistrationThrottled {
            seconds: wait.as_secs(),
        }
        .into());
    }
    tx.set_attempts(issuer, &against, remembered + 1, now)
        .await?;
    Ok(())
}
