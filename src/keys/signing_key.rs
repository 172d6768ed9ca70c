//! One signing key: parsed once, ready to sign.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD as BASE64, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use zeroize::Zeroizing;

use crate::dialect::template::{JsonTemplate, Lookup, Value};
use crate::dialect::{Dialect, HeaderWord, KeyWord};
use crate::protocol::SigningAlg;
use crate::secret::Digest;

/// A private key and its certificate, as they rest.
#[derive(Clone)]
pub struct KeyMaterial {
    pub alg: SigningAlg,
    /// PKCS#8, DER.
    pub private_key: Zeroizing<Vec<u8>>,
    /// A self-signed certificate, DER. Nobody checks it; some vendors' clients look the key up
    /// by it (`x5t`, `x5c`).
    pub certificate: Vec<u8>,
}

impl std::fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyMaterial({})", self.alg.as_str())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a signing key cannot be used: {0}")]
pub struct UnusableKey(pub(crate) &'static str);

impl KeyMaterial {
    /// A new key; an RSA one takes a good part of a second.
    pub fn generate(alg: SigningAlg, issuer_name: &str) -> Result<Self, UnusableKey> {
        let failed = |_| UnusableKey("generating it failed");
        let private_key = match alg {
            SigningAlg::RS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                der.as_ref().to_vec()
            }
            SigningAlg::ES256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                    .map_err(failed)?
                    .as_ref()
                    .to_vec()
            }
            SigningAlg::EdDSA => Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                .map_err(failed)?
                .as_ref()
                .to_vec(),
        };
        let private_key = Zeroizing::new(private_key);
        let certificate = self_signed(&private_key, issuer_name)
            .map_err(|_| UnusableKey("making its certificate failed"))?;
        Ok(Self {
            alg,
            private_key,
            certificate,
        })
    }
}

fn self_signed(private_key: &[u8], issuer_name: &str) -> Result<Vec<u8>, rcgen::Error> {
    let pair = rcgen::KeyPair::try_from(private_key)?;
    let mut params = rcgen::CertificateParams::default();
    let mut name = rcgen::DistinguishedName::new();
    name.push(rcgen::DnType::CommonName, issuer_name);
    params.distinguished_name = name;
    Ok(params.self_signed(&pair)?.der().to_vec())
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key that signs, with everything constant about its tokens prepared.
pub struct SigningKey {
    pair: Pair,
    public: PublicMembers,
    certificate: Vec<u8>,
    x5t: String,
    kid: String,
    headers: Headers,
}

/// What a JWT is, which its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtKind {
    AccessToken,
    /// An ID token, or UserInfo as a JWT.
    IdToken,
    LogoutToken,
}

/// For each kind, base64url of the JWT header, and the dot after it.
#[derive(Default)]
struct Headers {
    access_token: String,
    id_token: String,
    logout_token: String,
}

/// The members of a public JWK (RFC 7518 §6), base64url.
enum PublicMembers {
    Rsa { n: String, e: String },
    Ec { x: String, y: String },
    Ed { x: String },
}

impl SigningKey {
    /// Parses the key, which is what must not happen for every signature.
    pub fn new(material: &KeyMaterial, dialect: &Dialect) -> Result<Self, UnusableKey> {
        let der = material.private_key.as_slice();
        let unreadable = |_| UnusableKey("it is not a PKCS#8 key of its algorithm");
        let (pair, public) = match material.alg {
            SigningAlg::RS256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(unreadable)?;
                let key = pair.public_key();
                let public = PublicMembers::Rsa {
                    n: BASE64URL.encode(key.modulus().big_endian_without_leading_zero()),
                    e: BASE64URL.encode(key.exponent().big_endian_without_leading_zero()),
                };
                (Pair::Rsa(Box::new(pair)), public)
            }
            SigningAlg::ES256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map_err(unreadable)?;
                // An uncompressed point: 0x04, then x and y of 32 bytes each.
                let point = pair.public_key().as_ref();
                let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
                    return Err(UnusableKey("its public key is not a P-256 point"));
                };
                let public = PublicMembers::Ec {
                    x: BASE64URL.encode(x),
                    y: BASE64URL.encode(y),
                };
                (Pair::Ec(pair), public)
            }
            SigningAlg::EdDSA => {
                let pair = Ed25519KeyPair::from_pkcs8(der).map_err(unreadable)?;
                let public = PublicMembers::Ed {
                    x: BASE64URL.encode(pair.public_key().as_ref()),
                };
                (Pair::Ed(pair), public)
            }
        };
        let mut key = Self {
            kid: public.thumbprint(),
            pair,
            public,
            x5t: BASE64URL.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &material.certificate)),
            certificate: material.certificate.clone(),
            headers: Headers::default(),
        };
        let header =
            |template: &JsonTemplate<HeaderWord>| BASE64URL.encode(template.render(&key)) + ".";
        key.headers = Headers {
            access_token: header(&dialect.access_token.header),
            id_token: header(&dialect.id_token.header),
            logout_token: header(&dialect.logout.token_header),
        };
        Ok(key)
    }

    pub fn alg(&self) -> SigningAlg {
        match self.pair {
            Pair::Rsa(_) => SigningAlg::RS256,
            Pair::Ec(_) => SigningAlg::ES256,
            Pair::Ed(_) => SigningAlg::EdDSA,
        }
    }

    /// The RFC 7638 thumbprint of the public key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The SHA-1 thumbprint of its certificate (RFC 7515 §4.1.7), which some dialects use as `kid`.
    pub fn x5t(&self) -> &str {
        &self.x5t
    }

    /// A JWS in compact serialization over `claims`, which is JSON (RFC 7515 §7.1).
    pub fn sign(&self, kind: JwtKind, claims: &[u8]) -> Result<String, UnusableKey> {
        let failed = |_| UnusableKey("signing failed");
        let header = match kind {
            JwtKind::AccessToken => &self.headers.access_token,
            JwtKind::IdToken => &self.headers.id_token,
            JwtKind::LogoutToken => &self.headers.logout_token,
        };
        let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + 360);
        token.push_str(header);
        BASE64URL.encode_string(claims, &mut token);
        let random = SystemRandom::new();
        let input = token.as_bytes();
        // The largest signature here: RSA with a 2048-bit key.
        let mut rsa = [0; 256];
        let ec;
        let ed;
        let signature: &[u8] = match &self.pair {
            Pair::Rsa(pair) => {
                let signature = rsa
                    .get_mut(..pair.public_modulus_len())
                    .ok_or(UnusableKey("its modulus is longer than 2048 bits"))?;
                pair.sign(&RSA_PKCS1_SHA256, &random, input, signature)
                    .map_err(failed)?;
                signature
            }
            Pair::Ec(pair) => {
                ec = pair.sign(&random, input).map_err(failed)?;
                ec.as_ref()
            }
            Pair::Ed(pair) => {
                ed = pair.sign(input);
                ed.as_ref()
            }
        };
        let mut encoded = BASE64URL.encode(signature);
        encoded.insert(0, '.');
        token.push_str(&encoded);
        Ok(token)
    }

    /// `at_hash` of an access token (OIDC Core §3.1.3.6): the left half of the hash that this
    /// key's algorithm uses. Ed25519 uses SHA-512.
    pub fn half_hash(&self, token: &str) -> String {
        let algorithm = match self.alg() {
            SigningAlg::RS256 | SigningAlg::ES256 => &SHA256,
            SigningAlg::EdDSA => &SHA512,
        };
        let hash = digest(algorithm, token.as_bytes());
        let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
        BASE64URL.encode(left)
    }

    /// The public key for whoever verifies.
    pub fn decoding_key(&self) -> Result<jsonwebtoken::DecodingKey, jsonwebtoken::errors::Error> {
        use jsonwebtoken::DecodingKey;
        match &self.public {
            PublicMembers::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
            PublicMembers::Ec { x, y } => DecodingKey::from_ec_components(x, y),
            PublicMembers::Ed { x } => DecodingKey::from_ed_components(x),
        }
    }
}

impl PublicMembers {
    /// RFC 7638 §3: SHA-256 over the required members, in the order of their names.
    fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { x, y } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Ed { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        BASE64URL.encode(Digest::of(canonical.as_bytes()).as_bytes())
    }
}

impl Lookup<HeaderWord> for SigningKey {
    fn value(&self, word: HeaderWord) -> Value<'_> {
        Value::text(match word {
            HeaderWord::Alg => self.alg().as_str(),
            HeaderWord::Kid => &self.kid,
            HeaderWord::X5t => &self.x5t,
        })
    }
}

impl Lookup<KeyWord> for SigningKey {
    fn value(&self, word: KeyWord) -> Value<'_> {
        use PublicMembers::{Ec, Ed, Rsa};
        match (word, &self.public) {
            (KeyWord::Alg, _) => Value::text(self.alg().as_str()),
            (KeyWord::Kid, _) => Value::text(&self.kid),
            (KeyWord::X5t, _) => Value::text(&self.x5t),
            (KeyWord::X5c, _) => Value::List(vec![BASE64.encode(&self.certificate)].into()),
            (KeyWord::Kty, Rsa { .. }) => Value::text("RSA"),
            (KeyWord::Kty, Ec { .. }) => Value::text("EC"),
            (KeyWord::Kty, Ed { .. }) => Value::text("OKP"),
            (KeyWord::Crv, Ec { .. }) => Value::text("P-256"),
            (KeyWord::Crv, Ed { .. }) => Value::text("Ed25519"),
            (KeyWord::N, Rsa { n, .. }) => Value::text(n),
            (KeyWord::E, Rsa { e, .. }) => Value::text(e),
            (KeyWord::X, Ec { x, .. } | Ed { x }) => Value::text(x),
            (KeyWord::Y, Ec { y, .. }) => Value::text(y),
            (KeyWord::N | KeyWord::E, Ec { .. } | Ed { .. })
            | (KeyWord::X | KeyWord::Crv, Rsa { .. })
            | (KeyWord::Y, Rsa { .. } | Ed { .. }) => Value::Absent,
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({} {})", self.alg().as_str(), self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kid_is_the_thumbprint_of_rfc_7638() {
        // The example of RFC 7638 §3.1.
        let key = PublicMembers::Rsa {
            n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".into(),
            e: "AQAB".into(),
        };
        assert_eq!(
            key.thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }
}
