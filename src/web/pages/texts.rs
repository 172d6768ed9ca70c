use std::fmt::{self, Display};

use askama::filters::HtmlSafe;
use serde::Deserialize;

use super::browser::browser_and_system;
use crate::account::StandardScope;

/// Defines the tables of a locale: every member is needed, none may be surplus.
macro_rules! texts {
    ($($(#[$doc:meta])* $table:ident { $($member:ident: $kind:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $table {
            $(pub $member: $kind,)+
        }
    )+};
}

texts! {
    /// Everything the pages say in one language.
    Texts {
        common: CommonTexts,
        client: ClientTexts,
        sign_in: SignInTexts,
        choose_account: ChooseAccountTexts,
        consent: ConsentTexts,
        scopes: ScopeTexts,
        sign_out: SignOutTexts,
        signed_out: SignedOutTexts,
        error: ErrorTexts,
        form_post: FormPostTexts,
        web_message: WebMessageTexts,
        account: AccountTexts,
        profile: ProfileTexts,
        password: PasswordTexts,
        set_password: SetPasswordTexts,
    }

    CommonTexts {
        help: Text,
        development: Text,
        new_window: Text,
        problem: Text,
        moment: Text,
        months: [String; 12],
        browser: Text,
        unknown_browser: Text,
        one_second: Text,
        seconds: Text,
        one_minute: Text,
        minutes: Text,
    }

    /// What there is to know about a client.
    ClientTexts {
        operator: Text,
        host: Text,
        website: Text,
        policy: Text,
        tos: Text,
    }

    SignInTexts {
        title: Text,
        title_again: Text,
        to_client: Text,
        to_account: Text,
        again: Text,
        password_chosen: Text,
        username: Text,
        password: Text,
        remember: Text,
        remember_hint: Text,
        submit: Text,
        missing_username: Text,
        missing_password: Text,
        wrong_credentials: Text,
        throttled: Text,
        busy: Text,
        blocked: Text,
        demo_title: Text,
        demo_text: Text,
        demo_button: Text,
        demo_roles: Text,
        demo_no_roles: Text,
    }

    ChooseAccountTexts {
        title: Text,
        to_client: Text,
        to_account: Text,
        other: Text,
        other_hint: Text,
    }

    ConsentTexts {
        title: Text,
        lead: Text,
        signed_in_as: Text,
        identity: Text,
        api: Text,
        offline: Text,
        required: Text,
        new: Text,
        remember: Text,
        remember_hint: Text,
        undo_before: Text,
        undo_link: Text,
        undo_after: Text,
        allow: Text,
        deny: Text,
        nothing_ticked: Text,
        afterwards: Text,
    }

    /// The scopes that OpenID Connect defines.
    ScopeTexts {
        openid: ScopeWords,
        profile: ScopeWords,
        email: ScopeWords,
        phone: ScopeWords,
        address: ScopeWords,
        offline_access: ScopeWords,
    }

    ScopeWords {
        title: Text,
        description: Text,
    }

    SignOutTexts {
        title: Text,
        signed_in_as: Text,
        asked_by: Text,
        consequence: Text,
        submit: Text,
        stay: Text,
    }

    SignedOutTexts {
        title: Text,
        text: Text,
        elsewhere: Text,
        frame: Text,
        shared: Text,
        continue_to: Text,
        go_on: Text,
        sign_in: Text,
    }

    ErrorTexts {
        client: ErrorWords,
        expired: ErrorWords,
        unavailable: ErrorWords,
        details: Text,
        code: Text,
        description: Text,
    }

    ErrorWords {
        title: Text,
        text: Text,
        advice: Text,
    }

    FormPostTexts {
        title: Text,
        text: Text,
        submit: Text,
    }

    WebMessageTexts {
        title: Text,
        text: Text,
    }

    AccountTexts {
        title: Text,
        lead: Text,
        to_console: Text,
        sign_out: Text,
        profile: Text,
        name: Text,
        username: Text,
        email: Text,
        none: Text,
        edit_profile: Text,
        password: Text,
        password_hint: Text,
        change_password: Text,
        sessions: Text,
        sessions_lead: Text,
        no_sessions: Text,
        current: Text,
        started: Text,
        last_seen: Text,
        from: Text,
        end: Text,
        end_others: Text,
        end_others_hint: Text,
        applications: Text,
        applications_lead: Text,
        no_applications: Text,
        may: Text,
        may_sign_in: Text,
        since: Text,
        withdraw: Text,
        withdraw_hint: Text,
        sign_ins: Text,
        sign_ins_lead: Text,
        no_sign_ins: Text,
        succeeded: Text,
        failed: Text,
        for_client: Text,
        profile_saved: Text,
        password_changed: Text,
        session_ended: Text,
        others_ended: Text,
        access_withdrawn: Text,
    }

    ProfileTexts {
        title: Text,
        lead: Text,
        name: Text,
        name_hint: Text,
        given_name: Text,
        family_name: Text,
        email: Text,
        email_hint: Text,
        phone_number: Text,
        phone_number_hint: Text,
        locale: Text,
        locale_auto: Text,
        locale_en: Text,
        locale_es: Text,
        submit: Text,
        cancel: Text,
        missing_name: Text,
        unusable_name: Text,
        malformed_email: Text,
        malformed_phone_number: Text,
    }

    PasswordTexts {
        title: Text,
        lead: Text,
        rules: Text,
        rule_length: Text,
        rule_new: Text,
        rule_easy: Text,
        advice: Text,
        current_password: Text,
        new_password: Text,
        repeated_password: Text,
        consequence: Text,
        submit: Text,
        cancel: Text,
        wrong_password: Text,
        too_short: Text,
        too_long: Text,
        differ: Text,
        too_easy: Text,
        throttled: Text,
        busy: Text,
    }

    SetPasswordTexts {
        title: Text,
        lead: Text,
        username: Text,
        rules: Text,
        rule_username: Text,
        password: Text,
        repeated_password: Text,
        submit: Text,
        expired_title: Text,
        expired_text: Text,
        expired_advice: Text,
    }
}

impl Texts {
    /// What a scope of OpenID Connect means to people.
    pub fn scope(&self, value: &str) -> Option<&ScopeWords> {
        let scopes = &self.scopes;
        Some(match StandardScope::find(value)? {
            StandardScope::OpenId => &scopes.openid,
            StandardScope::Profile => &scopes.profile,
            StandardScope::Email => &scopes.email,
            StandardScope::Phone => &scopes.phone,
            StandardScope::Address => &scopes.address,
            StandardScope::OfflineAccess => &scopes.offline_access,
        })
    }

    /// `2026-11-22T09:30:00Z` as people write it; anything else as it is.
    pub fn moment(&self, at: &str) -> String {
        self.parse_moment(at).unwrap_or_else(|| at.to_owned())
    }

    fn parse_moment(&self, at: &str) -> Option<String> {
        let (date, time) = at.strip_suffix('Z')?.split_once('T')?;
        let mut date = date.splitn(3, '-');
        let (year, month, day) = (date.next()?, date.next()?, date.next()?);
        let month = self
            .common
            .months
            .get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
        let day: u8 = day.parse().ok()?;
        let moment = self.common.moment.fill("day", day).fill("month", month);
        let moment = moment.fill("year", year).fill("time", time.get(..5)?);
        Some(moment.to_string())
    }

    /// A span to wait, rounded up to minutes where it is long.
    pub fn wait(&self, seconds: u64) -> String {
        let common = &self.common;
        match seconds {
            0 | 1 => common.one_second.to_string(),
            2..60 => common.seconds.fill("number", seconds).to_string(),
            60 => common.one_minute.to_string(),
            _ => {
                let minutes = seconds.div_ceil(60);
                common.minutes.fill("number", minutes).to_string()
            }
        }
    }

    /// A browser's name, by [`super::browser_name`], in this language.
    pub fn browser(&self, name: &str) -> String {
        match browser_and_system(name) {
            Some((browser, system)) => {
                let text = self.common.browser.fill("browser", browser);
                text.fill("system", system).to_string()
            }
            None if name.is_empty() => self.common.unknown_browser.to_string(),
            None => name.to_owned(),
        }
    }
}

/// Words, perhaps with places to fill: `{client}`.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The words with `value` in the place called `name`.
    pub fn fill(&self, name: &str, value: impl Display) -> Filled {
        let whole = Filled {
            pieces: vec![Piece::Words(self.0.clone())],
        };
        whole.fill(name, value)
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Words and what has been filled in. They stay apart, so that a name such as `{client}` is just
/// a name.
#[derive(Debug)]
pub struct Filled {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Words(String),
    Value(String),
}

/// Characters of a value that are shown. No host is longer, and no name has to be.
const LONGEST_VALUE: usize = 256;

impl Filled {
    /// Fills another place.
    pub fn fill(self, name: &str, value: impl Display) -> Self {
        let place = format!("{{{name}}}");
        let mut value = value.to_string();
        if let Some((end, _)) = value.char_indices().nth(LONGEST_VALUE) {
            value.truncate(end);
            value.push('…');
        }
        let mut pieces = Vec::new();
        for piece in self.pieces {
            let Piece::Words(words) = piece else {
                pieces.push(piece);
                continue;
            };
            for (index, part) in words.split(&place).enumerate() {
                if index > 0 {
                    pieces.push(Piece::Value(value.clone()));
                }
                pieces.push(Piece::Words(part.to_owned()));
            }
        }
        Self { pieces }
    }

    /// The same as HTML, each value in a `<bdi>`: a name written from right to left cannot reorder
    /// the sentence around it.
    pub fn html(self) -> FilledHtml {
        FilledHtml(self)
    }
}

impl Display for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Words(text) | Piece::Value(text) => f.write_str(text),
        })
    }
}

/// Words and values, escaped.
#[derive(Debug)]
pub struct FilledHtml(Filled);

impl HtmlSafe for FilledHtml {}

impl Display for FilledHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |text| askama::filters::escape(text, askama::filters::Html);
        self.0.pieces.iter().try_for_each(|piece| match piece {
            Piece::Words(text) => match escaped(text) {
                Ok(text) => write!(f, "{text}"),
            },
            Piece::Value(text) => match escaped(text) {
                Ok(text) => write!(f, "<bdi>{text}</bdi>"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Language;
    use super::*;

    /// The places of every text, by the text's path.
    fn places(value: &toml::Value, path: &str, into: &mut Vec<(String, BTreeSet<String>)>) {
        match value {
            toml::Value::Table(table) => {
                for (name, value) in table {
                    places(value, &format!("{path}.{name}"), into);
                }
            }
            toml::Value::String(text) => {
                let names = text.split('{').skip(1).filter_map(|rest| {
                    let (name, _) = rest.split_once('}')?;
                    Some(name.to_owned())
                });
                into.push((path.to_owned(), names.collect()));
            }
            _ => {}
        }
    }

    #[test]
    fn every_language_has_the_same_texts_with_the_same_places() {
        let mut all = Language::ALL.into_iter().map(|language| {
            let texts: Result<Texts, _> = toml::from_str(language.source());
            assert!(
                texts.is_ok(),
                "{}: {}",
                language.as_str(),
                texts.unwrap_err()
            );
            let mut found = Vec::new();
            places(&toml::from_str(language.source()).unwrap(), "", &mut found);
            found.sort();
            found
        });
        let first = all.next().unwrap();
        for other in all {
            assert_eq!(first, other);
        }
    }

    #[test]
    fn values_are_never_taken_for_words() {
        let text = Text("{a} and {b}, {a}".to_owned());
        let filled = text.fill("a", "{b}").fill("b", "<i>");
        assert_eq!(filled.to_string(), "{b} and <i>, {b}");
        assert_eq!(
            filled.html().to_string(),
            "<bdi>{b}</bdi> and <bdi>&#60;i&#62;</bdi>, <bdi>{b}</bdi>"
        );
    }

    #[test]
    fn a_value_cannot_crowd_out_the_words() {
        let text = Text("Allow {client}?".to_owned());
        let filled = text.fill("client", "ä".repeat(2_000)).to_string();
        assert_eq!(filled, format!("Allow {}…?", "ä".repeat(256)));
    }

    #[test]
    fn moments_and_spans_are_told_as_people_tell_them() {
        let (en, es) = (Language::En.texts(), Language::Es.texts());
        let at = "2026-11-02T09:30:59Z";
        assert_eq!(en.moment(at), "2 November 2026, 09:30 UTC");
        assert_eq!(es.moment(at), "2 de noviembre de 2026, 09:30 UTC");
        for odd in [
            "",
            "T",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "ä-ä-äTäZ",
        ] {
            assert_eq!(en.moment(odd), odd);
        }
        assert_eq!(en.wait(0), "1 second");
        assert_eq!(en.wait(59), "59 seconds");
        assert_eq!(en.wait(60), "1 minute");
        assert_eq!(en.wait(61), "2 minutes");
        assert_eq!(es.wait(900), "15 minutos");
    }

    #[test]
    fn browsers_have_names_in_every_language() {
        let es = Language::Es.texts();
        assert_eq!(es.browser("Firefox on Linux"), "Firefox en Linux");
        assert_eq!(es.browser("curl/8"), "curl/8");
        assert_eq!(es.browser(""), "Navegador desconocido");
    }
}
