-- Identity: who may ask. Global, so no row carries a region.
-- Booleans are 0 or 1, times are microseconds since 1970 UTC, tags and extra are JSON.

CREATE TABLE domains (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL DEFAULT '',
    enabled     INTEGER NOT NULL DEFAULT 1,
    valid_from  INTEGER NOT NULL DEFAULT 0,
    tags        TEXT NOT NULL DEFAULT '[]',
    extra       TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE projects (
    id          TEXT PRIMARY KEY,
    domain_id   TEXT NOT NULL REFERENCES domains (id) ON DELETE RESTRICT,
    parent_id   TEXT REFERENCES projects (id) ON DELETE RESTRICT,
    name        TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    enabled     INTEGER NOT NULL DEFAULT 1,
    valid_from  INTEGER NOT NULL DEFAULT 0,
    tags        TEXT NOT NULL DEFAULT '[]',
    extra       TEXT NOT NULL DEFAULT '{}',
    UNIQUE (domain_id, name)
) STRICT;
CREATE INDEX projects_parent ON projects (parent_id);

-- A token is good only when it was issued after valid_from of its user and of its scope, so that one
-- row's change refuses every older token without a row per token.
CREATE TABLE users (
    id                 TEXT PRIMARY KEY,
    domain_id          TEXT NOT NULL REFERENCES domains (id) ON DELETE RESTRICT,
    name               TEXT NOT NULL,
    enabled            INTEGER NOT NULL DEFAULT 1,
    default_project_id TEXT,
    password_hash      TEXT,
    valid_from         INTEGER NOT NULL DEFAULT 0,
    extra              TEXT NOT NULL DEFAULT '{}',
    UNIQUE (domain_id, name)
) STRICT;

CREATE TABLE roles (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    domain_id   TEXT REFERENCES domains (id) ON DELETE CASCADE,
    description TEXT,
    immutable   INTEGER NOT NULL DEFAULT 0
) STRICT;
-- NULLs differ from one another in a UNIQUE constraint, and a global role's domain is NULL.
CREATE UNIQUE INDEX roles_name ON roles (name, coalesce(domain_id, ''));

CREATE TABLE implied_roles (
    prior_role_id   TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    implied_role_id TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (prior_role_id, implied_role_id)
) STRICT, WITHOUT ROWID;

-- Exactly one of project_id and domain_id is set, or neither: then the target is the whole system.
CREATE TABLE role_assignments (
    role_id    TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,
    domain_id  TEXT REFERENCES domains (id) ON DELETE CASCADE,
    inherited  INTEGER NOT NULL DEFAULT 0,
    CHECK (project_id IS NULL OR domain_id IS NULL)
) STRICT;
CREATE UNIQUE INDEX role_assignments_key
    ON role_assignments (user_id, coalesce(project_id, ''), coalesce(domain_id, ''), role_id, inherited);
CREATE INDEX role_assignments_project ON role_assignments (project_id);
CREATE INDEX role_assignments_role ON role_assignments (role_id);

CREATE TABLE identity_regions (
    id               TEXT PRIMARY KEY,
    description      TEXT NOT NULL DEFAULT '',
    parent_region_id TEXT REFERENCES identity_regions (id) ON DELETE RESTRICT
) STRICT;

CREATE TABLE services (
    id      TEXT PRIMARY KEY,
    type    TEXT NOT NULL,
    name    TEXT NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1
) STRICT;

-- A url that starts with '/' is a path of this server; public_url is put before it in answers.
CREATE TABLE endpoints (
    id         TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    region_id  TEXT NOT NULL REFERENCES identity_regions (id) ON DELETE RESTRICT,
    interface  TEXT NOT NULL CHECK (interface IN ('public', 'internal', 'admin')),
    url        TEXT NOT NULL,
    enabled    INTEGER NOT NULL DEFAULT 1,
    UNIQUE (service_id, region_id, interface, url)
) STRICT;

CREATE TABLE revoked_tokens (
    audit_id   TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);
