use super::Asked;
use super::desk::{Answer, Desk};
use super::pages::{ConfirmPage, KeyRow, KeysPage, Notice, Question, Section};
use crate::admin::rights::Permission;
use crate::admin::{AdminFault, KeyView};
use crate::dialect::Endpoint;
use crate::web::visit::Fields;

pub async fn list(desk: &Desk<'_>) -> Answer {
    let at = desk.issuer().await?;
    let keys = at.list_keys().await?;
    let address = desk.address().await?;
    Ok(desk.show(&KeysPage {
        frame: desk.frame(Section::Keys),
        keys: keys
            .iter()
            .map(|view| KeyRow {
                kid: view.key.kid.clone(),
                alg: view.key.alg,
                created_at: view.key.created_at.rfc3339(),
                is_signing: view.signs,
                retired_at: view.retired_at.map(|at| at.rfc3339()),
            })
            .collect(),
        jwks_uri: address.metadata.url(Endpoint::Jwks).map(str::to_owned),
    }))
}

pub async fn rotate(desk: &Desk<'_>, asked: &Asked, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteKeys)?;
    let keys = at.list_keys().await?;
    let alg = asked.query("alg");
    let is_meant = |view: &&KeyView| view.signs && view.key.alg.as_str() == alg;
    let signing = keys.iter().find(is_meant);
    let signing = signing.ok_or_else(|| AdminFault::not_found("key", alg))?;
    if form.is_none() {
        return Ok(desk.show(&ConfirmPage {
            frame: desk.frame(Section::Keys),
            question: Question::RotateKeys {
                alg: signing.key.alg,
                kid: signing.key.kid.clone(),
            },
            obstacle: None,
        }));
    }
    at.rotate_key(signing.key.alg).await?;
    let list = desk.frame(Section::Keys).at("keys");
    desk.done(&list, Notice::KeysRotated)
}

pub async fn delete(desk: &Desk<'_>, kid: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteKeys)?;
    if form.is_none() {
        let keys = at.list_keys().await?;
        let view = keys.iter().find(|view| view.key.kid == kid);
        let view = view.ok_or_else(|| AdminFault::not_found("key", kid))?;
        return Ok(desk.show(&ConfirmPage {
            frame: desk.frame(Section::Keys),
            question: Question::DeleteKey {
                kid: kid.to_owned(),
                alg: view.key.alg,
                retired_at: view.retired_at.map(|at| at.rfc3339()).unwrap_or_default(),
            },
            obstacle: view
                .signs
                .then(|| "This key signs. Make a new one first.".to_owned()),
        }));
    }
    at.delete_key(kid).await?;
    let list = desk.frame(Section::Keys).at("keys");
    desk.done(&list, Notice::Deleted)
}
