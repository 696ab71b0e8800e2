-- Who did what: every write, every refused request, every login. A row is written with what it tells of,
-- in one transaction, and never changed; the oldest are removed in the end.

CREATE TABLE audit (
    -- The order of the events, which is also that of their commits: one writer commits.
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Microseconds since 1970.
    time INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    global_request_id TEXT,
    region TEXT,
    service TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'failure', 'refused')),
    -- The answer's status; null where the event was written with its effect, before there was an answer.
    status INTEGER,
    user_id TEXT,
    user_name TEXT,
    user_domain_id TEXT,
    project_id TEXT,
    application_credential_id TEXT,
    trust_id TEXT,
    source TEXT,
    target_type TEXT,
    target_id TEXT,
    -- JSON objects: the attributes that changed.
    before TEXT,
    after TEXT,
    reason TEXT
);
CREATE INDEX audit_time ON audit (time);
CREATE INDEX audit_request ON audit (request_id);
CREATE INDEX audit_user ON audit (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_project ON audit (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX audit_target ON audit (target_id) WHERE target_id IS NOT NULL;
-- What strangers can cause without limit is removed first, see audit/retention.rs.
CREATE INDEX audit_unsuccessful ON audit (sequence) WHERE outcome <> 'success';
