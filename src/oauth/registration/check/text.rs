//! Texts that people see.

use crate::protocol::is_invisible;

/// In characters.
const LONGEST_NAME: usize = 200;
const MOST_CONTACTS: usize = 10;

/// A name: any script, any emoji, one line.
pub fn name(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    short(text)
}

pub fn short(text: &str) -> Result<(), String> {
    if text.chars().count() > LONGEST_NAME {
        return Err(format!("is longer than {LONGEST_NAME} characters"));
    }
    if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err("has a control character, or one that nobody can see".to_owned());
    }
    Ok(())
}

pub fn contacts(contacts: &[String]) -> Result<(), String> {
    if contacts.len() > MOST_CONTACTS {
        return Err(format!("are more than {MOST_CONTACTS}"));
    }
    contacts.iter().try_for_each(|contact| name(contact))
}
