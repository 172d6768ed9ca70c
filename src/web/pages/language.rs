use std::sync::LazyLock;

use super::Texts;

/// A language the pages are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Language {
    #[default]
    En,
    Es,
}

/// A header or parameter names no more languages than this that anybody meant.
const MOST_LANGUAGES: usize = 32;

impl Language {
    pub const ALL: [Self; 2] = [Self::En, Self::Es];

    /// For the attribute `lang`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// The language of a tag such as `es-MX` (BCP 47): what counts is its first part.
    pub fn find(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        Self::ALL
            .into_iter()
            .find(|language| language.as_str().eq_ignore_ascii_case(primary))
    }

    /// The language to speak: what the client asked for (`ui_locales`, OIDC Core §3.1.2.1, in
    /// order of preference), else what the browser prefers (`Accept-Language`, RFC 9110 §12.5.4),
    /// else English.
    pub fn negotiate(ui_locales: Option<&str>, accept_language: Option<&str>) -> Self {
        ui_locales
            .and_then(Self::asked_for)
            .or_else(|| accept_language.and_then(Self::preferred))
            .unwrap_or_default()
    }

    /// The first language of `ui_locales` that there is.
    pub fn asked_for(ui_locales: &str) -> Option<Self> {
        ui_locales
            .split_ascii_whitespace()
            .take(MOST_LANGUAGES)
            .find_map(Self::find)
    }

    /// The language of the highest weight; of equal ones, the first.
    fn preferred(accept_language: &str) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for entry in accept_language.split(',').take(MOST_LANGUAGES) {
            let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let Some(language) = Self::find(tag.trim()) else {
                continue;
            };
            let weight = weight(parameters);
            if weight > best.map_or(0.0, |(_, best)| best) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }

    /// Everything the pages say in this language.
    pub fn texts(self) -> &'static Texts {
        static EN: LazyLock<Texts> = LazyLock::new(|| read(Language::En));
        static ES: LazyLock<Texts> = LazyLock::new(|| read(Language::Es));
        match self {
            Self::En => &EN,
            Self::Es => &ES,
        }
    }

    pub(super) const fn source(self) -> &'static str {
        match self {
            Self::En => include_str!("../../../locales/en.toml"),
            Self::Es => include_str!("../../../locales/es.toml"),
        }
    }
}

/// A test reads both files, so that nobody ever sees the empty texts.
fn read(language: Language) -> Texts {
    toml::from_str(language.source()).unwrap_or_else(|error| {
        tracing::error!(%error, language = language.as_str(), "the texts cannot be read");
        Texts::default()
    })
}

/// `q` (RFC 9110 §12.4.2): 1 where it is absent, 0 ("not acceptable") where it is nonsense.
fn weight(parameters: &str) -> f32 {
    let Some(value) = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    }) else {
        return 1.0;
    };
    value
        .parse()
        .ok()
        .filter(|weight| (0.0..=1.0).contains(weight))
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_heard_before_the_browser() {
        let negotiate = Language::negotiate;
        assert_eq!(negotiate(Some("fr-CA es-MX en"), Some("en")), Language::Es);
        assert_eq!(negotiate(Some("fr de"), Some("es")), Language::Es);
        assert_eq!(negotiate(Some(""), None), Language::En);
    }

    #[test]
    fn the_browser_is_heard_by_weight() {
        for (header, language) in [
            ("es", Language::Es),
            ("ES-419", Language::Es),
            ("en;q=0.4, es;q=0.8", Language::Es),
            ("en;q=0.8, es;q=0.8", Language::En),
            ("fr, es;q=0.1", Language::Es),
            ("es;q=0, en;q=0.1", Language::En),
            ("es;q=0", Language::En),
            ("de, *;q=0.5", Language::En),
            ("est, esperanto", Language::En),
        ] {
            assert_eq!(
                Language::negotiate(None, Some(header)),
                language,
                "{header}"
            );
        }
    }

    #[test]
    fn nonsense_is_english() {
        let long = "x,".repeat(100_000) + "es";
        for header in [
            "",
            ";",
            ",,,",
            "q=1",
            "es;q=NaN",
            "es;q=inf",
            "es;q=-1",
            "es;q=2",
            "\u{0}",
            "ä-es",
            long.as_str(),
        ] {
            assert_eq!(Language::negotiate(None, Some(header)), Language::En);
            let spaced = header.replace(',', " ");
            assert_eq!(
                Language::negotiate(Some(&spaced), Some(header)),
                Language::En
            );
        }
    }
}
