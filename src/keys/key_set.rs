//! The keys of one issuer: which signs, and whether a token is one of theirs.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value as Json};

use super::signing_key::{KeyMaterial, SigningKey, UnusableKey};
use crate::dialect::Dialect;
use crate::protocol::SigningAlg;

/// An issuer's signing keys, the preferred one first, and their JWKS as it is sent.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<SigningKey>,
    verifiers: Vec<Verifier>,
    jwks: Vec<u8>,
}

struct Verifier {
    kid: String,
    x5t: String,
    key: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({})", self.kid)
    }
}

/// A token that no key of this issuer made.
#[derive(Debug, thiserror::Error)]
#[error("not a token this issuer signed")]
pub struct TokenRejected;

impl KeySet {
    pub fn new(materials: &[KeyMaterial], dialect: &Dialect) -> Result<Self, UnusableKey> {
        let mut keys = Vec::new();
        let mut verifiers = Vec::new();
        for material in materials {
            let key = SigningKey::new(material, dialect)?;
            verifiers.push(Verifier {
                kid: key.kid().to_owned(),
                x5t: key.x5t().to_owned(),
                key: key
                    .decoding_key()
                    .map_err(|_| UnusableKey("its public key cannot be read back"))?,
                validation: signature_only(key.alg()),
            });
            keys.push(key);
        }
        let keys_json: Vec<Vec<u8>> = keys
            .iter()
            .map(|key| dialect.jwks.key.render(key))
            .collect();
        let jwks = [b"{\"keys\":[", keys_json.join(&b","[..]).as_slice(), b"]}"].concat();
        Ok(Self {
            keys,
            verifiers,
            jwks,
        })
    }

    /// The key for `alg`, or the preferred one. `None` when there is no such key.
    pub fn find(&self, alg: Option<SigningAlg>) -> Option<&SigningKey> {
        match alg {
            None => self.keys.first(),
            Some(alg) => self.keys.iter().find(|key| key.alg() == alg),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter()
    }

    /// The JSON Web Key Set (RFC 7517 §5) as bytes.
    pub fn jwks(&self) -> &[u8] {
        &self.jwks
    }

    /// The claims of a JWT that one of these keys signed. Says nothing about time, issuer or
    /// audience: that is for the caller, who has the clock.
    pub fn verify(&self, token: &str) -> Result<Map<String, Json>, TokenRejected> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenRejected)?;
        // The key alone decides the algorithm; what the header claims is never asked.
        let verifier = self
            .verifiers
            .iter()
            .find(|verifier| {
                let named = header.kid.as_deref();
                named == Some(&verifier.kid) || named == Some(&verifier.x5t)
            })
            .ok_or(TokenRejected)?;
        jsonwebtoken::decode(token, &verifier.key, &verifier.validation)
            .map(|data| data.claims)
            .map_err(|_| TokenRejected)
    }
}

fn signature_only(alg: SigningAlg) -> Validation {
    let mut validation = Validation::new(match alg {
        SigningAlg::RS256 => Algorithm::RS256,
        SigningAlg::ES256 => Algorithm::ES256,
        SigningAlg::EdDSA => Algorithm::EdDSA,
    });
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}
