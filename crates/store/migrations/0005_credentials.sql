-- Application credentials, trusts and credentials.

-- A secret that lets a program act for a user in one project. It goes with its user and its project.
-- unrestricted is NULL when the user did not say; that counts as restricted.
CREATE TABLE application_credentials (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    project_id   TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    description  TEXT,
    secret_hash  TEXT NOT NULL,
    expires_at   INTEGER,
    unrestricted INTEGER CHECK (unrestricted IN (0, 1)),
    UNIQUE (user_id, name)
) STRICT;
CREATE INDEX application_credentials_project ON application_credentials (project_id);

CREATE TABLE application_credential_roles (
    application_credential_id TEXT NOT NULL REFERENCES application_credentials (id) ON DELETE CASCADE,
    role_id                   TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (application_credential_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX application_credential_roles_role ON application_credential_roles (role_id);

-- Requests that an application credential may make. A user's equal rules are one row, which outlives
-- the credentials that it is in.
CREATE TABLE access_rules (
    id      TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    method  TEXT NOT NULL,
    path    TEXT NOT NULL,
    UNIQUE (user_id, service, path, method)
) STRICT;

-- No RESTRICT on the rule, which would look before a deleted user's credentials are gone too; the
-- default looks when the statement ends, and refuses to delete a rule in use just as well.
CREATE TABLE application_credential_access_rules (
    application_credential_id TEXT NOT NULL REFERENCES application_credentials (id) ON DELETE CASCADE,
    access_rule_id            TEXT NOT NULL REFERENCES access_rules (id),
    PRIMARY KEY (application_credential_id, access_rule_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX application_credential_access_rules_rule ON application_credential_access_rules (access_rule_id);

-- Roles of the trustor that the trustee may use. A trust that was made by a trust goes with it.
CREATE TABLE trusts (
    id                   TEXT PRIMARY KEY,
    trustor_user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    trustee_user_id      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    project_id           TEXT REFERENCES projects (id) ON DELETE CASCADE,
    impersonation        INTEGER NOT NULL CHECK (impersonation IN (0, 1)),
    expires_at           INTEGER,
    remaining_uses       INTEGER CHECK (remaining_uses >= 0),
    redelegated_trust_id TEXT REFERENCES trusts (id) ON DELETE CASCADE,
    redelegation_count   INTEGER NOT NULL CHECK (redelegation_count >= 0),
    UNIQUE (trustor_user_id, trustee_user_id, project_id, impersonation, expires_at)
) STRICT;
CREATE INDEX trusts_trustee ON trusts (trustee_user_id);
CREATE INDEX trusts_project ON trusts (project_id);
CREATE INDEX trusts_redelegated ON trusts (redelegated_trust_id);

-- No reference to roles: a trust is void when its trustor lost one of these, be it by its deletion.
CREATE TABLE trust_roles (
    trust_id TEXT NOT NULL REFERENCES trusts (id) ON DELETE CASCADE,
    role_id  TEXT NOT NULL,
    PRIMARY KEY (trust_id, role_id)
) STRICT, WITHOUT ROWID;

-- What is kept for others. sealed is encrypted, and names its key.
CREATE TABLE credentials (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,
    type       TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    extra      TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX credentials_user ON credentials (user_id);
CREATE INDEX credentials_project ON credentials (project_id);

CREATE TABLE consumers (
    id          TEXT PRIMARY KEY,
    description TEXT,
    sealed      BLOB NOT NULL,
    extra       TEXT NOT NULL DEFAULT '{}'
) STRICT;
