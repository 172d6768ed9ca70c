//! Databases under test, and the macro that runs one test on each.

use std::collections::BTreeMap;

use locum::store::Store;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use tempfile::TempDir;

use super::postgres;

/// An empty database. Its files go when it is dropped.
pub struct Database {
    pub url: String,
    _folder: Option<TempDir>,
}

impl Database {
    pub fn sqlite_in_memory() -> Self {
        Self {
            url: "sqlite::memory:".to_owned(),
            _folder: None,
        }
    }

    pub fn sqlite_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite://{}/locum.db", folder.path().display()),
            _folder: Some(folder),
        }
    }

    pub async fn postgres() -> Self {
        let url = postgres::database_url().await;
        Self {
            url: url.unwrap_or_else(|error| panic!("{error}")),
            _folder: None,
        }
    }

    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.url)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// A connection beside the server's own; an in-memory database has none.
    pub async fn connect(&self) -> Connected {
        if self.is_postgres() {
            Connected::Postgres(PgConnection::connect(&self.url).await.unwrap())
        } else {
            Connected::Sqlite(SqliteConnection::connect(&self.url).await.unwrap())
        }
    }
}

pub enum Connected {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// A column as either engine describes it, in words both share.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// `UUID`, `TEXT`, … as in the migration.
    pub kind: String,
    pub is_nullable: bool,
    pub is_in_primary_key: bool,
}

impl Connected {
    /// Runs a statement that both engines understand.
    pub async fn execute(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => sqlx::query(sql).execute(connection).await.map(drop),
            Self::Postgres(connection) => sqlx::query(sql).execute(connection).await.map(drop),
        }
        .unwrap();
    }

    async fn texts(&mut self, sqlite: &str, postgres: &str) -> Vec<String> {
        match self {
            Self::Sqlite(connection) => {
                sqlx::query_scalar(AssertSqlSafe(sqlite.to_owned()))
                    .fetch_all(connection)
                    .await
            }
            Self::Postgres(connection) => {
                sqlx::query_scalar(AssertSqlSafe(postgres.to_owned()))
                    .fetch_all(connection)
                    .await
            }
        }
        .unwrap()
    }

    /// The names of Locum's tables.
    pub async fn tables(&mut self) -> Vec<String> {
        self.texts(
            "SELECT name FROM sqlite_schema WHERE type = 'table'
                AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations' ORDER BY name",
            "SELECT table_name::text FROM information_schema.tables
                WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'
                ORDER BY table_name",
        )
        .await
    }

    pub async fn indexes(&mut self) -> Vec<String> {
        self.texts(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
            "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public'
                AND tablename <> '_sqlx_migrations'
                AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key'
                ORDER BY indexname",
        )
        .await
    }

    pub async fn columns(&mut self, table: &str) -> Vec<Column> {
        match self {
            Self::Sqlite(connection) => {
                let sql = format!(
                    "SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}') ORDER BY cid"
                );
                let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await;
                let column = |row: sqlx::sqlite::SqliteRow| Column {
                    name: row.get(0),
                    kind: row.get(1),
                    // A primary key may be null in SQLite, which nobody here makes use of.
                    is_nullable: row.get::<i64, _>(2) == 0 && row.get::<i64, _>(3) == 0,
                    is_in_primary_key: row.get::<i64, _>(3) != 0,
                };
                rows.unwrap().into_iter().map(column).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(
                    "SELECT c.column_name::text, c.udt_name::text, c.is_nullable = 'YES',
                        EXISTS (SELECT 1 FROM information_schema.key_column_usage k
                            JOIN information_schema.table_constraints t USING (constraint_name)
                            WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_name = c.table_name
                                AND k.column_name = c.column_name)
                    FROM information_schema.columns c
                    WHERE c.table_schema = 'public' AND c.table_name = $1
                    ORDER BY c.ordinal_position",
                )
                .bind(table)
                .fetch_all(connection)
                .await;
                let column = |row: sqlx::postgres::PgRow| Column {
                    name: row.get(0),
                    kind: match row.get::<&str, _>(1) {
                        "int8" => "BIGINT".to_owned(),
                        "bool" => "BOOLEAN".to_owned(),
                        other => other.to_uppercase(),
                    },
                    is_nullable: row.get(2),
                    is_in_primary_key: row.get(3),
                };
                rows.unwrap().into_iter().map(column).collect()
            }
        }
    }

    /// Every row of every table, as text that is the same only when every column is.
    pub async fn dump(&mut self) -> BTreeMap<String, Vec<String>> {
        let mut dump = BTreeMap::new();
        for table in self.tables().await {
            let columns = self.columns(&table).await;
            let quoted: Vec<String> = columns
                .iter()
                .map(|column| format!("quote({})", column.name))
                .collect();
            let rows = self
                .texts(
                    &format!(
                        "SELECT {} AS row FROM {table} ORDER BY row",
                        quoted.join(" || ', ' || ")
                    ),
                    &format!("SELECT row_to_json(t)::text AS row FROM {table} t ORDER BY row"),
                )
                .await;
            dump.insert(table, rows);
        }
        dump
    }
}

/// Runs each test on every engine, or only where the data outlives the process: `all` or
/// `persistent`. Each becomes a module with one test for each engine.
macro_rules! on_engines {
    ($which:ident: $($(#[doc = $doc:literal])* async fn $name:ident($database:ident: Database) $body:block)+) => {$(
        $(#[doc = $doc])*
        mod $name {
            use super::*;

            async fn rule($database: Database) $body

            on_engines!(@ $which);
        }
    )+};
    (@ all) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn on_sqlite_in_memory() {
            rule(Database::sqlite_in_memory()).await;
        }

        on_engines!(@ persistent);
    };
    (@ persistent) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn on_a_sqlite_file() {
            rule(Database::sqlite_file()).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn on_postgres() {
            rule(Database::postgres().await).await;
        }
    };
}
pub(crate) use on_engines;
