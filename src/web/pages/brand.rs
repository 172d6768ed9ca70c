use super::Brand;

/// Enough between text and what it stands on (WCAG 2.2 §1.4.3, level AA).
const ENOUGH: f64 = 4.5;

/// Where the accent stands, in `static/locum.css`: of both schemes, the surface it shows least on.
const LIGHT_SURFACE: Rgb = Rgb([0xf2, 0xf5, 0xf7]);
const DARK_SURFACE: Rgb = Rgb([0x1b, 0x24, 0x2c]);
/// Text on the accent.
const ON_LIGHT_ACCENT: Rgb = Rgb([0xff, 0xff, 0xff]);
const ON_DARK_ACCENT: Rgb = Rgb([0x0d, 0x14, 0x1a]);

impl Brand {
    /// What differs from `static/locum.css`: the accent, in both schemes, as near to the brand's
    /// colour as people can still read.
    pub fn stylesheet(&self) -> String {
        let Some(color) = self.color.as_deref().and_then(Rgb::parse) else {
            return "/* The colours of locum.css. */\n".to_owned();
        };
        let light = color.readable(LIGHT_SURFACE, ON_LIGHT_ACCENT, Rgb::BLACK);
        let dark = color.readable(DARK_SURFACE, ON_DARK_ACCENT, Rgb::WHITE);
        let (light, dark) = (light.hex(), dark.hex());
        format!(
            ":root {{ --accent: {light}; }}\n\
             @supports (color: light-dark(#000, #fff)) {{\n  \
             :root {{ --accent: light-dark({light}, {dark}); }}\n}}\n"
        )
    }
}

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb([u8; 3]);

impl Rgb {
    const BLACK: Self = Self([0; 3]);
    const WHITE: Self = Self([0xff; 3]);

    /// `#rrggbb`
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = number.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    fn hex(self) -> String {
        let [red, green, blue] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// The colour, moved towards `pole` just as far as it takes to be read on `surface`, and for
    /// `text` to be read on it.
    fn readable(self, surface: Self, text: Self, pole: Self) -> Self {
        const STEPS: u32 = 100;
        (0..=STEPS)
            .map(|step| self.mixed(pole, f64::from(step) / f64::from(STEPS)))
            .find(|color| color.contrast(surface) >= ENOUGH && color.contrast(text) >= ENOUGH)
            .unwrap_or(pole)
    }

    fn mixed(self, other: Self, share: f64) -> Self {
        let mut out = self.0;
        for (channel, other) in out.iter_mut().zip(other.0) {
            let mixed = f64::from(*channel) * (1.0 - share) + f64::from(other) * share;
            *channel = mixed.round().clamp(0.0, 255.0) as u8;
        }
        Self(out)
    }

    /// WCAG 2.2, "contrast ratio": 1 to 21.
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
