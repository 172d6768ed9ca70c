/// What the `User-Agent` header calls a browser, and its name. The order matters, because most
/// browsers also claim to be others.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("HeadlessChrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("Safari ", "Safari"),
];

const SYSTEMS: [(&str, &str); 9] = [
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iPod", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

const BETWEEN: &str = " on ";

/// Characters kept of a user agent that is none of the usual ones.
const LONGEST: usize = 60;

/// Bytes that are looked at: longer ones are nobody's browser.
const MOST_READ: usize = 1024;

/// "Firefox on Linux"; for other programs, the beginning of what they say of themselves, without
/// control characters. Empty when they say nothing.
pub fn browser_name(user_agent: &str) -> String {
    let user_agent = &user_agent[..user_agent.floor_char_boundary(MOST_READ)];
    let find = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(mark, _)| user_agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}{BETWEEN}{system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => shortened(user_agent),
    }
}

/// The browser and the system in a [`browser_name`], so that another language can put its own
/// word between them.
pub fn browser_and_system(name: &str) -> Option<(&str, &str)> {
    let (browser, system) = name.split_once(BETWEEN)?;
    let is_known = BROWSERS.iter().any(|(_, name)| *name == browser)
        && SYSTEMS.iter().any(|(_, name)| *name == system);
    is_known.then_some((browser, system))
}

fn shortened(user_agent: &str) -> String {
    let mut name = String::new();
    // Directional marks could turn around the text that follows on the page.
    let words =
        user_agent.split(|c: char| c.is_whitespace() || c.is_control() || is_directional(c));
    let words = words.filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            name.push(' ');
        }
        name.push_str(word);
    }
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name,
    }
}

fn is_directional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_browsers_have_names() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "Safari on iOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1",
                "Chrome on iOS",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
                "Firefox on Android",
            ),
        ] {
            assert_eq!(browser_name(user_agent), name);
            assert!(browser_and_system(name).is_some());
        }
    }

    #[test]
    fn others_are_shortened_and_cleaned() {
        assert_eq!(browser_name("curl/8.14.1"), "curl/8.14.1");
        assert_eq!(browser_name(""), "");
        assert_eq!(browser_name("a\r\n\u{0}b\u{202e}c \t d"), "a b c d");
        assert_eq!(browser_and_system("Doctor on Call"), None);
        for long in [
            "ä".repeat(100_000),
            "a ".repeat(100_000),
            "\u{7f}".repeat(100_000),
        ] {
            assert!(browser_name(&long).chars().count() <= LONGEST + 1);
        }
    }
}
