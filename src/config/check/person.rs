use std::collections::HashSet;

use super::{Check, is_description, is_name, is_segment, is_username};
use crate::account::{Profile, ProfileFault, User, UserClaims};
use crate::config::Origin;
use crate::config::declaration::{
    ApiDeclaration, IssuerDeclaration, RoleDeclaration, UserDeclaration,
};
use crate::source::suggest;

impl Check<'_> {
    pub(super) fn roles(&mut self, roles: &[RoleDeclaration], apis: &[ApiDeclaration]) {
        let mut names = HashSet::new();
        for role in roles {
            let name = role.name.get_ref();
            self.text(&role.name, "a role's name", is_name(name));
            self.text(&role.name, "a role's name:", is_segment(name));
            if let Some(description) = &role.description {
                let checked = is_description(description.get_ref());
                self.text(description, "a role's description", checked);
            }
            if !names.insert(name) {
                self.add(&role.name, format!("role `{name}` is declared twice"));
            }
            self.grants(&format!("role `{name}`"), &role.grants, apis, false);
        }
    }

    pub(super) fn users(&mut self, issuer: &IssuerDeclaration) {
        let mut usernames = HashSet::new();
        for user in &issuer.users {
            let username = user.username.get_ref();
            if !usernames.insert(User::canonical_username(username)) {
                self.add(
                    &user.username,
                    format!(
                        "user `{username}` is declared twice; upper and lower case are the same"
                    ),
                );
            }
            self.user(user, &issuer.roles);
        }
    }

    fn user(&mut self, user: &UserDeclaration, roles: &[RoleDeclaration]) {
        let username = user.username.get_ref();
        self.text(&user.username, "a username", is_username(username));
        match (&user.password, &user.password_hash) {
            (None, None) if user.has_no_password => {}
            (None, None) => self.add(
                &user.username,
                format!("user `{username}` needs a password, or a password_hash"),
            ),
            // A demo user's password is for the ready line; its hash is ready so that starting
            // costs nothing.
            (Some(_), Some(_)) if self.origin == Origin::File => self.add(
                &user.username,
                format!(
                    "user `{username}` has a password and a password_hash; expected one of them"
                ),
            ),
            _ => {}
        }
        if let Some(password) = &user.password
            && let Err(message) = password.read(self.folder)
        {
            self.add(&user.username, format!("password: {message}"));
        }
        self.claims(&user.claims);
        for name in user.claims.names() {
            if user
                .plain_claims()
                .any(|(plain, _)| plain == name.get_ref())
            {
                self.add(
                    name,
                    format!(
                        "claim `{}` is a key of user `{username}` already",
                        name.get_ref()
                    ),
                );
            }
        }
        for (name, kind) in user.claims().misshapen() {
            let own = user.claims.names().find(|own| own.get_ref() == name);
            self.add(
                own.unwrap_or(&user.username),
                format!(
                    "claim `{name}` of user `{username}`: expected {}",
                    kind.words()
                ),
            );
        }
        for (name, message) in profile_problems(&user.claims()) {
            let mut plain = user.plain_claims();
            let at = plain.find(|(plain, _)| *plain == name);
            let own = || user.claims.names().find(|own| own.get_ref() == name);
            let at = at.map(|(_, value)| value).or_else(own);
            self.add(
                at.unwrap_or(&user.username),
                format!("{name} of user `{username}` {message}"),
            );
        }
        for role in &user.roles {
            let known = || roles.iter().map(|role| role.name.get_ref().as_str());
            if !known().any(|known| known == role.get_ref()) {
                self.add(
                    role,
                    format!(
                        "the issuer has no role `{}`; {}",
                        role.get_ref(),
                        suggest(role.get_ref(), known())
                    ),
                );
            }
        }
    }
}

/// What is wrong with what is known of a person, by claim.
pub fn profile_problems(claims: &UserClaims) -> Vec<(&'static str, &'static str)> {
    let profile = Profile {
        // Not everybody has one: what is shown instead is the username.
        name: claims.text("name").unwrap_or("-").to_owned(),
        ..Profile::of(claims)
    };
    let faults = profile.faults().into_iter();
    let problems = faults.map(|fault| match fault {
        ProfileFault::MissingName => ("name", "is missing"),
        ProfileFault::UnusableName => (
            "name",
            "is longer than 200 characters, or has control characters",
        ),
        ProfileFault::MalformedEmail => ("email", "is not an address"),
        ProfileFault::MalformedPhoneNumber => ("phone_number", "is not a number"),
    });
    problems.collect()
}
