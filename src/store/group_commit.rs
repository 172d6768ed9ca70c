//! Inserts of opaque tokens that happen at the same time share one transaction.
//!
//! A durable commit costs a flush of the disk, whatever is in it. So inserts wait in a queue, and
//! a writer takes everything that has gathered while it was writing the last lot. Nobody waits
//! for company: a lone insert is written at once. Each caller is answered after the commit.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};

use super::access_tokens::StoredToken;
use super::{Engine, Result, StoreError};

/// Rows that may wait; more are refused, so that a slow database cannot fill the memory.
const WAITING: usize = 4096;
/// Rows in one transaction.
const LARGEST_GROUP: usize = 512;
/// On Postgres, one group gathers while another commits. SQLite has one writer.
const POSTGRES_WRITERS: usize = 2;

struct Waiting {
    token: StoredToken,
    done: oneshot::Sender<Result<()>>,
}

#[derive(Clone)]
pub(super) struct GroupCommit {
    queue: mpsc::Sender<Waiting>,
}

impl GroupCommit {
    /// Starts the writers on the current runtime. They end when the last clone is dropped.
    pub(super) fn start(engine: Engine) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let writers = match engine {
            Engine::Sqlite { .. } => 1,
            Engine::Postgres(_) => POSTGRES_WRITERS,
        };
        for _ in 0..writers {
            tokio::spawn(write_groups(engine.clone(), waiting.clone()));
        }
        Self { queue }
    }

    pub(super) async fn insert(&self, token: StoredToken) -> Result<()> {
        let (done, written) = oneshot::channel();
        self.queue
            .try_send(Waiting { token, done })
            .map_err(|_| StoreError::Busy)?;
        written.await.unwrap_or(Err(StoreError::Busy))
    }
}

async fn write_groups(engine: Engine, waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    let mut group = Vec::new();
    loop {
        let received = {
            let mut waiting = waiting.lock().await;
            waiting.recv_many(&mut group, LARGEST_GROUP).await
        };
        if received == 0 {
            return;
        }
        let (tokens, callers): (Vec<_>, Vec<_>) =
            group.drain(..).map(|one| (one.token, one.done)).unzip();
        let outcome = write_group(&engine, &tokens).await;
        if let Err(error) = &outcome {
            tracing::error!(%error, rows = tokens.len(), "tokens could not be stored");
        }
        for caller in callers {
            // A caller that has gone away needs no answer.
            let _ = caller.send(outcome.as_ref().map_or(Err(StoreError::Busy), |()| Ok(())));
        }
    }
}

async fn write_group(engine: &Engine, tokens: &[StoredToken]) -> Result<()> {
    let mut tx = engine.write().await?;
    tx.insert_access_tokens(tokens).await?;
    tx.commit().await
}
