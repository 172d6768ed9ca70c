use std::collections::HashSet;

use super::Check;
use crate::account::User;
use crate::config::Origin;
use crate::config::declaration::{
    ApiDeclaration, IssuerDeclaration, RoleDeclaration, UserDeclaration,
};
use crate::source::suggest;

/// In characters. Usernames are often addresses, which may be almost as long.
const LONGEST_NAME: usize = 255;

impl Check<'_> {
    pub(super) fn roles(&mut self, roles: &[RoleDeclaration], apis: &[ApiDeclaration]) {
        let mut names = HashSet::new();
        for role in roles {
            let name = role.name.get_ref();
            if !is_name(name) {
                self.add(&role.name, not_a_name("a role's name"));
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
        if !is_name(username) {
            self.add(&user.username, not_a_name("a username"));
        }
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

fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

fn not_a_name(what: &str) -> String {
    format!("{what} is 1 to {LONGEST_NAME} characters, without space around it")
}
