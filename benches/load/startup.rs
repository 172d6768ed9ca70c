//! From nothing to the first token, and what `locum dev` then holds in memory.

use std::time::{Duration, Instant};

use crate::Failed;
use crate::http::Request;
use crate::process::{Cores, Database, Locum};
use crate::table::median;

const STARTS: usize = 10;
const TOKENS: usize = 100;

/// What `locum dev` with nothing but its demo issuers takes.
pub struct Startup {
    /// Executing the binary, its ready line, one RS256 token: in ascending order.
    pub to_first_token: Vec<Duration>,
    pub memory: Option<Memory>,
}

/// Resident, in KiB.
pub struct Memory {
    pub when_ready: u64,
    pub after_first_token: u64,
    pub after_more_tokens: u64,
}

impl Startup {
    pub async fn measure(cores: &Cores) -> Result<Self, Failed> {
        let mut to_first_token = Vec::new();
        for _ in 0..STARTS {
            let started = Instant::now();
            let locum = Locum::start(cores, None, Database::InMemory).await?;
            first_request(&locum)?.send().await?;
            to_first_token.push(started.elapsed());
        }
        to_first_token.sort();
        Ok(Self {
            to_first_token,
            memory: Memory::measure(cores).await?,
        })
    }

    pub fn median(&self) -> Duration {
        let seconds = self.to_first_token.iter().map(Duration::as_secs_f64);
        Duration::from_secs_f64(median(seconds))
    }
}

impl Memory {
    pub const MORE_TOKENS: usize = TOKENS;

    async fn measure(cores: &Cores) -> Result<Option<Self>, Failed> {
        let locum = Locum::start(cores, None, Database::InMemory).await?;
        let usage = locum.process.usage();
        let when_ready = usage.resident();
        let request = first_request(&locum)?;
        request.send().await?;
        let after_first_token = usage.resident();
        for _ in 1..TOKENS {
            request.send().await?;
        }
        Ok((|| {
            Some(Self {
                when_ready: when_ready?,
                after_first_token: after_first_token?,
                after_more_tokens: usage.resident()?,
            })
        })())
    }
}

fn first_request(locum: &Locum) -> Result<Request, Failed> {
    Request::client_credentials(
        locum.token_endpoint("clinic")?,
        "clinic-machine",
        "clinic-machine-secret",
        "patients:read",
    )
}
