use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, StoreError, Tx, parse_column};
use crate::account::{AuthorizationCode, CodeChallenge, GrantId};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::protocol::PkceMethod;
use crate::secret::Digest;

row! {
    struct CodeRow {
        grant_id: Uuid,
        redirect_uri: Option<String>,
        code_challenge: Option<String>,
        code_challenge_method: Option<String>,
        expires_at: OffsetDateTime,
        spent_at: Option<OffsetDateTime>,
    }
}

const INSERT: &str = "INSERT INTO authorization_codes
        (issuer_id, code_hash, grant_id, redirect_uri, code_challenge, code_challenge_method,
         expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// The guard is in the statement, so that of any number of requests one wins.
const SPEND: &str = "UPDATE authorization_codes SET spent_at = $3
    WHERE issuer_id = $1 AND code_hash = $2 AND spent_at IS NULL AND expires_at > $3
    RETURNING grant_id, redirect_uri, code_challenge, code_challenge_method, expires_at, spent_at";

const FIND: &str = "SELECT grant_id, redirect_uri, code_challenge, code_challenge_method,
        expires_at, spent_at
    FROM authorization_codes WHERE issuer_id = $1 AND code_hash = $2";

impl TryFrom<CodeRow> for AuthorizationCode {
    type Error = StoreError;

    fn try_from(row: CodeRow) -> Result<Self> {
        let code_challenge = match (row.code_challenge, row.code_challenge_method) {
            (Some(challenge), Some(method)) => Some(CodeChallenge {
                challenge,
                method: parse_column("code_challenge_method", &method, PkceMethod::find)?,
            }),
            (None, None) => None,
            // Half a challenge must not pass for none.
            _ => return Err(StoreError::Unreadable("a code_challenge".to_owned())),
        };
        Ok(Self {
            grant: GrantId(row.grant_id),
            redirect_uri: row.redirect_uri,
            code_challenge,
            expires_at: row.expires_at.into(),
        })
    }
}

impl Tx {
    pub async fn insert_code(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        code: &AuthorizationCode,
    ) -> Result<()> {
        let challenge = code.code_challenge.as_ref();
        Ok(on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(code.grant.0)
            .bind(&code.redirect_uri)
            .bind(challenge.map(|challenge| &challenge.challenge))
            .bind(challenge.map(|challenge| challenge.method.as_str()))
            .bind(code.expires_at.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    /// `None` when the code is unknown to this issuer, expired, or already spent.
    pub async fn spend_code(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        now: Timestamp,
    ) -> Result<Option<AuthorizationCode>> {
        let row: Option<CodeRow> = on_engine!(tx self, |db| sqlx::query_as(SPEND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        row.map(AuthorizationCode::try_from).transpose()
    }

    /// The code, dead or alive, and when it was spent.
    pub async fn find_code(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
    ) -> Result<Option<(AuthorizationCode, Option<Timestamp>)>> {
        let row: Option<CodeRow> = on_engine!(tx self, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(db)
            .await)?;
        row.map(|row| {
            let spent_at = row.spent_at.map(Timestamp::from);
            Ok((row.try_into()?, spent_at))
        })
        .transpose()
    }
}
