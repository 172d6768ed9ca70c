//! Texts that people see.

/// In characters.
const LONGEST_NAME: usize = 200;
const MOST_CONTACTS: usize = 10;

/// Marks that change in which direction a text is read, and what has no width: with them a name
/// could dress up as another, or reorder the words around it.
const INVISIBLE: [char; 14] = [
    '\u{200b}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2060}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
];

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
    if text
        .chars()
        .any(|c| c.is_control() || INVISIBLE.contains(&c))
    {
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
