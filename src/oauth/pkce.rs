//! Proof Key for Code Exchange (RFC 7636).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use subtle::ConstantTimeEq;

use crate::account::CodeChallenge;
use crate::dialect::{PkcePolicy, PkceRequirement};
use crate::issuer::Client;
use crate::protocol::{Fault, Parameters, PkceMethod, parameter};
use crate::secret::Digest;

/// What both a verifier and a challenge may be (RFC 7636 §4.1, §4.2).
fn is_well_formed(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// The challenge of an authorization request.
///
/// # Errors
/// `MissingCodeChallenge` where the dialect wants one of this client, `MalformedCodeChallenge`,
/// `UnsupportedCodeChallengeMethod`.
pub(super) fn challenge(
    policy: &PkcePolicy,
    client: &Client,
    parameters: &Parameters,
) -> Result<Option<CodeChallenge>, Fault> {
    let is_required = match policy.required {
        PkceRequirement::Always => true,
        PkceRequirement::Public => client.is_public(),
        PkceRequirement::Never => false,
    };
    let method = parameters.find(parameter::CODE_CHALLENGE_METHOD);
    let Some(challenge) = parameters.find(parameter::CODE_CHALLENGE) else {
        return if is_required || method.is_some() {
            Err(Fault::MissingCodeChallenge)
        } else {
            Ok(None)
        };
    };
    // RFC 7636 §4.3: without a method it is plain.
    let name = method.unwrap_or(PkceMethod::Plain.as_str());
    let method = PkceMethod::find(name)
        .filter(|method| policy.methods.contains(method))
        .ok_or_else(|| Fault::UnsupportedCodeChallengeMethod {
            method: name.to_owned(),
        })?;
    if !is_well_formed(challenge) {
        return Err(Fault::MalformedCodeChallenge);
    }
    Ok(Some(CodeChallenge {
        challenge: challenge.to_owned(),
        method,
    }))
}

/// # Errors
/// `MalformedCodeVerifier`, `WrongCodeVerifier`.
pub(super) fn verify(challenge: &CodeChallenge, verifier: &str) -> Result<(), Fault> {
    if !is_well_formed(verifier) {
        return Err(Fault::MalformedCodeVerifier);
    }
    let computed = match challenge.method {
        PkceMethod::Plain => verifier.to_owned(),
        PkceMethod::S256 => BASE64URL.encode(Digest::of(verifier.as_bytes()).as_bytes()),
    };
    let is_same = computed.as_bytes().ct_eq(challenge.challenge.as_bytes());
    if is_same.into() {
        Ok(())
    } else {
        Err(Fault::WrongCodeVerifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let challenge = CodeChallenge {
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            method: PkceMethod::S256,
        };
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(verify(&challenge, verifier), Ok(()));
        let other = verifier.replace('d', "e");
        assert_eq!(verify(&challenge, &other), Err(Fault::WrongCodeVerifier));
        assert_eq!(
            verify(&challenge, "short"),
            Err(Fault::MalformedCodeVerifier)
        );
    }
}
