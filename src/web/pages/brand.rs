use super::Brand;

/// Enough between words and what they stand on (WCAG 2.2 §1.4.3, level AA).
const ENOUGH: f64 = 4.5;

/// How much of the accent is in `--accent-soft`.
const SOFT: f64 = 0.08;

/// What the accent meets in a colour scheme of `static/locum.css`.
struct Scheme {
    page: Rgb,
    card: Rgb,
    /// Words on the accent.
    on_accent: Rgb,
    /// Where a colour goes that cannot be read.
    pole: Rgb,
}

const LIGHT: Scheme = Scheme {
    page: Rgb([0xf2, 0xf5, 0xf7]),
    card: Rgb([0xff, 0xff, 0xff]),
    on_accent: Rgb([0xff, 0xff, 0xff]),
    pole: Rgb([0x00, 0x00, 0x00]),
};

const DARK: Scheme = Scheme {
    page: Rgb([0x0f, 0x15, 0x1a]),
    card: Rgb([0x19, 0x22, 0x2a]),
    on_accent: Rgb([0x0d, 0x14, 0x1a]),
    pole: Rgb([0xff, 0xff, 0xff]),
};

impl Brand {
    /// What differs from `static/locum.css`: in both schemes an accent as near to the brand's
    /// colour as can still be read, on the page and under words.
    pub fn stylesheet(&self) -> String {
        let Some(color) = self.color.as_deref().and_then(Rgb::parse) else {
            return "/* The colours of locum.css. */\n".to_owned();
        };
        format!(
            ":root {{ --accent: {}; }}\n\
             @media (prefers-color-scheme: dark) {{\n  :root {{ --accent: {}; }}\n}}\n",
            LIGHT.accent(color).hex(),
            DARK.accent(color).hex(),
        )
    }
}

impl Scheme {
    /// The first of a hundred steps from the colour to the pole that can be read.
    fn accent(&self, color: Rgb) -> Rgb {
        (0..=100)
            .map(|step| color.mixed(self.pole, f64::from(step) / 100.0))
            .find(|accent| self.least_contrast(*accent) >= ENOUGH)
            .unwrap_or(self.pole)
    }

    /// The least contrast between an accent and whatever it stands on or under.
    fn least_contrast(&self, accent: Rgb) -> f64 {
        let soft = self.card.mixed(accent, SOFT);
        [self.page, self.card, soft, self.on_accent]
            .into_iter()
            .map(|other| accent.contrast(other))
            .fold(f64::INFINITY, f64::min)
    }
}

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb([u8; 3]);

impl Rgb {
    /// `#rrggbb`
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    fn hex(self) -> String {
        let [red, green, blue] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    fn mixed(self, other: Self, share: f64) -> Self {
        let mut out = self.0;
        for (channel, other) in out.iter_mut().zip(other.0) {
            let mixed = f64::from(*channel) * (1.0 - share) + f64::from(other) * share;
            *channel = mixed.round() as u8;
        }
        Self(out)
    }

    /// 1 to 21 (WCAG 2.2, "contrast ratio").
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLESHEET: &str = include_str!("../../../static/locum.css");

    /// The values of a variable in a stylesheet: light, then dark.
    fn values(stylesheet: &str, variable: &str) -> [Rgb; 2] {
        let mark = format!("{variable}: ");
        let found: Vec<_> = stylesheet
            .match_indices(&mark)
            .filter_map(|(at, _)| Rgb::parse(stylesheet.get(at + mark.len()..)?.get(..7)?))
            .collect();
        found.try_into().unwrap()
    }

    fn stylesheet(color: &str) -> String {
        let brand = Brand {
            name: "Sunrise Clinic".to_owned(),
            color: Some(color.to_owned()),
            has_logo: false,
            help_uri: None,
        };
        brand.stylesheet()
    }

    #[test]
    fn the_schemes_are_those_of_the_stylesheet() {
        let of = |variable| values(STYLESHEET, variable);
        assert_eq!(of("--page"), [LIGHT.page, DARK.page]);
        assert_eq!(of("--card"), [LIGHT.card, DARK.card]);
        assert_eq!(of("--on-accent"), [LIGHT.on_accent, DARK.on_accent]);
        assert!(
            STYLESHEET.contains("--accent-soft: color-mix(in srgb, var(--accent) 8%, var(--card))")
        );
    }

    #[test]
    fn every_colour_of_words_can_be_read() {
        for (words, surfaces) in [
            ("--text", ["--page", "--card", "--code"].as_slice()),
            ("--muted", &["--page", "--card", "--code"]),
            ("--danger", &["--card", "--danger-soft"]),
            ("--danger-soft", &["--danger"]),
            ("--done", &["--card", "--done-soft"]),
            ("--done-soft", &["--done"]),
            ("--dev", &["--page", "--card", "--dev-soft"]),
            ("--text", &["--dev-soft"]),
        ] {
            for surface in surfaces {
                let pairs = values(STYLESHEET, words)
                    .into_iter()
                    .zip(values(STYLESHEET, surface));
                for (one, other) in pairs {
                    assert!(one.contrast(other) >= ENOUGH, "{words} on {surface}");
                }
            }
        }
        // Edges of what can be used need less (WCAG 2.2 §1.4.11).
        for surface in ["--page", "--card"] {
            let pairs = values(STYLESHEET, "--edge")
                .into_iter()
                .zip(values(STYLESHEET, surface));
            for (edge, surface) in pairs {
                assert!(edge.contrast(surface) >= 3.0);
            }
        }
    }

    #[test]
    fn an_accent_can_be_read_whatever_the_brand() {
        let awkward = [
            "#ffff00", "#000000", "#ffffff", "#ff69b4", "#808080", "#00ff00", "#0000ff", "#0B6070",
        ];
        let branded = awkward.map(|color| values(&stylesheet(color), "--accent"));
        for [light, dark] in branded.into_iter().chain([values(STYLESHEET, "--accent")]) {
            assert!(LIGHT.least_contrast(light) >= ENOUGH, "{light:?}");
            assert!(DARK.least_contrast(dark) >= ENOUGH, "{dark:?}");
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        assert!(stylesheet("#5b2a86").contains("{ --accent: #5b2a86; }"));
        assert!(stylesheet("#ffff00").contains("  :root { --accent: #ffff00; }"));
    }

    #[test]
    fn what_is_no_colour_adds_nothing() {
        for color in [
            "",
            "red",
            "#fff",
            "#12345g",
            "#ä1234",
            "#+12345",
            "#123456; }",
        ] {
            assert!(!stylesheet(color).contains("--accent"), "{color}");
        }
    }
}
