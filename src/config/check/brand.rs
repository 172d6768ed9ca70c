use super::{Check, is_name};
use crate::config::declaration::BrandDeclaration;

impl Check<'_> {
    pub(super) fn brand(&mut self, brand: &BrandDeclaration) {
        if let Some(name) = &brand.name {
            self.text(name, "the name", is_name(name.get_ref()));
        }
        if let Some(color) = &brand.color
            && !is_color(color.get_ref())
        {
            self.add(color, "expected a color like #1f6feb");
        }
        if let Some(logo) = &brand.logo
            && let Err(message) = brand.read_logo(self.folder)
        {
            self.add(logo, message);
        }
        self.web_uri(&brand.help_uri);
    }
}

/// `#rrggbb`
pub fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
