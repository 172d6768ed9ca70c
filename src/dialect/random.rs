//! Random words: for tokens, and for a client's ID and secret.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use super::template::{Lookup, Value};
use super::words::RandomWord;
use crate::entropy::Entropy;
use crate::secret::random_text;

impl Lookup<RandomWord> for Entropy {
    fn value(&self, word: RandomWord) -> Value<'_> {
        let text = match word {
            RandomWord::Random => random_text(self),
            RandomWord::RandomHex => hex(&self.bytes::<32>()),
            RandomWord::RandomBase64 => BASE64_STANDARD.encode(self.bytes::<32>()),
            RandomWord::Random64 => BASE64_URL_SAFE_NO_PAD.encode(self.bytes::<48>()),
            RandomWord::Uuid => self.uuid().to_string(),
            RandomWord::RandomHex32 => hex(&self.bytes::<16>()),
            RandomWord::RandomLetters32 => letters(self, 32),
            RandomWord::RandomLetters26 => letters(self, 26),
        };
        Value::Text(text.into())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Letters and digits, each as likely as every other: bytes beyond the last whole multiple of 62
/// are thrown away.
fn letters(entropy: &Entropy, length: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let fair = entropy.bytes::<32>().into_iter().filter(|byte| *byte < 248);
        let fair = fair.filter_map(|byte| LETTERS.get(usize::from(byte) % LETTERS.len()));
        text.extend(fair.take(length - text.len()).map(|byte| char::from(*byte)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_as_many_as_asked_for_and_all_of_them_come() {
        let entropy = Entropy::seeded(3);
        let text: String = (0..200).map(|_| letters(&entropy, 26)).collect();
        assert_eq!(text.len(), 200 * 26);
        let mut distinct: Vec<char> = text.chars().collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 62);
    }
}
