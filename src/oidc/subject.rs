//! What a client calls a user: `sub` (OIDC Core §8).

use crate::account::{User, UserId};
use crate::dialect::SubjectWord;
use crate::dialect::template::{Lookup, Value};
use crate::issuer::{Client, SubjectType};
use crate::oauth::{Authority, Refusal};
use crate::secret::random_text;
use crate::store::Tx;

struct PublicSubject {
    user_id: String,
    user_id_hex: String,
}

impl PublicSubject {
    fn of(user: UserId) -> Self {
        Self {
            user_id: user.0.to_string(),
            user_id_hex: user.0.simple().to_string(),
        }
    }
}

impl Lookup<SubjectWord> for PublicSubject {
    fn value(&self, word: SubjectWord) -> Value<'_> {
        match word {
            SubjectWord::UserId => Value::text(&self.user_id),
            SubjectWord::UserIdHex => Value::text(&self.user_id_hex),
        }
    }
}

impl Authority<'_> {
    /// What the client calls the user, now and whenever it asks again. A pairwise subject is
    /// random, so that nothing can be computed from it, not even by whoever knows every key.
    pub async fn subject(
        &self,
        tx: &mut Tx,
        client: &Client,
        user: &User,
    ) -> Result<String, Refusal> {
        let (sector, candidate) = match client.metadata.subject_type {
            SubjectType::Public => {
                let template = &self.issuer.dialect.subject.public;
                (String::new(), template.render(&PublicSubject::of(user.id)))
            }
            SubjectType::Pairwise => (client.sector(), random_text(&self.core.entropy)),
        };
        Ok(tx
            .subject(self.issuer.id, user.id, &sector, &candidate)
            .await?)
    }
}
