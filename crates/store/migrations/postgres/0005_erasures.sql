-- Files of erased calls: each node deletes its own, also when it was away while their calls were erased.

CREATE TABLE files_to_erase (
    node TEXT NOT NULL,
    path TEXT NOT NULL,
    marked_at BIGINT NOT NULL,
    PRIMARY KEY (node, path)
);
