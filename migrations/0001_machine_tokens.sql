-- One text for SQLite and Postgres. Instants are TIMESTAMPTZ in UTC and whole seconds.

CREATE TABLE issuers (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    dialect TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- `declared` marks what a configuration file created, and what it may therefore remove again.
CREATE TABLE apis (
    id UUID PRIMARY KEY,
    issuer_id UUID NOT NULL REFERENCES issuers (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    audience TEXT NOT NULL,
    name TEXT NOT NULL,
    token_lifetime BIGINT, -- seconds
    token_format TEXT,
    signing_alg TEXT,
    declared BOOLEAN NOT NULL,
    UNIQUE (issuer_id, audience)
);

CREATE TABLE scopes (
    api_id UUID NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    description TEXT NOT NULL,
    users_only BOOLEAN NOT NULL,
    PRIMARY KEY (api_id, name)
);

CREATE TABLE clients (
    issuer_id UUID NOT NULL REFERENCES issuers (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    secret_hash TEXT,
    token_endpoint_auth_method TEXT,
    grant_types TEXT NOT NULL, -- between spaces
    redirect_uris TEXT NOT NULL, -- a JSON array
    declared BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (issuer_id, client_id)
);

CREATE TABLE client_grants (
    issuer_id UUID NOT NULL,
    client_id TEXT NOT NULL,
    api_id UUID NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    scope TEXT, -- between spaces; NULL is every scope
    PRIMARY KEY (issuer_id, client_id, api_id),
    FOREIGN KEY (issuer_id, client_id) REFERENCES clients (issuer_id, client_id) ON DELETE CASCADE
);

CREATE TABLE signing_keys (
    issuer_id UUID NOT NULL REFERENCES issuers (id) ON DELETE CASCADE,
    kid TEXT NOT NULL,
    alg TEXT NOT NULL,
    private_key BYTEA NOT NULL, -- sealed under LOCUM_SECRET_KEY
    certificate BYTEA NOT NULL,
    well_known BOOLEAN NOT NULL, -- its private key is public knowledge: for `locum dev` alone
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (issuer_id, kid)
);

-- No reference to clients: on Postgres it would have every insert lock the client's row.
CREATE TABLE access_tokens (
    issuer_id UUID NOT NULL,
    token_hash BYTEA NOT NULL, -- SHA-256
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    audience TEXT NOT NULL, -- a JSON array
    scope TEXT NOT NULL,
    issued_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ,
    PRIMARY KEY (issuer_id, token_hash)
);

CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

-- JWTs revoked before their time. `token_hash` is over what the signature covers, not over the
-- signature: an ECDSA signature has a twin that verifies as well.
CREATE TABLE revoked_jwts (
    issuer_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (issuer_id, token_hash)
);

CREATE INDEX revoked_jwts_by_expiry ON revoked_jwts (expires_at);
