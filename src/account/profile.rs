//! What a person may change about themselves.

use super::UserClaims;

/// Characters of a name.
const LONGEST_NAME: usize = 200;
/// Bytes of an email address (RFC 5321 §4.5.3.1.3, less its angle brackets).
const LONGEST_EMAIL: usize = 254;
const LONGEST_PHONE_NUMBER: usize = 40;
/// The shortest numbers that exist, and a few more than the 15 of E.164, for extensions.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=20;

/// A profile as its owner sees and types it. Empty is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    pub phone_number: String,
    /// A language tag (BCP 47).
    pub locale: String,
}

/// What is wrong with a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileFault {
    MissingName,
    /// Longer than 200 characters, or with control characters.
    UnusableName,
    MalformedEmail,
    MalformedPhoneNumber,
}

impl Profile {
    pub fn of(claims: &UserClaims) -> Self {
        let text = |name| claims.text(name).unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            given_name: text("given_name"),
            family_name: text("family_name"),
            email: text("email"),
            phone_number: text("phone_number"),
            locale: text("locale"),
        }
    }

    /// Everything that is wrong with it.
    pub fn faults(&self) -> Vec<ProfileFault> {
        let mut faults = Vec::new();
        if self.name.is_empty() {
            faults.push(ProfileFault::MissingName);
        }
        let names = [&self.name, &self.given_name, &self.family_name];
        if !names.iter().all(|name| is_usable_name(name)) {
            faults.push(ProfileFault::UnusableName);
        }
        if !self.email.is_empty() && !is_email(&self.email) {
            faults.push(ProfileFault::MalformedEmail);
        }
        if !self.phone_number.is_empty() && !is_phone_number(&self.phone_number) {
            faults.push(ProfileFault::MalformedPhoneNumber);
        }
        faults
    }

    /// The claims with what was typed. What is emptied is gone, and an address or number that has
    /// changed has not been verified, and says so: some clients take silence for a yes.
    pub fn applied_to(&self, claims: &UserClaims) -> UserClaims {
        let mut claims = claims.clone();
        for (name, typed, verified) in [
            ("name", &self.name, None),
            ("given_name", &self.given_name, None),
            ("family_name", &self.family_name, None),
            ("email", &self.email, Some("email_verified")),
            (
                "phone_number",
                &self.phone_number,
                Some("phone_number_verified"),
            ),
            ("locale", &self.locale, None),
        ] {
            if claims.text(name).unwrap_or_default() == typed {
                continue;
            }
            if typed.is_empty() {
                claims.0.remove(name);
            } else {
                claims.0.insert(name.to_owned(), typed.clone().into());
            }
            match verified {
                Some(verified) if typed.is_empty() => {
                    claims.0.remove(verified);
                }
                Some(verified) => {
                    claims.0.insert(verified.to_owned(), false.into());
                }
                None => {}
            }
        }
        claims
    }
}

fn is_usable_name(text: &str) -> bool {
    text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

/// Enough to catch a slip: whether an address exists only a message to it can tell.
fn is_email(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace();
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && text.len() <= LONGEST_EMAIL
            && text.chars().all(is_plain)
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    })
}

/// OIDC Core §5.1 recommends E.164; people also write spaces, brackets and an extension.
fn is_phone_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_allowed = |c: char| c.is_ascii_digit() || " +-()./;=ext".contains(c);
    PHONE_DIGITS.contains(&digits)
        && text.len() <= LONGEST_PHONE_NUMBER
        && text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_faults_are_told_at_once() {
        let profile = Profile {
            given_name: "a\u{7}".to_owned(),
            email: "ada@".to_owned(),
            phone_number: "call me".to_owned(),
            ..Profile::default()
        };
        assert_eq!(
            profile.faults(),
            [
                ProfileFault::MissingName,
                ProfileFault::UnusableName,
                ProfileFault::MalformedEmail,
                ProfileFault::MalformedPhoneNumber,
            ]
        );
        let profile = Profile {
            name: "Ada \u{202e}Example".to_owned(),
            email: "ada@clinic.example".to_owned(),
            phone_number: "+1 (604) 555-1234;ext=5678".to_owned(),
            ..Profile::default()
        };
        assert_eq!(profile.faults(), []);
    }

    #[test]
    fn a_new_address_is_not_a_verified_one() {
        let claims =
            json!({ "email": "a@b.example", "email_verified": true, "name": "Ada", "plan": 3 });
        let claims = UserClaims(claims.as_object().cloned().unwrap_or_default());
        let profile = Profile {
            name: "Ada".to_owned(),
            email: "c@d.example".to_owned(),
            ..Profile::default()
        };
        let changed = profile.applied_to(&claims);
        let expected =
            json!({ "email": "c@d.example", "email_verified": false, "name": "Ada", "plan": 3 });
        assert_eq!(Some(&changed.0), expected.as_object());
    }
}
