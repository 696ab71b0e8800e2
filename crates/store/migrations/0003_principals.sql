-- Groups of users, what keeps passwords safe, and the configuration of domains.

CREATE TABLE groups (
    id          TEXT PRIMARY KEY,
    domain_id   TEXT NOT NULL REFERENCES domains (id) ON DELETE RESTRICT,
    name        TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    extra       TEXT NOT NULL DEFAULT '{}',
    UNIQUE (domain_id, name)
) STRICT;

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_user ON group_members (user_id);

-- Options have a meaning here, unlike extra: {"immutable": true}, {"lock_password": true}, ... as JSON.
ALTER TABLE domains ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE projects ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN options TEXT NOT NULL DEFAULT '{}';

-- Since when the password is what it is, until when it may be used, and whether its owner chose it.
ALTER TABLE users ADD COLUMN password_set_at INTEGER;
ALTER TABLE users ADD COLUMN password_expires_at INTEGER;
ALTER TABLE users ADD COLUMN password_by_user INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_default_project ON users (default_project_id) WHERE default_project_id IS NOT NULL;

-- Passwords of the past, where they may not come back; never the one of now.
CREATE TABLE former_passwords (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    hash    TEXT NOT NULL,
    PRIMARY KEY (user_id, number)
) STRICT, WITHOUT ROWID;

-- Failed logins in a row. The row of the user '' takes the failures that count for nobody, so that they
-- cost what the others do; therefore a trigger in place of a foreign key.
CREATE TABLE failed_logins (
    user_id  TEXT PRIMARY KEY,
    attempts INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER failed_logins_of_deleted AFTER DELETE ON users BEGIN
    DELETE FROM failed_logins WHERE user_id = old.id;
END;

-- What is configured for one domain. The value is JSON, or sealed with a key of the data directory.
CREATE TABLE domain_configuration (
    domain_id  TEXT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,
    sealed     INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    PRIMARY KEY (domain_id, group_name, name)
) STRICT, WITHOUT ROWID;
