use super::desk::{Answer, Desk, problems, revision};
use super::pages::{
    Bar, Chart, ConfirmPage, Editing, IssuerFields, IssuerRow, IssuersPage, NewIssuerPage, Notice,
    OverviewPage, Problems, Question, Range, Section, links,
};
use super::{Asked, views};
use crate::admin::rights::Permission;
use crate::admin::{AdminFault, AtIssuer};
use crate::audit::{Counted, Tally, hour};
use crate::clock::Timestamp;
use crate::dialect::{BUILT_IN, load_built_in};
use crate::store::{AuditQuery, StoredIssuer};
use crate::web::visit::Fields;

/// Events that an overview shows.
const EVENTS: i64 = 10;

pub async fn list(desk: &Desk<'_>) -> Answer {
    let mut rows = Vec::new();
    for issuer in &desk.issuers {
        rows.push(row(desk, issuer).await?);
    }
    Ok(desk.show(&IssuersPage {
        frame: desk.frame(Section::Issuers),
        issuers: rows,
    }))
}

async fn row(desk: &Desk<'_>, issuer: &StoredIssuer) -> Result<IssuerRow, AdminFault> {
    let store = &desk.admin.core.store;
    let source = issuer.dialect_source.as_deref();
    let dialect = desk.admin.core.dialects.get(&issuer.dialect, source)?;
    let address = desk.visit.app.hosting.find(&issuer.name).await;
    let brand = issuer.settings.brand.name.clone();
    Ok(IssuerRow {
        name: issuer.name.clone(),
        brand: brand.unwrap_or_else(|| issuer.name.clone()),
        dialect: issuer.dialect.clone(),
        dialect_title: dialect.title.clone(),
        identifier: address
            .map(|address| address.identifier.clone())
            .unwrap_or_default(),
        clients: views::count(store.count_clients(issuer.id).await?),
        users: views::count(store.count_users(issuer.id).await?),
        is_declared: issuer.is_declared,
    })
}

pub async fn create(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    desk.admin.require(Permission::WriteIssuers, None)?;
    let page = |fields| NewIssuerPage {
        frame: desk.frame(Section::Issuers),
        fields,
        dialects: BUILT_IN
            .iter()
            .filter_map(|(name, _)| Some(((*name).to_owned(), load_built_in(name).ok()?.title)))
            .collect(),
        public_url: desk
            .visit
            .app
            .hosting
            .public_url
            .as_str()
            .trim_end_matches('/')
            .to_owned(),
        problems: Problems::default(),
    };
    let Some(fields) = form else {
        return Ok(desk.show(&page(IssuerFields {
            dialect: "standard".to_owned(),
            ..IssuerFields::default()
        })));
    };
    let text = |name: &str| fields.text(name).trim().to_owned();
    let typed = IssuerFields {
        name: text("name"),
        brand: text("brand"),
        dialect: text("dialect"),
    };
    let brand = views::typed(&typed.brand);
    let created = desk
        .admin
        .create_issuer(&typed.name, &typed.dialect, brand)
        .await;
    match created {
        Ok(issuer) => desk.done(&links::issuer(&issuer.name), Notice::Created),
        Err(fault) => {
            let problems = problems(fault, &[("brand.name", "brand")])?;
            let mut page = page(typed);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

pub async fn delete(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    // Who may see nothing of it is not told that there is one.
    let at = desk.issuer().await?;
    desk.admin.require(Permission::WriteIssuers, None)?;
    let issuer = &at.issuer;
    let Some(fields) = form else {
        let store = &desk.admin.core.store;
        return Ok(desk.show(&ConfirmPage {
            frame: desk.frame(Section::Settings),
            question: Question::DeleteIssuer {
                issuer: Editing {
                    id: issuer.name.clone(),
                    name: issuer.name.clone(),
                    revision: issuer.revision,
                    is_declared: issuer.is_declared,
                },
                clients: views::count(store.count_clients(issuer.id).await?),
                users: views::count(store.count_users(issuer.id).await?),
            },
            obstacle: None,
        }));
    };
    desk.admin
        .delete_issuer(&issuer.name, revision(fields), true)
        .await?;
    desk.done("/console/issuers", Notice::Deleted)
}

pub async fn overview(desk: &Desk<'_>, asked: &Asked) -> Answer {
    let at = desk.issuer().await?;
    let range = Range::find(asked.query("range")).unwrap_or(Range::Day);
    let store = &desk.admin.core.store;
    let query = AuditQuery {
        limit: EVENTS,
        ..AuditQuery::default()
    };
    let events = at.search_audit(&query).await?;
    let id = at.issuer.id;
    let brand = at.issuer.settings.brand.name.clone();
    Ok(desk.show(&OverviewPage {
        frame: desk.frame(Section::Overview),
        brand: brand.unwrap_or_else(|| at.issuer.name.clone()),
        identifier: desk.address().await?.identifier.clone(),
        dialect_title: at.dialect.title.clone(),
        range,
        charts: charts(desk, &at, range).await?,
        events: views::events(&events),
        clients: views::count(store.count_clients(id).await?),
        users: views::count(store.count_users(id).await?),
        apis: store.list_apis(id).await?.len(),
    }))
}

const HOUR: i64 = 3600;

async fn charts(
    desk: &Desk<'_>,
    at: &AtIssuer<'_>,
    range: Range,
) -> Result<Vec<Chart>, AdminFault> {
    // Bars, and how many hours each stands for.
    let (bars, hours) = match range {
        Range::Day => (24, 1),
        Range::Week => (7, 24),
    };
    let end = hour(desk.visit.now).unix() + HOUR;
    let start = end - bars * hours * HOUR;
    let store = &desk.admin.core.store;
    let tallies = store
        .list_activity(at.issuer.id, Timestamp::from_unix(start))
        .await?;
    let frame = desk.frame(Section::Overview);
    let audit = |query: &str| Some(frame.at(&format!("audit{query}")));
    let chart = |title, id, what, is_bad, href| Chart {
        title,
        id,
        is_bad,
        href,
        bars: (0..bars)
            .map(|bar| {
                let from = start + bar * hours * HOUR;
                Bar {
                    label: label(from, range),
                    value: sum(&tallies, what, from, from + hours * HOUR),
                }
            })
            .collect(),
    };
    let mut charts = vec![chart(
        "Tokens issued",
        "tokens",
        Counted::Tokens,
        false,
        None,
    )];
    if at.dialect.has_users() {
        charts.insert(
            0,
            chart(
                "Sign-ins",
                "sign-ins",
                Counted::SignIns,
                false,
                audit("?group=user"),
            ),
        );
        charts.push(chart(
            "Failed sign-ins",
            "failures",
            Counted::SignInFailures,
            true,
            audit("?group=user&outcome=failed"),
        ));
    }
    charts.push(chart("Errors", "errors", Counted::Errors, true, None));
    Ok(charts)
}

fn sum(tallies: &[Tally], what: Counted, from: i64, until: i64) -> u64 {
    let in_bar = tallies
        .iter()
        .filter(|tally| tally.what == what && (from..until).contains(&tally.hour.unix()));
    let sum: i64 = in_bar.map(|tally| tally.count).sum();
    u64::try_from(sum).unwrap_or(0)
}

/// `14:00`, or `26 Nov`; in UTC, as everything here.
fn label(at: i64, range: Range) -> String {
    let at = Timestamp::from_unix(at).utc();
    match range {
        Range::Day => format!("{:02}:00", at.hour()),
        Range::Week => {
            let month = at.month().to_string();
            format!("{} {}", at.day(), month.get(..3).unwrap_or(&month))
        }
    }
}
