use std::time::Duration;

use uuid::Uuid;

use super::desk::{Answer, Desk, problems};
use super::pages::{
    ConfirmPage, InitialTokenFields, InitialTokenRow, InitialTokensPage, Named, Notice, Problems,
    Question, Section,
};
use crate::admin::rights::Permission;
use crate::admin::{AdminFault, AtIssuer, Problem};
use crate::dialect::Endpoint;
use crate::web::visit::Fields;

pub async fn tokens(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    let Some(fields) = form else {
        let page = page(desk, &at, InitialTokenFields::default()).await?;
        return Ok(desk.show(&page));
    };
    at.require(Permission::WriteClients)?;
    let text = |name: &str| fields.text(name).trim().to_owned();
    let typed = InitialTokenFields {
        note: text("note"),
        uses: text("uses"),
        lifetime: text("lifetime"),
    };
    let number = |text: &str, field| {
        let words = "expected a number";
        text.parse()
            .map_err(|_| AdminFault::Invalid(vec![Problem::new(field, words)]))
    };
    let made = async {
        let uses: u32 = number(&typed.uses, "uses")?;
        let lifetime: u32 = number(&typed.lifetime, "lifetime")?;
        let lifetime = Duration::from_secs(lifetime.into());
        at.make_initial_access_token(&typed.note, uses.into(), lifetime)
            .await
    };
    match made.await {
        Ok((_, secret)) => {
            let mut page = page(desk, &at, InitialTokenFields::default()).await?;
            page.made = Some(secret.expose().to_owned());
            Ok(desk.show(&page))
        }
        Err(fault) => {
            let problems = problems(fault, &[])?;
            let mut page = page(desk, &at, typed).await?;
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

pub async fn delete(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteClients)?;
    let missing = || AdminFault::not_found("token", text);
    let id: Result<Uuid, _> = text.parse();
    let id = id.map_err(|_| missing())?;
    if form.is_none() {
        let tokens = at.list_initial_access_tokens().await?;
        let found = tokens.into_iter().find(|token| token.id == id);
        let token = found.ok_or_else(missing)?;
        return Ok(desk.show(&ConfirmPage {
            frame: desk.frame(Section::Clients),
            question: Question::RemoveInitialAccessToken {
                token: Named {
                    id: text.to_owned(),
                    name: token.note,
                },
            },
            obstacle: None,
        }));
    }
    at.delete_initial_access_token(id).await?;
    let list = desk.frame(Section::Clients).at("registration");
    desk.done(&list, Notice::TokenRemoved)
}

async fn page<'d>(
    desk: &'d Desk<'_>,
    at: &AtIssuer<'_>,
    fields: InitialTokenFields,
) -> Result<InitialTokensPage<'d>, AdminFault> {
    let tokens = at.list_initial_access_tokens().await?;
    let address = desk.address().await?;
    let path = at.dialect.endpoints.find(Endpoint::Registration);
    Ok(InitialTokensPage {
        frame: desk.frame(Section::Clients),
        policy: at.issuer.settings.registration,
        endpoint: path.map(|path| format!("{}{path}", address.metadata.base())),
        tokens: tokens
            .into_iter()
            .map(|token| InitialTokenRow {
                id: token.id.to_string(),
                note: token.note,
                uses_left: Some(u32::try_from(token.uses_left).unwrap_or(u32::MAX)),
                expires_at: Some(token.expires_at.rfc3339()),
                created_at: token.created_at.rfc3339(),
            })
            .collect(),
        fields,
        problems: Problems::default(),
        made: None,
    })
}
