//! What `locum dev` has ready: issuers, clients, users and keys that everybody knows.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::admin::system::{self, SERVER_AUDIENCE, issuer_audience};
use crate::config::{ConfigFile, Declared, IssuerDeclaration, Origin};
use crate::keys::{KeyMaterial, Keyring, SecretKey, UnusableKey};
use crate::protocol::SigningAlg;
use crate::secret::{Secret, SecretHash};
use crate::source::{Mistake, Source};

const DEMO: &str = include_str!("demo.toml");

const CONSOLE: &str = include_str!("console.toml");

/// Who administers, and as what.
pub const ADMINISTRATORS: [(&str, &str); 3] = [
    ("admin", "owner"),
    ("manager", "manager"),
    ("auditor", "auditor"),
];

/// What signing keys are sealed with when nobody set `LOCUM_SECRET_KEY`. It hides nothing.
const SECRET_KEY: &str = "locum dev: a key everybody knows";

/// Every demo user's.
pub const PASSWORD: &str = "locum";

/// Of every demo user's password: made long ago, so that starting costs no hashing.
const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$X9Q8YZD09N+6rzYNM4dYig$hxBSipd14IySq9JcZ/a/mgSdOV1oRfdLkRZ5IxdsNpQ";

/// What `locum dev` serves: the built-in issuers, and those of the configuration; one of the same
/// name replaces ours.
pub fn issuers_with(config: &ConfigFile) -> Result<Vec<Declared>, Vec<Mistake>> {
    let own = config.resolve(Origin::File)?;
    let mut issuers = issuers()?;
    issuers.retain(|demo| {
        let name = demo.declaration.name.get_ref();
        !own.iter().any(|own| own.declaration.name.get_ref() == name)
    });
    issuers.extend(own);
    Ok(issuers)
}

/// The demo clients' secrets, each with the client's ID.
pub fn client_secrets() -> Vec<(String, Secret)> {
    // Built in, and read by every test of `locum dev`.
    let mut issuers = issuers().unwrap_or_default();
    issuers.extend(console(&[]));
    let clients = issuers
        .iter()
        .flat_map(|issuer| &issuer.declaration.clients);
    clients
        .filter_map(|client| {
            let secret = client.client_secret.as_ref()?.read(Path::new(".")).ok()?;
            Some((client.client_id.get_ref().clone(), secret))
        })
        .collect()
}

/// How a demo user's password is stored.
pub fn password_hash() -> SecretHash {
    SecretHash::Argon2id(PASSWORD_HASH.to_owned())
}

/// The built-in issuers of `locum dev`.
fn issuers() -> Result<Vec<Declared>, Vec<Mistake>> {
    let source = Source::new("demo.toml", DEMO);
    let mut file =
        ConfigFile::parse(source, PathBuf::from(".")).map_err(|mistake| vec![mistake])?;
    for issuer in &mut file.config.issuers {
        know_passwords(issuer);
    }
    file.resolve(Origin::Demo)
}

fn know_passwords(issuer: &mut IssuerDeclaration) {
    for user in &mut issuer.users {
        user.password_hash = Some(password_hash());
    }
}

/// The console of `locum dev` where there are these issuers, with administrators everybody knows.
pub fn console(issuers: &[&str]) -> Result<Declared, Mistake> {
    let audiences = issuers.iter().map(|issuer| issuer_audience(issuer));
    let grants = std::iter::once(SERVER_AUDIENCE.to_owned())
        .chain(audiences)
        .map(|audience| {
            format!("[[issuer.client.grant]]\naudience = \"{audience}\"\nscopes = \"all\"\n")
        });
    let more = std::iter::once(CONSOLE.to_owned()).chain(grants);
    let mut declared = system::declared(issuers, &more.collect::<String>(), Origin::Demo)?;
    know_passwords(&mut declared.declaration);
    Ok(declared)
}

pub fn secret_key() -> Secret {
    Secret::new(SECRET_KEY)
}

/// Keys everybody knows for the built-in issuers, new ones for others, sealed under `secret`.
pub fn keyring(secret: Secret) -> Result<Keyring, UnusableKey> {
    Ok(Keyring {
        secret_key: SecretKey::derive(&secret)?,
        well_known: well_known_key,
    })
}

macro_rules! well_known {
    ($name:literal) => {
        (
            include_bytes!(concat!("keys/", $name, ".key.der")).as_slice(),
            include_bytes!(concat!("keys/", $name, ".crt.der")).as_slice(),
        )
    };
}

/// A built-in issuer's key: made long ago, so that starting takes milliseconds.
fn well_known_key(issuer: &str, alg: SigningAlg) -> Option<KeyMaterial> {
    let (private_key, certificate) = match (issuer, alg) {
        ("photon", SigningAlg::RS256) => well_known!("photon.rs256"),
        ("medblocks", SigningAlg::RS256) => well_known!("medblocks.rs256"),
        ("nethealth", SigningAlg::RS256) => well_known!("nethealth.rs256"),
        ("clinic", SigningAlg::RS256) => well_known!("clinic.rs256"),
        ("clinic", SigningAlg::ES256) => well_known!("clinic.es256"),
        ("clinic", SigningAlg::EdDSA) => well_known!("clinic.eddsa"),
        _ => return None,
    };
    Some(KeyMaterial {
        alg,
        private_key: Zeroizing::new(private_key.to_vec()),
        certificate: certificate.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::HashingMemory;

    #[test]
    fn the_hash_is_that_of_every_demo_user() {
        let hash: SecretHash = PASSWORD_HASH.parse().unwrap();
        let issuers = issuers().unwrap();
        let users = issuers.iter().flat_map(|issuer| &issuer.declaration.users);
        let mut usernames = Vec::new();
        for user in users {
            assert_eq!(user.password_hash, Some(hash.clone()));
            let password = user.password.as_ref().unwrap();
            assert_eq!(password.read(".".as_ref()).unwrap().expose(), PASSWORD);
            usernames.push(user.username.get_ref().as_str());
        }
        assert_eq!(
            usernames,
            [
                "provider",
                "staff",
                "clinician",
                "coordinator",
                "therapist",
                "doctor",
                "receptionist"
            ]
        );
        assert!(hash.matches(&Secret::new("locum"), &mut HashingMemory::default()));
    }
}
