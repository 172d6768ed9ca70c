use super::desk::{Answer, Desk, problems, revision};
use super::pages::{Notice, Problems, Section, SettingsFields, SettingsPage};
use super::views;
use crate::admin::rights::Permission;
use crate::admin::{AdminFault, AtIssuer, Problem};
use crate::issuer::{BrandSettings, IssuerSettings, RegistrationPolicy};
use crate::web::visit::Fields;

/// Members whose fields are called otherwise.
const FIELDS: &[(&str, &str)] = &[
    ("brand.name", "brand_name"),
    ("brand.color", "brand_color"),
    ("brand.help_uri", "help_uri"),
];

pub async fn settings(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    let stored = at.settings()?;
    let Some(fields) = form else {
        let page = page(desk, &at, shown(&stored.settings), stored.revision).await?;
        return Ok(desk.show(&page));
    };
    at.require(Permission::WriteSettings)?;
    let typed = read(fields);
    let sent = settings_of(&typed, &stored.settings);
    let outcome = match &sent {
        Ok(settings) => at.update_settings(revision(fields), settings.clone()).await,
        Err(_) => Err(AdminFault::Invalid(Vec::new())),
    };
    match (outcome, sent) {
        (Ok(_), _) => desk.done(&desk.frame(Section::Settings).at("settings"), Notice::Saved),
        (Err(AdminFault::Changed { .. }), Ok(settings)) => {
            let reload = desk.frame(Section::Settings).at("settings");
            Ok(desk.conflict(&settings, &stored.settings, reload))
        }
        (Err(_), Err(fault)) | (Err(fault), Ok(_)) => {
            let problems = problems(fault, FIELDS)?;
            let mut page = page(desk, &at, typed, revision(fields)).await?;
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

async fn page<'d>(
    desk: &'d Desk<'_>,
    at: &AtIssuer<'_>,
    fields: SettingsFields,
    revision: i64,
) -> Result<SettingsPage<'d>, AdminFault> {
    Ok(SettingsPage {
        frame: desk.frame(Section::Settings),
        revision,
        is_declared: at.issuer.is_declared,
        fields,
        problems: Problems::default(),
        identifier: desk.address().await?.identifier.clone(),
    })
}

fn shown(settings: &IssuerSettings) -> SettingsFields {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    SettingsFields {
        brand_name: text(&settings.brand.name),
        brand_color: text(&settings.brand.color),
        help_uri: text(&settings.brand.help_uri),
        registration: settings.registration.as_str().to_owned(),
        audit_retention_days: settings
            .audit_retention_days
            .map(|days| days.to_string())
            .unwrap_or_default(),
        post_logout_redirect_uris: settings.post_logout_redirect_uris.join("\n"),
        host: text(&settings.host),
    }
}

fn read(fields: &Fields) -> SettingsFields {
    let text = |name: &str| fields.text(name).to_owned();
    SettingsFields {
        brand_name: text("brand_name"),
        brand_color: text("brand_color"),
        help_uri: text("help_uri"),
        registration: text("registration"),
        audit_retention_days: text("audit_retention_days"),
        post_logout_redirect_uris: text("post_logout_redirect_uris"),
        host: text("host"),
    }
}

/// What was typed; what the form has no field for stays as it is.
fn settings_of(
    fields: &SettingsFields,
    known: &IssuerSettings,
) -> Result<IssuerSettings, AdminFault> {
    let mut problems = Vec::new();
    let audit_retention_days = match fields.audit_retention_days.trim() {
        "" => None,
        text => match text.parse() {
            Ok(days) => Some(days),
            Err(_) => {
                let words = "expected a number of days, or nothing for ever";
                problems.push(Problem::new("audit_retention_days", words));
                None
            }
        },
    };
    let registration = RegistrationPolicy::find(&fields.registration);
    if registration.is_none() {
        problems.push(Problem::new("registration", "choose one of these"));
    }
    AdminFault::unless(problems)?;
    Ok(IssuerSettings {
        host: views::typed(&fields.host),
        post_logout_redirect_uris: views::lines(&fields.post_logout_redirect_uris),
        brand: BrandSettings {
            name: views::typed(&fields.brand_name),
            color: views::typed(&fields.brand_color),
            help_uri: views::typed(&fields.help_uri),
            logo: known.brand.logo.clone(),
        },
        registration: registration.unwrap_or_default(),
        audit_retention_days,
        ..known.clone()
    })
}
