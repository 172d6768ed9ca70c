//! `locum token`: an access token, with client credentials.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value as Json;

use super::admin::{encoded, http_client, read_secret, server_url};
use super::{Failed, fail};

#[derive(Args)]
pub struct Token {
    /// The server, like https://id.example
    #[arg(long, value_name = "URL", env = "LOCUM_SERVER")]
    server: String,
    /// Of a client of the console
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// A file with its secret, or - for standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: PathBuf,
    /// For the admin API of this issuer; of the server itself when absent
    #[arg(long, short, value_name = "NAME")]
    issuer: Option<String>,
    /// Only these scopes; all that the client was granted when absent
    #[arg(long)]
    scope: Vec<String>,
    /// The whole answer, in JSON
    #[arg(long)]
    json: bool,
}

impl Token {
    pub async fn run(self) -> Result<(), Failed> {
        use crate::admin::system::{CONSOLE, SERVER_AUDIENCE, issuer_audience};
        let base = server_url(&self.server)?;
        let secret = read_secret(&self.client_secret_file)?;
        let audience = self
            .issuer
            .as_deref()
            .map_or_else(|| SERVER_AUDIENCE.to_owned(), issuer_audience);
        let mut form = format!(
            "grant_type=client_credentials&resource={}",
            encoded(&audience)
        );
        if !self.scope.is_empty() {
            form.push_str(&format!("&scope={}", encoded(&self.scope.join(" "))));
        }
        let base = base.as_str().trim_end_matches('/');
        let url = format!("{base}/{CONSOLE}/oauth2/token");
        let response = http_client()?
            .post(url)
            // RFC 6749 §2.3.1
            .basic_auth(encoded(&self.client_id), Some(encoded(secret.expose())))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .map_err(|error| fail(format!("{base} does not answer: {error}")))?;
        let status = response.status();
        let text = response.text().await.map_err(fail)?;
        let answer: Json = serde_json::from_str(&text).unwrap_or_default();
        let Some(token) = answer["access_token"].as_str() else {
            let Some(error) = answer["error"].as_str() else {
                return Err(fail(format!(
                    "{base} answered {status} and no token: is it the address of a Locum?"
                )));
            };
            let description = answer["error_description"].as_str().unwrap_or_default();
            return Err(fail(format!("{error}: {description}")));
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&answer).map_err(fail)?);
        } else {
            println!("{token}");
        }
        Ok(())
    }
}
