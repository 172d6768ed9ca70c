//! The database itself, for commands that need no running server.

use super::{Failed, fail, misused};
use crate::clock::Clock;
use crate::config::ConfigFile;
use crate::entropy::Entropy;
use crate::keys::{Keyring, SecretKey};
use crate::oauth::Core;
use crate::outgoing::Outgoing;
use crate::production;
use crate::store::Store;

/// The database that the configuration names, opened with its secret key.
pub async fn open(file: &ConfigFile) -> Result<(Core, Keyring), Failed> {
    let url = production::database_url(file).map_err(misused)?;
    let secret = production::secret_key(file).map_err(misused)?;
    let keyring = Keyring::new(SecretKey::derive(&secret).map_err(fail)?);
    let store = Store::open(&url).await.map_err(fail)?;
    let (clock, entropy) = (Clock::System, Entropy::System);
    let outgoing = Outgoing::new(false);
    let core = Core::new(store, &keyring.secret_key, clock, entropy, outgoing);
    Ok((core, keyring))
}
