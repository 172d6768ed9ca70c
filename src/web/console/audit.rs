use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;

use super::desk::{Answer, Desk};
use super::pages::{AuditFilter, AuditPage, Paging, Section};
use super::{Asked, views};
use crate::admin::AdminFault;
use crate::admin::audit::{self, NamedChain};
use crate::admin::rights::Permission;
use crate::admin::system::CONSOLE;
use crate::audit::{Chain, Outcome, Record};
use crate::clock::Timestamp;
use crate::store::AuditQuery;

pub use crate::admin::audit::Format;

const PAGE: i64 = 50;
const DAY: Duration = Duration::from_secs(24 * 3600);

pub async fn of_issuer(desk: &Desk<'_>, asked: &Asked) -> Answer {
    let at = desk.issuer().await?;
    let filter = filter(asked);
    let found = at.search_audit(&query(&filter, asked)).await?;
    let days = at.issuer.settings.audit_retention_days;
    let retention = days.map(|days| format!("{days} days"));
    page(desk, Section::Audit, filter, asked, found, retention)
}

pub async fn of_server(desk: &Desk<'_>, asked: &Asked) -> Answer {
    let filter = filter(asked);
    let query = query(&filter, asked);
    let found = desk.admin.search_server_audit(&query).await?;
    page(desk, Section::ServerAudit, filter, asked, found, None)
}

/// What administrators did at the console itself: who signed in, who was added.
pub async fn of_console(desk: &Desk<'_>, asked: &Asked) -> Answer {
    let console = desk.admin.at(CONSOLE).await?;
    let filter = filter(asked);
    let found = console.search_audit(&query(&filter, asked)).await?;
    page(
        desk,
        Section::AdministratorsAudit,
        filter,
        asked,
        found,
        None,
    )
}

fn page(
    desk: &Desk<'_>,
    section: Section,
    filter: AuditFilter,
    asked: &Asked,
    mut found: Vec<Record>,
    retention: Option<String>,
) -> Answer {
    let has_more = found.len() > views::count(PAGE);
    found.truncate(views::count(PAGE));
    let next = found.last().filter(|_| has_more);
    let next = next.map(|last| last.sequence.to_string());
    Ok(desk.show(&AuditPage {
        frame: desk.frame(section),
        filter,
        events: views::events(&found),
        paging: Paging {
            next,
            is_later: !asked.query("after").is_empty(),
        },
        retention,
    }))
}

fn filter(asked: &Asked) -> AuditFilter {
    let text = |name: &str| asked.query(name).trim().to_owned();
    AuditFilter {
        q: text("q"),
        group: text("group"),
        outcome: text("outcome"),
        actor: text("actor"),
        from: text("from"),
        until: text("until"),
    }
}

/// What cannot be read matches everything: a filter is no form.
fn query<'f>(filter: &'f AuditFilter, asked: &Asked) -> AuditQuery<'f> {
    let all = AuditQuery::default();
    let day = |text: &str| Timestamp::parse(text);
    AuditQuery {
        before: asked.query("after").parse().unwrap_or(all.before),
        action: &filter.group,
        outcome: Outcome::find(&filter.outcome),
        actor: &filter.actor,
        target: "",
        from: day(&filter.from).unwrap_or(all.from),
        // The last day counts whole.
        until: day(&filter.until).map_or(all.until, |day| day + DAY),
        search: &filter.q,
        limit: PAGE + 1,
    }
}

pub async fn export(desk: &Desk<'_>, asked: &Asked, format: Format) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::ReadAudit)?;
    let chain = NamedChain {
        chain: at.issuer.id.into(),
        name: at.issuer.name.clone(),
    };
    write(desk, asked, format, &chain).await
}

pub async fn export_server(desk: &Desk<'_>, asked: &Asked, format: Format) -> Answer {
    desk.admin.require(Permission::ReadAudit, None)?;
    let chain = NamedChain {
        chain: Chain::SERVER,
        name: audit::SERVER.to_owned(),
    };
    write(desk, asked, format, &chain).await
}

pub async fn export_console(desk: &Desk<'_>, asked: &Asked, format: Format) -> Answer {
    let console = desk.admin.at(CONSOLE).await?;
    console.require(Permission::ReadAudit)?;
    let chain = NamedChain {
        chain: console.issuer.id.into(),
        name: CONSOLE.to_owned(),
    };
    write(desk, asked, format, &chain).await
}

/// As much as fits into memory without harm; the rest has `locum audit export`.
const LARGEST: usize = 64 * 1024 * 1024;

async fn write(desk: &Desk<'_>, asked: &Asked, format: Format, chain: &NamedChain) -> Answer {
    let filter = filter(asked);
    let query = query(&filter, asked);
    let mut out = Bounded(Vec::new());
    let written = async {
        audit::write_head(format, &mut out)?;
        audit::export(desk.admin.core, chain, &query, format, &mut out).await
    };
    written.await.map_err(|fault| match fault {
        audit::ExportFault::Store(error) => AdminFault::Store(error),
        audit::ExportFault::Io(_) => AdminFault::NotPossible(
            "this is more than a browser should be given; choose a shorter time, or use `locum audit export`".to_owned(),
        ),
    })?;
    let end = match format {
        Format::Csv => "csv",
        Format::Json => "jsonl",
    };
    let name = chain.name.trim_matches(['(', ')']);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, format.media_type()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"audit-{name}.{end}\""),
        ))
        .body(out.0))
}

struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            return Err(std::io::Error::other("too much"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
