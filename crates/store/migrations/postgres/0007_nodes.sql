-- Signs of life of the servers at one database, so that one that lives ends the calls of one that is lost. Such an end is presumed:
-- what that server says of its calls, should it come back, takes its place.

CREATE TABLE nodes (
    node TEXT NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
ALTER TABLE calls ADD COLUMN end_presumed BIGINT NOT NULL DEFAULT 0;
CREATE INDEX calls_unended ON calls (node) WHERE status_rank < 9;
CREATE INDEX calls_presumed ON calls (node) WHERE end_presumed = 1;
