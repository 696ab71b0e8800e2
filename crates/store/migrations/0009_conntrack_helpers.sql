-- Conntrack helpers of routers.
CREATE TABLE conntrack_helpers (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    router_id TEXT NOT NULL,
    protocol TEXT NOT NULL,
    port INTEGER NOT NULL,
    helper TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id),
    UNIQUE (region, router_id, protocol, port, helper),
    FOREIGN KEY (region, router_id) REFERENCES routers (region, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX conntrack_helpers_project ON conntrack_helpers (region, project_id);
