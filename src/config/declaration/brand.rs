use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::issuer::Logo;

/// `[issuer.brand]`: how an issuer presents itself on its pages.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrandDeclaration {
    /// The issuer's name when absent.
    pub name: Option<Spanned<String>>,
    /// `#rrggbb`
    pub color: Option<Spanned<String>>,
    /// The path of a picture, or a `data:` URL.
    pub logo: Option<Spanned<String>>,
    /// Where people get help.
    pub help_uri: Option<Spanned<String>>,
}

/// By the end of the file's name.
const LOGO_TYPES: [(&str, &str); 5] = [
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
];

/// In bytes. It is kept in memory, and every sign-in page shows it.
const LARGEST_LOGO: u64 = 256 * 1024;

impl BrandDeclaration {
    /// The logo; `None` when there is none. Its path is relative to `folder`.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn read_logo(&self, folder: &Path) -> Result<Option<Logo>, String> {
        let Some(path) = &self.logo else {
            return Ok(None);
        };
        if path.get_ref().starts_with("data:") {
            return Logo::from_data_url(path.get_ref())
                .filter(|logo| {
                    LOGO_TYPES
                        .iter()
                        .any(|(_, known)| *known == logo.media_type)
                })
                .filter(|logo| (1..=LARGEST_LOGO).contains(&(logo.bytes.len() as u64)))
                .map(Some)
                .ok_or_else(|| {
                    "a logo in a data: URL is a PNG, SVG, JPEG or WebP in base64".to_owned()
                });
        }
        let path = Path::new(path.get_ref());
        let end = path.extension().and_then(|end| end.to_str());
        let media_type = LOGO_TYPES
            .iter()
            .find(|(known, _)| end.is_some_and(|end| end.eq_ignore_ascii_case(known)))
            .map(|(_, media_type)| *media_type)
            .ok_or("a logo is a .png, .svg, .jpg or .webp file")?;
        let mut bytes = Vec::new();
        std::fs::File::open(folder.join(path))
            .and_then(|file| file.take(LARGEST_LOGO + 1).read_to_end(&mut bytes))
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if bytes.is_empty() || bytes.len() as u64 > LARGEST_LOGO {
            return Err(format!(
                "a logo is at most {} KiB, and not empty",
                LARGEST_LOGO / 1024
            ));
        }
        Ok(Some(Logo {
            media_type: media_type.to_owned(),
            bytes,
        }))
    }
}
