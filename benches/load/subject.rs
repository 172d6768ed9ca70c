//! What can be measured, and what a measurement gives.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use locum::protocol::SigningAlg;

use crate::http::Request;
use crate::process::{Cores, Usage};
use crate::{Failed, Settings, bare, pgbench};

/// Each connection's first answers are not counted.
pub const WARM_UP: Duration = Duration::from_millis(300);

pub enum Subject {
    /// Signatures of aws-lc-rs, and nothing else.
    Signatures {
        alg: SigningAlg,
        signing_input: String,
    },
    /// A request to a server, over and over.
    Requests { request: Request, server: Usage },
    /// pgbench with a script, on a database.
    Pgbench {
        program: PathBuf,
        script: PathBuf,
        database_url: String,
    },
}

/// One window of one subject.
pub struct Sample {
    pub per_second: f64,
    pub latency: Option<Histogram<u64>>,
    /// How much of one core the process used; `None` where that is not to be had.
    pub busy: Option<f64>,
}

impl Subject {
    pub async fn measure(&self, settings: &Settings, cores: &Cores) -> Result<Sample, Failed> {
        let seconds = settings.window;
        match self {
            Self::Signatures { alg, signing_input } => {
                bare::signatures(cores, *alg, signing_input, seconds).await
            }
            Self::Requests { request, server } => {
                let start = Instant::now() + WARM_UP;
                let window = start..start + seconds;
                let busy = async {
                    tokio::time::sleep_until(start.into()).await;
                    let used = server.processor_time();
                    tokio::time::sleep_until(window.end.into()).await;
                    server.busy_since(used, seconds.as_secs_f64())
                };
                let load = request.repeat(settings.connections, window.clone());
                let (load, busy) = tokio::join!(load, busy);
                let load = load?;
                Ok(Sample {
                    per_second: load.per_second,
                    latency: Some(load.latency),
                    busy,
                })
            }
            Self::Pgbench {
                program,
                script,
                database_url,
            } => pgbench::measure(program, script, database_url, settings).await,
        }
    }
}
