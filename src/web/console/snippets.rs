//! What to paste where, for a client: curl, and the common libraries.

use super::pages::Snippet;
use crate::dialect::{BodyEncoding, Endpoint, MissingAudience, MissingScope};
use crate::issuer::{Api, Client, ClientGrant, ClientKind, GrantedScope};
use crate::protocol::{ClientAuthMethod, GrantType, parameter};
use crate::web::address::Address;

/// Where the secret goes when it is not known.
const PLACE: &str = "YOUR_SECRET";

struct Facts<'a> {
    address: &'a Address,
    client: &'a Client,
    secret: &'a str,
    token_endpoint: &'a str,
    /// The parameter that has to name an API, as this dialect calls it, and its value.
    audience: Option<(&'static str, String)>,
    /// What a machine has to ask for.
    machine_scope: Option<String>,
    user_scope: Vec<String>,
    redirect_uri: String,
}

pub fn of(address: &Address, client: &Client, apis: &[Api], secret: Option<&str>) -> Vec<Snippet> {
    let Some(token_endpoint) = address.metadata.url(Endpoint::Token) else {
        return Vec::new();
    };
    let facts = Facts {
        address,
        client,
        secret: secret.unwrap_or(PLACE),
        token_endpoint,
        audience: audience(address, client, apis),
        machine_scope: machine_scope(address, client, apis),
        user_scope: user_scope(address, client, apis),
        redirect_uri: client
            .redirect_uris
            .first()
            .cloned()
            .unwrap_or_else(|| "http://localhost:3000/callback".to_owned()),
    };
    let mut snippets = Vec::new();
    if client.grant_types.contains(&GrantType::ClientCredentials) {
        snippets.extend(facts.for_machines());
    }
    if client.grant_types.contains(&GrantType::AuthorizationCode) {
        snippets.extend(facts.for_users());
    }
    snippets
}

/// The first API granted: what the snippets ask for.
fn granted<'a>(client: &'a Client, apis: &'a [Api]) -> Option<(&'a ClientGrant, &'a Api)> {
    let grant = client.grants.first()?;
    let api = apis.iter().find(|api| api.id == grant.api_id)?;
    Some((grant, api))
}

fn audience(address: &Address, client: &Client, apis: &[Api]) -> Option<(&'static str, String)> {
    let policy = &address.issuer.dialect.audience;
    let is_needed = match policy.when_missing {
        MissingAudience::Refuse => true,
        MissingAudience::Single => client.grants.len() > 1,
        MissingAudience::Empty | MissingAudience::FromScope => false,
    };
    let parameter = policy.parameters.first().filter(|_| is_needed)?;
    let (_, api) = granted(client, apis)?;
    Some((parameter.as_str(), api.audience.clone()))
}

fn machine_scope(address: &Address, client: &Client, apis: &[Api]) -> Option<String> {
    let (grant, api) = granted(client, apis)?;
    let is_needed = match address.issuer.dialect.scope.when_missing {
        MissingScope::Refuse => true,
        // Whoever has everything is not asked what of it.
        MissingScope::None => grant.scope != GrantedScope::All,
        MissingScope::All => false,
    };
    let scope = grant.machine_scope(api);
    (is_needed && !scope.is_empty()).then(|| scope.to_string())
}

/// Who the user is, a refresh token where the client may have one, and what it was granted.
fn user_scope(address: &Address, client: &Client, apis: &[Api]) -> Vec<String> {
    let dialect = &address.issuer.dialect;
    let mut scope = vec!["openid".to_owned(), "profile".to_owned()];
    if client.grant_types.contains(&GrantType::RefreshToken) {
        scope.extend(dialect.refresh_token.scopes.first().cloned());
    }
    scope.retain(|scope| client.may_ask_for(scope));
    if let Some((grant, api)) = granted(client, apis) {
        scope.extend(grant.user_scope(api).tokens().to_vec());
    }
    scope
}

impl Facts<'_> {
    fn for_machines(&self) -> Vec<Snippet> {
        vec![
            snippet("curl", self.curl()),
            snippet("openid-client (Node.js), for itself", self.node_machine()),
            snippet("Authlib (Python)", self.authlib()),
            snippet(
                "Spring Security (application.yml), for itself",
                self.spring_machine(),
            ),
        ]
    }

    fn for_users(&self) -> Vec<Snippet> {
        let mut snippets = Vec::new();
        match self.client.kind {
            ClientKind::Spa => snippets.push(snippet("oidc-client-ts (browser)", self.browser())),
            ClientKind::Native => {}
            ClientKind::Machine | ClientKind::Web => {
                snippets.push(snippet("openid-client (Node.js)", self.node_web()));
                snippets.push(snippet(
                    "Spring Security (application.yml)",
                    self.spring_web(),
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
            for (name, value) in self.machine_parameters() {
                body[name] = value.into();
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
            let user = quoted(&dialect.token_request.basic_pair(id, secret));
            command.push_str(&format!("  --user {user} \\\n"));
        }
        command.push_str("  --data grant_type=client_credentials");
        for (name, value) in self.machine_parameters() {
            let pair = quoted(&format!("{name}={value}"));
            command.push_str(&format!(" \\\n  --data-urlencode {pair}"));
        }
        command
    }

    /// What a machine adds to its request for a token.
    fn machine_parameters(&self) -> Vec<(&str, &str)> {
        let audience = self.audience.as_ref();
        let scope = self.machine_scope.as_ref();
        audience
            .map(|(name, value)| (*name, value.as_str()))
            .into_iter()
            .chain(scope.map(|scope| (parameter::SCOPE, scope.as_str())))
            .collect()
    }

    /// What an application adds to its request for a user, one `line` each.
    fn audience_lines(&self, line: impl Fn(&str, &str) -> String) -> String {
        let audience = self.audience.as_ref();
        audience
            .map(|(name, value)| line(name, &json(value)))
            .unwrap_or_default()
    }

    fn method(&self) -> ClientAuthMethod {
        let policy = &self.address.issuer.dialect.token_request;
        let method = self.client.usual_auth_method(policy);
        method.unwrap_or(ClientAuthMethod::ClientSecretBasic)
    }

    fn node_machine(&self) -> String {
        let parameters = self.machine_parameters();
        let parameters: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}: {}", json(value)))
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
               redirect_uri: {redirect_uri},\n  scope: {scope},\n{audience}  \
               code_challenge: await client.calculatePKCECodeChallenge(code_verifier),\n  \
               code_challenge_method: 'S256',\n}})",
            issuer = json(&self.address.identifier),
            id = json(&self.client.client_id),
            secret = json(self.secret),
            redirect_uri = json(&self.redirect_uri),
            scope = json(&self.user_scope.join(" ")),
            audience = self.audience_lines(|name, value| format!("  {name}: {value},\n")),
        )
    }

    fn authlib(&self) -> String {
        let parameters = self.machine_parameters();
        let parameters: String = parameters
            .iter()
            .map(|(name, value)| format!(", {name}={}", json(value)))
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

    /// Spring reads the scope as a list, and asks for no audience without code of the
    /// application's own.
    fn spring(&self, grant_type: GrantType, scope: &str, provider: &str) -> String {
        let mut text = format!(
            "spring:\n  security:\n    oauth2:\n      client:\n        registration:\n          \
             locum:\n            client-id: {}\n            client-secret: {}\n            \
             authorization-grant-type: {}\n            \
             client-authentication-method: {}\n",
            json(&self.client.client_id),
            json(self.secret),
            grant_type.as_str(),
            self.method().as_str(),
        );
        if !scope.is_empty() {
            let list: Vec<String> = scope.split(' ').map(json).collect();
            text.push_str(&format!("            scope: [{}]\n", list.join(", ")));
        }
        text.push_str(&format!(
            "        provider:\n          locum:\n            {provider}"
        ));
        if let Some((name, value)) = &self.audience {
            text.push_str(&format!(
                "\n# and {name}={value}, by a parameters converter of the application"
            ));
        }
        text
    }

    fn spring_machine(&self) -> String {
        let scope = self.machine_scope.as_deref().unwrap_or_default();
        let provider = format!("token-uri: {}", json(self.token_endpoint));
        self.spring(GrantType::ClientCredentials, scope, &provider)
    }

    fn spring_web(&self) -> String {
        let provider = format!("issuer-uri: {}", json(&self.address.identifier));
        self.spring(
            GrantType::AuthorizationCode,
            &self.user_scope.join(" "),
            &provider,
        )
    }

    fn asp_net(&self) -> String {
        // It asks for openid and profile by itself.
        let scope = self.user_scope.iter().map(String::as_str);
        let scope: String = scope
            .filter(|scope| !["openid", "profile"].contains(scope))
            .map(|scope| format!("        options.Scope.Add({});\n", json(scope)))
            .collect();
        format!(
            "builder.Services.AddAuthentication()\n    .AddCookie()\n    .AddOpenIdConnect(options => {{\n        \
             options.Authority = {issuer};\n        options.ClientId = {id};\n        \
             options.ClientSecret = {secret};\n        options.ResponseType = \"code\";\n{scope}{audience}    }});",
            issuer = json(&self.address.identifier),
            id = json(&self.client.client_id),
            secret = json(self.secret),
            audience = self.audience_lines(|name, value| format!(
                "        options.AdditionalAuthorizationParameters.Add(\"{name}\", {value});\n"
            )),
        )
    }

    fn browser(&self) -> String {
        format!(
            "import {{ UserManager }} from 'oidc-client-ts'\n\n\
             const users = new UserManager({{\n  authority: {issuer},\n  client_id: {id},\n  \
             redirect_uri: {redirect_uri},\n  scope: {scope},\n{audience}}})\n\
             await users.signinRedirect()",
            issuer = json(&self.address.identifier),
            id = json(&self.client.client_id),
            redirect_uri = json(&self.redirect_uri),
            scope = json(&self.user_scope.join(" ")),
            audience = self.audience_lines(|name, value| format!(
                "  extraQueryParams: {{ {name}: {value} }},\n"
            )),
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
        lines.push(format!("Scope          {}", self.user_scope.join(" ")));
        if let Some((name, value)) = &self.audience {
            lines.push(format!("Parameter      {name}={value}"));
        }
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
