-- Scenarios that users keep, each version of them, and small things kept by name.

CREATE TABLE scenarios (
    id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT REFERENCES users (id) ON DELETE SET NULL,
    shared BOOLEAN NOT NULL DEFAULT FALSE,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX scenarios_slug ON scenarios (slug);
CREATE INDEX scenarios_owner ON scenarios (owner);

CREATE TABLE scenario_versions (
    scenario_id TEXT NOT NULL REFERENCES scenarios (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_by TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (scenario_id, number)
);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- What is encrypted by SECRET_KEY before it comes here.
CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT REFERENCES users (id) ON DELETE CASCADE,
    ciphertext TEXT NOT NULL,
    key_id TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE idempotency (
    user_id TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    attempt TEXT NOT NULL,
    status BIGINT,
    answer TEXT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, route, idempotency_key)
);
CREATE INDEX idempotency_expires ON idempotency (expires_at);
