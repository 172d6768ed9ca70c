use serde_json::Value as Json;
use unicode_width::UnicodeWidthStr;

use crate::protocol::is_invisible;

/// A heading, and what stands below it of an item.
pub type Column = (&'static str, fn(&Json) -> String);

/// A list as a table: for each column its heading, and what it shows of an item.
pub fn table(items: &Json, columns: &[Column], empty: &str) -> String {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return empty.to_owned();
    }
    let headings = columns.iter().map(|(heading, _)| (*heading).to_owned());
    let mut rows: Vec<Vec<String>> = vec![headings.collect()];
    for item in items {
        rows.push(
            columns
                .iter()
                .enumerate()
                .map(|(index, (_, cell))| {
                    let text = visible(&cell(item));
                    // The first one is what the other commands are called with.
                    if index == 0 { text } else { shortened(&text) }
                })
                .collect(),
        );
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        })
        .collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
            }
            line.trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

/// One thing as lines of names and values; what is empty is left out.
pub fn card(lines: &[(&str, String)]) -> String {
    let shown = lines.iter().filter(|(_, value)| !value.is_empty());
    let width = shown.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = shown
        .map(|(name, value)| format!("{name:<width$}  {}", visible(value)))
        .collect();
    lines.join("\n")
}

/// What came from others must not move the cursor, colour the terminal, or turn a line around.
pub fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars()
        .filter(|c| !is_invisible(*c))
        .map(shown)
        .collect()
}

/// Columns of the terminal that a cell takes at most: one long name does not spoil the table.
/// `--json` has all of it.
const WIDEST: usize = 48;

fn shortened(text: &str) -> String {
    if text.width() <= WIDEST {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + 1 >= WIDEST {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// A member of any type, in words.
pub fn words(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(words).collect();
            items.join(", ")
        }
        other => other.to_string(),
    }
}

/// What a client or role is granted, in words.
pub fn grants(value: &Json) -> String {
    let grants: Vec<String> = value
        .as_array()
        .into_iter()
        .flatten()
        .map(|grant| format!("{}={}", words(&grant["audience"]), words(&grant["scopes"])))
        .collect();
    grants.join("; ")
}
