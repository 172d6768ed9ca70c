-- Administration: what changes while the server runs, who changed it, and what happened.
-- One text for SQLite and Postgres.

-- An issuer is whole in the database: a server needs no file to run it. `settings` is JSON;
-- `dialect_source` the resolved text of a dialect that is not built in. `revision` counts changes
-- of the settings, and is what an editor's copy is compared with; `generation` counts whatever a
-- running server has prepared and must prepare anew: settings, APIs, keys.
ALTER TABLE issuers ADD COLUMN dialect_source TEXT;
ALTER TABLE issuers ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE issuers ADD COLUMN declared BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE issuers ADD COLUMN is_demo BOOLEAN NOT NULL DEFAULT FALSE; -- `locum dev` alone serves it
ALTER TABLE issuers ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE issuers ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;

ALTER TABLE apis ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE roles ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;

-- Of what is `declared`: somebody made it before a file declared it, so that no file may remove it.
ALTER TABLE apis ADD COLUMN adopted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE roles ADD COLUMN adopted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN adopted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE clients ADD COLUMN adopted BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE clients ADD COLUMN revision BIGINT NOT NULL DEFAULT 1;
ALTER TABLE clients ADD COLUMN updated_at TIMESTAMPTZ; -- NULL: not since it was created
-- Where it came from: configuration, console, api, command_line, registration.
ALTER TABLE clients ADD COLUMN registered_by TEXT NOT NULL DEFAULT 'configuration';
ALTER TABLE clients ADD COLUMN disabled_at TIMESTAMPTZ;
-- The secret before the last rotation, which works until then.
ALTER TABLE clients ADD COLUMN previous_secret_hash TEXT;
ALTER TABLE clients ADD COLUMN previous_secret_expires_at TIMESTAMPTZ;
ALTER TABLE clients ADD COLUMN secret_created_at TIMESTAMPTZ;
ALTER TABLE clients ADD COLUMN registration_token_hash BYTEA; -- SHA-256 (RFC 7592)

CREATE INDEX clients_by_name ON clients (issuer_id, client_name, client_id);
CREATE INDEX grants_by_client ON grants (issuer_id, client_id);

-- What allows somebody to register a client where that is guarded (RFC 7591 §3).
CREATE TABLE initial_access_tokens (
    id UUID PRIMARY KEY,
    issuer_id UUID NOT NULL REFERENCES issuers (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL, -- SHA-256
    note TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    uses_left BIGINT NOT NULL,
    UNIQUE (issuer_id, token_hash)
);

-- Links that work once. `user_id` is whose password it sets; NULL for the first administrator,
-- who does not exist yet.
CREATE TABLE one_time_links (
    issuer_id UUID NOT NULL REFERENCES issuers (id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL, -- SHA-256
    user_id UUID REFERENCES users (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    spent_at TIMESTAMPTZ,
    PRIMARY KEY (issuer_id, token_hash)
);

CREATE INDEX one_time_links_by_expiry ON one_time_links (expires_at);

-- One chain of audit events for each issuer, and one, the nil UUID, for the server. Each event's
-- MAC covers the one before, so that none can be altered or taken out unnoticed. Retention takes
-- the oldest away: `pruned` is the last that went and `anchor` its MAC, vouched for by
-- `anchor_mac`, as `head_mac` vouches for the end. No references: an issuer's events stay when it is
-- gone.
CREATE TABLE audit_chains (
    chain UUID PRIMARY KEY,
    length BIGINT NOT NULL, -- the sequence number of the newest event
    head BYTEA NOT NULL, -- its MAC
    head_mac BYTEA NOT NULL,
    pruned BIGINT NOT NULL,
    anchor BYTEA NOT NULL,
    anchor_mac BYTEA NOT NULL,
    -- Of an issuer that has been deleted: what it was called, and how long its events are kept.
    former_name TEXT,
    retention_days BIGINT
);

CREATE TABLE audit_events (
    chain UUID NOT NULL,
    sequence BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    action TEXT NOT NULL, -- client.created
    outcome TEXT NOT NULL, -- succeeded, failed
    actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    target_name TEXT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    details TEXT NOT NULL, -- a JSON object
    mac BYTEA NOT NULL,
    PRIMARY KEY (chain, sequence)
);

CREATE INDEX audit_events_by_time ON audit_events (chain, at);
CREATE INDEX audit_events_by_actor ON audit_events (chain, actor, sequence);
CREATE INDEX audit_events_by_target ON audit_events (chain, target, sequence);

-- How much happened in each hour, for charts.
CREATE TABLE activity (
    issuer_id UUID NOT NULL,
    hour TIMESTAMPTZ NOT NULL,
    what TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, hour, what)
);

CREATE INDEX activity_by_hour ON activity (hour);
