//! What to paste where, for a client: curl, and the common libraries.

use super::pages::Snippet;
use crate::dialect::{BodyEncoding, Endpoint, MissingAudience, MissingScope};
use crate::issuer::{Api, Client, ClientKind, GrantedScope};
use crate::protocol::{ClientAuthMethod, GrantType};
use crate::web::address::Address;

/// Where the secret goes when it is not known.
const PLACE: &str = "YOUR_SECRET";

struct Facts<'a> {
    address: &'a Address,
    client: &'a Client,
    secret: &'a str,
    token_endpoint: &'a str,
    audience: Option<String>,
    scope: Option<String>,
    redirect_uri: String,
}

pub fn of(address: &Address, client: &Client, apis: &[Api], secret: Option<&str>) -> Vec<Snippet> {
    let Some(token_endpoint) = address.metadata.url(Endpoint::Token) else {
        return Vec::new();
    };
    let dialect = &address.issuer.dialect;
    let granted = client.grants.first().and_then(|grant| {
        let api = apis.iter().find(|api| api.id == grant.api_id)?;
        Some((grant, api))
    });
    let needs_audience = match dialect.audience.when_missing {
        MissingAudience::Refuse => true,
        MissingAudience::Single => client.grants.len() > 1,
        _ => false,
    };
    let audience = granted
        .filter(|_| needs_audience)
        .map(|(_, api)| api.audience.clone());
    let scope = granted.and_then(|(grant, api)| {
        let granted = match &grant.scope {
            GrantedScope::Only(scope) => scope.clone(),
            GrantedScope::All => grant.machine_scope(api),
        };
        let needs_scope = match dialect.scope.when_missing {
            MissingScope::Refuse => true,
            // Whoever has everything is not asked what of it.
            MissingScope::None => grant.scope != GrantedScope::All,
            MissingScope::All => false,
        };
        (needs_scope && !granted.is_empty()).then(|| granted.to_string())
    });
    let facts = Facts {
        address,
        client,
        secret: secret.unwrap_or(PLACE),
        token_endpoint,
        audience,
        scope,
        redirect_uri: client
            .redirect_uris
            .first()
            .cloned()
            .unwrap_or_else(|| "http://localhost:3000/callback".to_owned()),
    };
    if client.grant_types.contains(&GrantType::ClientCredentials) {
        facts.for_machines()
    } else {
        facts.for_users()
    }
}

impl Facts<'_> {
    fn for_machines(&self) -> Vec<Snippet> {
        vec![
            snippet("curl", self.curl()),
            snippet("openid-client (Node.js)", self.node_machine()),
            snippet("Authlib (Python)", self.authlib()),
            snippet(
                "Spring Security (application.yml)",
                self.spring("client_credentials"),
            ),
        ]
    }

    fn for_users(&self) -> Vec<Snippet> {
        let mut snippets = Vec::new();
        match self.client.kind {
            ClientKind::Spa => snippets.push(snippet("oidc-client-ts (browser)", self.browser())),
            ClientKind::Native => {
                snippets.push(snippet("AppAuth (iOS, Android): settings", self.settings()));
            }
            ClientKind::Machine | ClientKind::Web => {
                snippets.push(snippet("openid-client (Node.js)", self.node_web()));
                snippets.push(snippet(
                    "Spring Security (application.yml)",
                    self.spring("authorization_code"),
                ));
                snippets.push(snippet("ASP.NET Core", self.asp_net()));
            }
        }
        snippets.push(snippet("Any library: settings", self.settings()));
        snippets
    }

    /// In the form the vendor's guide would show it.
    fn curl(&self) -> String {
        let (id, secret, url) = (&self.client.client_id, self.secret, self.token_endpoint);
        let dialect = &self.address.issuer.dialect;
        if dialect.token_request.body.first() == Some(&BodyEncoding::Json) {
            let mut body = serde_json::json!({
                "client_id": id, "client_secret": secret, "grant_type": "client_credentials",
            });
            if let Some(audience) = &self.audience {
                body["audience"] = audience.as_str().into();
            }
            let body = quoted(&body.to_string());
            return format!(
                "curl {url} \\\n  --header 'content-type: application/json' \\\n  --data {body}"
            );
        }
        let mut command = format!("curl {url} \\\n");
        if self.method() == ClientAuthMethod::ClientSecretPost {
            command.push_str(&format!(
                "  --data-urlencode {} \\\n  --data-urlencode {} \\\n",
                quoted(&format!("client_id={id}")),
                quoted(&format!("client_secret={secret}")),
            ));
        } else {
            let user = quoted(&format!("{id}:{secret}"));
            command.push_str(&format!("  --user {user} \\\n"));
        }
        command.push_str("  --data grant_type=client_credentials");
        for (name, value) in [("audience", &self.audience), ("scope", &self.scope)] {
            if let Some(value) = value {
                let pair = quoted(&format!("{name}={value}"));
                command.push_str(&format!(" \\\n  --data-urlencode {pair}"));
            }
        }
        command
    }

    fn method(&self) -> ClientAuthMethod {
        let policy = &self.address.issuer.dialect.token_request;
        self.client
            .token_endpoint_auth_method
            .or(policy.default_client_auth_method)
            .or(policy.client_auth_methods.first().copied())
            .unwrap_or(ClientAuthMethod::ClientSecretBasic)
    }

    fn node_machine(&self) -> String {
        let parameters: Vec<String> = [("audience", &self.audience), ("scope", &self.scope)]
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}: {}", json(value.as_ref()?))))
            .collect();
        format!(
            "import * as client from 'openid-client'\n\n\
             const config = new client.Configuration(\n  \
               {{ issuer: {issuer}, token_endpoint: {token} }},\n  {id}, {secret})\n\
             const tokens = await client.clientCredentialsGrant(config, {{ {parameters} }})",
            issuer = json(&self.address.identifier),
            token = json(self.token_endpoint),
            id = json(&self.client.client_id),
            secret = json(self.secret),
            parameters = parameters.join(", "),
        )
    }

    fn node_web(&self) -> String {
        format!(
            "import * as client from 'openid-client'\n\n\
             const config = await client.discovery(new URL({issuer}), {id}, {secret})\n\
             const code_verifier = client.randomPKCECodeVerifier()\n\
             const url = client.buildAuthorizationUrl(config, {{\n  \
               redirect_uri: {redirect_uri},\n  scope: 'openid profile',\n  \
               code_challenge: await client.calculatePKCECodeChallenge(code_verifier),\n  \
               code_challenge_method: 'S256',\n}})",
            issuer = json(&self.address.identifier),
            id = json(&self.client.client_id),
            secret = json(self.secret),
            redirect_uri = json(&self.redirect_uri),
        )
    }

    fn authlib(&self) -> String {
        let parameters: String = [("audience", &self.audience), ("scope", &self.scope)]
            .into_iter()
            .filter_map(|(name, value)| Some(format!(", {name}={}", json(value.as_ref()?))))
            .collect();
        format!(
            "from authlib.integrations.requests_client import OAuth2Session\n\n\
             session = OAuth2Session({id}, {secret},\n    \
             token_endpoint_auth_method={method})\n\
             token = session.fetch_token({token},\n    grant_type=\"client_credentials\"{parameters})",
            id = json(&self.client.client_id),
            secret = json(self.secret),
            method = json(self.method().as_str()),
            token = json(self.token_endpoint),
        )
    }

    fn spring(&self, grant_type: &str) -> String {
        let issuer = json(&self.address.identifier);
        let mut text = format!(
            "spring:\n  security:\n    oauth2:\n      client:\n        registration:\n          \
             locum:\n            client-id: {}\n            client-secret: {}\n            \
             authorization-grant-type: {grant_type}\n            \
             client-authentication-method: {}\n",
            json(&self.client.client_id),
            json(self.secret),
            self.method().as_str(),
        );
        if grant_type == "authorization_code" {
            text.push_str("            scope: openid, profile\n");
        } else if let Some(scope) = &self.scope {
            text.push_str(&format!("            scope: {}\n", json(scope)));
        }
        text.push_str("        provider:\n          locum:\n");
        if grant_type == "authorization_code" {
            text.push_str(&format!("            issuer-uri: {issuer}"));
        } else {
            text.push_str(&format!(
                "            token-uri: {}",
                json(self.token_endpoint)
            ));
        }
        text
    }

    fn asp_net(&self) -> String {
        format!(
            "builder.Services.AddAuthentication()\n    .AddCookie()\n    .AddOpenIdConnect(options => {{\n        \
             options.Authority = {issuer};\n        options.ClientId = {id};\n        \
             options.ClientSecret = {secret};\n        options.ResponseType = \"code\";\n        \
             options.Scope.Add(\"profile\");\n    }});",
            issuer = json(&self.address.identifier),
            id = json(&self.client.client_id),
            secret = json(self.secret),
        )
    }

    fn browser(&self) -> String {
        format!(
            "import {{ UserManager }} from 'oidc-client-ts'\n\n\
             const users = new UserManager({{\n  authority: {issuer},\n  client_id: {id},\n  \
             redirect_uri: {redirect_uri},\n  scope: 'openid profile',\n}})\n\
             await users.signinRedirect()",
            issuer = json(&self.address.identifier),
            id = json(&self.client.client_id),
            redirect_uri = json(&self.redirect_uri),
        )
    }

    fn settings(&self) -> String {
        let mut lines = vec![
            format!("Issuer         {}", self.address.identifier),
            format!("Client ID      {}", self.client.client_id),
        ];
        if !self.client.is_public() {
            lines.push(format!("Client secret  {}", self.secret));
        }
        if let Some(url) = self.address.metadata.url(Endpoint::Discovery) {
            lines.push(format!("Discovery      {url}"));
        }
        lines.push(format!("Redirect URI   {}", self.redirect_uri));
        lines.push("Flow           authorization code with PKCE".to_owned());
        lines.push("Scope          openid profile".to_owned());
        lines.join("\n")
    }
}

fn snippet(title: &str, code: String) -> Snippet {
    Snippet {
        title: title.to_owned(),
        code,
    }
}

/// A string as JSON, JavaScript, Python, C# and YAML understand it.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
