use super::desk::{Answer, Desk};
use super::pages::{Deviation, DialectPage, Section};
use crate::dialect::{deviations, lineage};

pub async fn show(desk: &Desk<'_>) -> Answer {
    let at = desk.issuer().await?;
    let address = desk.address().await?;
    let issuer = &at.issuer;
    let found = deviations(&issuer.dialect, issuer.dialect_source.as_deref())?;
    let base = address.metadata.base();
    let endpoints = at.dialect.endpoints.iter();
    Ok(desk.show(&DialectPage {
        frame: desk.frame(Section::Dialect),
        name: issuer.dialect.clone(),
        title: at.dialect.title.clone(),
        extends: lineage(&issuer.dialect).into_iter().skip(1).collect(),
        deviations: found
            .into_iter()
            .map(|deviation| Deviation {
                policy: deviation.key,
                standard: deviation.standard,
                here: deviation.here,
                reason: deviation.reason,
                is_weaker: deviation.is_weaker,
            })
            .collect(),
        endpoints: endpoints
            .map(|(endpoint, path)| (endpoint.title().to_owned(), format!("{base}{path}")))
            .collect(),
    }))
}
