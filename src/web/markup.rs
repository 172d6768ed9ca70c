//! Reads pages, for tests of what all of them have in common.

/// An element's start tag.
pub struct Tag<'a> {
    pub name: &'a str,
    pub attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Tag<'a> {
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.attributes.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }
}

const VOID: [&str; 5] = ["meta", "link", "img", "input", "br"];

/// Attributes with capitals, of SVG.
const CAPITAL: [&str; 2] = ["viewBox", "preserveAspectRatio"];

/// Reads what our templates write: lower case, quoted values, each element closed. Whatever else
/// it meets is a mistake, of the template or of its escaping.
pub fn tags<'a>(page: &'a str, name: &str) -> Vec<Tag<'a>> {
    let mut tags = Vec::new();
    let mut open = Vec::new();
    let mut rest = page.strip_prefix("<!doctype html>").unwrap();
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "{name}: {}", &rest[..start]);
        rest = &rest[start + 1..];
        let end = rest.find('>').unwrap();
        let inside = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(closed) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{name}");
            continue;
        }
        let (inside, is_empty) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let (tag, mut inside) = inside.split_once([' ', '\n']).unwrap_or((inside, ""));
        let mut attributes = Vec::new();
        loop {
            inside = inside.trim_start();
            if inside.is_empty() {
                break;
            }
            let end = inside.find(['=', ' ']).unwrap_or(inside.len());
            let attribute = &inside[..end];
            assert!(
                CAPITAL.contains(&attribute)
                    || attribute
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b"-0123456789".contains(&b)),
                "{name}: {attribute}"
            );
            inside = &inside[end..];
            let mut value = "";
            if let Some(quoted) = inside.strip_prefix("=\"") {
                (value, inside) = quoted.split_once('"').unwrap();
            }
            attributes.push((attribute, value));
        }
        if !is_empty && !VOID.contains(&tag) {
            open.push(tag);
        }
        tags.push(Tag {
            name: tag,
            attributes,
        });
    }
    assert!(open.is_empty(), "{name}: {open:?}");
    tags
}
