-- What a compute service has to be told of its servers' ports, written with what it is about and
-- removed when it was told. Regions without a reader keep nothing.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    region TEXT NOT NULL REFERENCES outbox_readers (region) ON DELETE CASCADE,
    event TEXT NOT NULL,
    server_id TEXT NOT NULL,
    port_id TEXT NOT NULL,
    failed INTEGER NOT NULL,
    -- Milliseconds since 1970.
    written_at INTEGER NOT NULL
);
CREATE INDEX outbox_region ON outbox (region, seq);

CREATE TABLE outbox_readers (region TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
