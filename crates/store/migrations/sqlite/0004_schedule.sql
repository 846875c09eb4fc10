-- Calls to come, and numbers that must not be called.

CREATE TABLE schedule (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT,
    phone TEXT NOT NULL,
    scenario TEXT NOT NULL,
    scenario_id TEXT,
    due_at BIGINT NOT NULL,
    timezone TEXT,
    options TEXT,
    status TEXT NOT NULL,
    attempt BIGINT NOT NULL DEFAULT 0,
    lease_owner TEXT,
    lease_until BIGINT,
    call_id TEXT,
    call_sid TEXT,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX schedule_due ON schedule (status, due_at);
CREATE INDEX schedule_owner ON schedule (owner, due_at);
CREATE INDEX schedule_phone ON schedule (phone);

CREATE TABLE do_not_call (
    phone TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    added_by TEXT,
    created_at BIGINT NOT NULL
);
