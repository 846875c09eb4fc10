-- Calls and what became of them. Owners and scenarios are no foreign keys: a call outlives both, and its rows may be
-- written long after it ended.

CREATE TABLE calls (
    id TEXT NOT NULL PRIMARY KEY,
    call_sid TEXT,
    direction TEXT NOT NULL,
    from_number TEXT NOT NULL,
    to_number TEXT NOT NULL,
    scenario TEXT NOT NULL,
    scenario_id TEXT,
    scenario_version BIGINT,
    owner TEXT,
    node TEXT NOT NULL,
    status TEXT NOT NULL,
    status_rank BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    answered_at BIGINT,
    ended_at BIGINT,
    end_reason TEXT,
    engines TEXT,
    cost DOUBLE PRECISION,
    currency TEXT,
    summary TEXT
);
CREATE UNIQUE INDEX calls_call_sid ON calls (call_sid);
CREATE INDEX calls_created ON calls (created_at);
CREATE INDEX calls_owner ON calls (owner, created_at);
CREATE INDEX calls_from ON calls (from_number);
CREATE INDEX calls_to ON calls (to_number);

CREATE TABLE turns (
    call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    text TEXT NOT NULL,
    latencies TEXT,
    usage TEXT,
    cost DOUBLE PRECISION,
    detail TEXT,
    PRIMARY KEY (call_id, number)
);

CREATE TABLE faults (
    id TEXT NOT NULL PRIMARY KEY,
    call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    party TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX faults_call ON faults (call_id);

-- Recording, trace and transcript as files, by where they lie.
CREATE TABLE call_files (
    call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    bytes BIGINT,
    seconds DOUBLE PRECISION,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (call_id, kind)
);
CREATE INDEX call_files_age ON call_files (kind, created_at);

CREATE TABLE transcripts (
    id TEXT NOT NULL PRIMARY KEY,
    call_id TEXT REFERENCES calls (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    sid TEXT,
    recording_sid TEXT,
    owner TEXT,
    status TEXT NOT NULL,
    language TEXT,
    seconds DOUBLE PRECISION,
    full_text TEXT,
    body TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX transcripts_sid ON transcripts (sid);
CREATE INDEX transcripts_call ON transcripts (call_id);
CREATE INDEX transcripts_created ON transcripts (created_at);

-- The newest state of each live call, with which another node can go on.
CREATE TABLE checkpoints (
    call_id TEXT NOT NULL PRIMARY KEY REFERENCES calls (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL
);
