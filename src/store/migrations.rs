//! One sequence of migrations for both engines. A new file in `migrations/` needs a line here;
//! a test compares the two.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};

use super::{Result, StoreError};

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "machine tokens",
        include_str!("../../migrations/0001_machine_tokens.sql"),
    ),
    (
        2,
        "sign in",
        include_str!("../../migrations/0002_sign_in.sql"),
    ),
    (
        3,
        "administration",
        include_str!("../../migrations/0003_administration.sql"),
    ),
];

/// A step from one version's tables to the next's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub version: i64,
    pub description: &'static str,
}

/// Every step, in order.
pub fn steps() -> impl Iterator<Item = Step> {
    MIGRATIONS.iter().map(|(version, description, _)| Step {
        version: *version,
        description,
    })
}

/// Where sqlx notes which steps a database has behind it.
pub const TABLE: &str = "_sqlx_migrations";

/// The steps that a database does not have behind it.
///
/// # Errors
/// `Newer` when it has more than this version knows.
pub async fn pending(connection: &mut impl Migrate, has_table: bool) -> Result<Vec<Step>> {
    if !has_table {
        return Ok(steps().collect());
    }
    let applied = connection.list_applied_migrations(TABLE).await?;
    let unknown = applied
        .iter()
        .find(|one| !steps().any(|step| step.version == one.version));
    if let Some(newer) = unknown {
        return Err(StoreError::Newer(newer.version));
    }
    let is_pending = |step: &Step| !applied.iter().any(|one| one.version == step.version);
    Ok(steps().filter(is_pending).collect())
}

pub fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, description, sql)| {
        Migration::new(
            *version,
            Cow::Borrowed(*description),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn every_file_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<String> = MIGRATIONS
            .iter()
            .map(|(version, description, _)| {
                format!("{version:04}_{}.sql", description.replace(' ', "_"))
            })
            .collect();
        assert_eq!(files, listed);
    }
}
