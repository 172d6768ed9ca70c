-- People and what comes of their signing in. One text for SQLite and Postgres.
--
-- What is written at each sign-in refers to the user and not to the issuer: on Postgres a
-- reference locks the row it points to, and everybody who signs in would lock the same one. An
-- issuer's users go with it, and these rows with the users.

-- RFC 7591 client metadata that no query looks into, as JSON.
ALTER TABLE clients ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';

-- Whether a user must have a role that holds the scope; the words for it in other languages, as
-- a JSON object by language.
ALTER TABLE scopes ADD COLUMN needs_role BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE scopes ADD COLUMN translations TEXT NOT NULL DEFAULT '{}';

-- The grant an opaque access token came of; NULL for a machine's. No reference: a token whose
-- grant is gone is dead, and is deleted when it has expired.
ALTER TABLE access_tokens ADD COLUMN grant_id UUID;

CREATE TABLE roles (
    issuer_id UUID NOT NULL REFERENCES issuers (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    position BIGINT NOT NULL,
    description TEXT NOT NULL,
    declared BOOLEAN NOT NULL,
    PRIMARY KEY (issuer_id, name)
);

CREATE TABLE role_grants (
    issuer_id UUID NOT NULL,
    role TEXT NOT NULL,
    api_id UUID NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    scope TEXT, -- between spaces; NULL is every scope
    PRIMARY KEY (issuer_id, role, api_id),
    FOREIGN KEY (issuer_id, role) REFERENCES roles (issuer_id, name) ON DELETE CASCADE
);

CREATE TABLE users (
    id UUID PRIMARY KEY,
    issuer_id UUID NOT NULL REFERENCES issuers (id) ON DELETE CASCADE,
    username TEXT NOT NULL, -- as it is shown
    canonical_username TEXT NOT NULL, -- as it is compared
    password_hash TEXT, -- Argon2id
    password_is_own BOOLEAN NOT NULL, -- chosen by the person, so no configuration may change it
    claims TEXT NOT NULL, -- a JSON object
    claims_are_own BOOLEAN NOT NULL, -- changed by the person, likewise
    blocked_at TIMESTAMPTZ,
    declared BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    UNIQUE (issuer_id, canonical_username)
);

CREATE TABLE user_roles (
    issuer_id UUID NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (issuer_id, user_id, role),
    FOREIGN KEY (issuer_id, role) REFERENCES roles (issuer_id, name) ON DELETE CASCADE
);

-- What clients call a user (OIDC Core §8). `sector` is '' for a public subject, and the host that
-- a pairwise one is for.
CREATE TABLE subjects (
    issuer_id UUID NOT NULL,
    subject TEXT NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    sector TEXT NOT NULL,
    PRIMARY KEY (issuer_id, subject),
    UNIQUE (issuer_id, user_id, sector)
);

CREATE TABLE sessions (
    id UUID PRIMARY KEY,
    issuer_id UUID NOT NULL,
    token_hash BYTEA NOT NULL, -- SHA-256 of what the browser holds
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    auth_time TIMESTAMPTZ NOT NULL,
    amr TEXT NOT NULL, -- between spaces
    is_remembered BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    idle_expires_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    UNIQUE (issuer_id, token_hash)
);

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
CREATE INDEX sessions_by_idle_expiry ON sessions (idle_expires_at);
CREATE INDEX sessions_by_end ON sessions (ended_at);

-- Which clients a session was used for, and what they call its user: who is to be told of its end.
CREATE TABLE session_clients (
    issuer_id UUID NOT NULL,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (issuer_id, session_id, client_id)
);

CREATE TABLE consents (
    issuer_id UUID NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    audience TEXT NOT NULL, -- between spaces; empty for what is of no API
    scope TEXT NOT NULL, -- between spaces
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (issuer_id, user_id, client_id, audience),
    FOREIGN KEY (issuer_id, client_id) REFERENCES clients (issuer_id, client_id) ON DELETE CASCADE
);

-- One authorization and, by its ID, the tokens that came of it. `expires_at` is when the last of
-- them has expired. The session is no reference, because a grant may outlive it; nor is the
-- client, whose row every sign-in would lock.
CREATE TABLE grants (
    id UUID PRIMARY KEY,
    issuer_id UUID NOT NULL,
    client_id TEXT NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id UUID NOT NULL,
    subject TEXT NOT NULL,
    scope TEXT NOT NULL, -- between spaces
    audience TEXT NOT NULL, -- a JSON array
    nonce TEXT,
    auth_time TIMESTAMPTZ NOT NULL,
    amr TEXT NOT NULL, -- between spaces
    acr TEXT,
    wants_auth_time BOOLEAN NOT NULL,
    claims_request TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ
);

CREATE INDEX grants_by_user ON grants (user_id, client_id);
CREATE INDEX grants_by_session ON grants (session_id);
CREATE INDEX grants_by_expiry ON grants (expires_at);

CREATE TABLE authorization_codes (
    issuer_id UUID NOT NULL,
    code_hash BYTEA NOT NULL, -- SHA-256
    grant_id UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    redirect_uri TEXT,
    code_challenge TEXT,
    code_challenge_method TEXT,
    expires_at TIMESTAMPTZ NOT NULL,
    spent_at TIMESTAMPTZ,
    PRIMARY KEY (issuer_id, code_hash)
);

CREATE INDEX authorization_codes_by_grant ON authorization_codes (grant_id);

CREATE TABLE refresh_tokens (
    issuer_id UUID NOT NULL,
    token_hash BYTEA NOT NULL, -- SHA-256
    grant_id UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    issued_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    spent_at TIMESTAMPTZ,
    PRIMARY KEY (issuer_id, token_hash)
);

CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- JWT access tokens that came of a grant, so that they can die with it. Where a dialect's JWTs
-- have no `jti`, two grants of one second may share a JWT: it lives while either does.
CREATE TABLE issued_jwts (
    issuer_id UUID NOT NULL,
    token_hash BYTEA NOT NULL, -- as in revoked_jwts
    grant_id UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (issuer_id, token_hash, grant_id)
);

CREATE INDEX issued_jwts_by_grant ON issued_jwts (grant_id);
CREATE INDEX issued_jwts_by_expiry ON issued_jwts (expires_at);

-- Attempts to sign in to accounts that exist, for their owners to see.
CREATE TABLE sign_ins (
    id UUID PRIMARY KEY,
    issuer_id UUID NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at TIMESTAMPTZ NOT NULL,
    succeeded BOOLEAN NOT NULL,
    client_id TEXT,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
);

CREATE INDEX sign_ins_by_user ON sign_ins (user_id, at);
CREATE INDEX sign_ins_by_time ON sign_ins (at);

-- Attempts that count against an account or an address, whether or not the account exists.
CREATE TABLE attempts (
    issuer_id UUID NOT NULL,
    subject_hash BYTEA NOT NULL, -- SHA-256 of "account:…" or "address:…"
    failures BIGINT NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (issuer_id, subject_hash)
);

CREATE INDEX attempts_by_time ON attempts (last_at);
