//! Addresses of pages, from names that others choose.

use url::form_urlencoded;

/// Where an issuer's overview is.
pub fn issuer(name: &str) -> String {
    format!("/console/issuers/{}", segment(name))
}

/// A name as one segment of a path.
pub fn segment(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `?name=value&…` of what is not empty; nothing when all of it is.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => query,
        query => format!("?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_their_place() {
        assert_eq!(
            segment("a b/c?d#e%&\"<ä"),
            "a%20b%2Fc%3Fd%23e%25%26%22%3C%C3%A4"
        );
        assert_eq!(segment("photon-m2m_1.0~"), "photon-m2m_1.0~");
        assert_eq!(query(&[("q", ""), ("kind", "")]), "");
        assert_eq!(
            query(&[("q", "a&b=c"), ("kind", ""), ("after", "x")]),
            "?q=a%26b%3Dc&after=x"
        );
    }
}
