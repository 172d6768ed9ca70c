//! Texts that people see: what a configuration and the admin API ask of them alike.

use toml::Spanned;

use super::Check;
use crate::account::User;
use crate::protocol::is_invisible;

/// Characters of a name.
const LONGEST_NAME: usize = 255;
/// Bytes of a username in the form in which it is looked for: nobody signs in with a longer one.
const LONGEST_USERNAME: usize = 256;
/// Characters of what is told about something.
const LONGEST_TEXT: usize = 2000;

/// Whether it is a name: one line that people can tell from others.
///
/// # Errors
/// Why not.
pub fn is_name(text: &str) -> Result<(), String> {
    let is_odd = |c: char| c.is_control() || is_invisible(c);
    if text.trim().is_empty() {
        Err("is missing".to_owned())
    } else if text.trim() != text {
        Err("begins or ends with a space".to_owned())
    } else if text.chars().count() > LONGEST_NAME {
        Err(format!("is longer than {LONGEST_NAME} characters"))
    } else if text.chars().any(is_odd) {
        Err("has characters that nobody can see".to_owned())
    } else {
        Ok(())
    }
}

/// Whether somebody can sign in under it.
///
/// # Errors
/// Why not.
pub fn is_username(text: &str) -> Result<(), String> {
    is_name(text)?;
    if User::canonical_username(text).len() > LONGEST_USERNAME {
        return Err(format!("is longer than {LONGEST_USERNAME} bytes"));
    }
    Ok(())
}

/// Whether something of this name has a place of its own in the admin API.
///
/// # Errors
/// Why not.
pub fn is_segment(text: &str) -> Result<(), String> {
    if [".", ".."].contains(&text) {
        return Err("in a URL this means another place".to_owned());
    }
    Ok(())
}

/// Whether it can be told about something: any text, lines included.
///
/// # Errors
/// Why not.
pub fn is_description(text: &str) -> Result<(), String> {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > LONGEST_TEXT {
        Err(format!("is longer than {LONGEST_TEXT} characters"))
    } else if text.chars().any(is_odd) {
        Err("has control characters".to_owned())
    } else {
        Ok(())
    }
}

impl Check<'_> {
    /// `what` is the text that is checked, for the message: "a username".
    pub(super) fn text<T>(&mut self, at: &Spanned<T>, what: &str, checked: Result<(), String>) {
        if let Err(message) = checked {
            self.add(at, format!("{what} {message}"));
        }
    }

    /// A name that is there for people, beside an ID. Empty is none.
    pub(super) fn display_name(&mut self, what: &str, name: &Option<Spanned<String>>) {
        if let Some(name) = name
            && !name.get_ref().is_empty()
        {
            self.text(name, what, is_name(name.get_ref()));
        }
    }
}
