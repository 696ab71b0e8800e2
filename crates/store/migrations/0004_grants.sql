-- Who has which role where, and the rest of the catalogue.

-- An assignment gives a role to an actor (a user or a group) on a target (a project, a domain or, with
-- neither, the whole system). An inherited one holds for the projects below its target, not for the target.
-- actor and target spell the two choices as one word each, so that one index answers what a token needs.
CREATE TABLE grants (
    role_id    TEXT NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
    group_id   TEXT REFERENCES groups (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES projects (id) ON DELETE CASCADE,
    domain_id  TEXT REFERENCES domains (id) ON DELETE CASCADE,
    inherited  INTEGER NOT NULL DEFAULT 0 CHECK (inherited IN (0, 1)),
    actor      TEXT NOT NULL GENERATED ALWAYS AS (coalesce('user:' || user_id, 'group:' || group_id)) STORED,
    target     TEXT NOT NULL GENERATED ALWAYS AS
                   (coalesce('project:' || project_id, 'domain:' || domain_id, 'system')) STORED,
    CHECK ((user_id IS NULL) <> (group_id IS NULL)),
    CHECK (project_id IS NULL OR domain_id IS NULL),
    -- Nothing is below the system.
    CHECK (inherited = 0 OR target <> 'system')
) STRICT;
INSERT INTO grants (role_id, user_id, project_id, domain_id, inherited)
    SELECT role_id, user_id, project_id, domain_id, inherited FROM role_assignments;
DROP TABLE role_assignments;
ALTER TABLE grants RENAME TO role_assignments;
CREATE UNIQUE INDEX role_assignments_key ON role_assignments (actor, target, inherited, role_id);
CREATE INDEX role_assignments_target ON role_assignments (target, inherited);
-- For the cascades of the foreign keys.
CREATE INDEX role_assignments_role ON role_assignments (role_id);
CREATE INDEX role_assignments_user ON role_assignments (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX role_assignments_group ON role_assignments (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX role_assignments_project ON role_assignments (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX role_assignments_domain ON role_assignments (domain_id) WHERE domain_id IS NOT NULL;
CREATE INDEX implied_roles_implied ON implied_roles (implied_role_id);

-- Whether a role is immutable is true, false or not said; what else a client put into it is kept.
ALTER TABLE roles RENAME COLUMN immutable TO was_immutable;
ALTER TABLE roles ADD COLUMN immutable INTEGER CHECK (immutable IN (0, 1));
UPDATE roles SET immutable = 1 WHERE was_immutable = 1;
ALTER TABLE roles DROP COLUMN was_immutable;
ALTER TABLE roles ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';

ALTER TABLE identity_regions ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';
CREATE INDEX identity_regions_parent ON identity_regions (parent_region_id);

-- configured: the service is one of this server's own, so it comes back at each start.
ALTER TABLE services ADD COLUMN configured INTEGER NOT NULL DEFAULT 0 CHECK (configured IN (0, 1));
ALTER TABLE services ADD COLUMN extra TEXT NOT NULL DEFAULT '{}';

-- A url that starts with '/' is a path of this server; public_url is put before it in answers. Only the
-- configuration makes such endpoints, and each of them once; through the API others come as they like.
CREATE TABLE new_endpoints (
    id         TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    region_id  TEXT REFERENCES identity_regions (id) ON DELETE RESTRICT,
    interface  TEXT NOT NULL CHECK (interface IN ('public', 'internal', 'admin')),
    url        TEXT NOT NULL,
    enabled    INTEGER NOT NULL DEFAULT 1,
    configured INTEGER NOT NULL DEFAULT 0 CHECK (configured IN (0, 1)),
    extra      TEXT NOT NULL DEFAULT '{}'
) STRICT;
INSERT INTO new_endpoints (id, service_id, region_id, interface, url, enabled, configured)
    SELECT id, service_id, region_id, interface, url, enabled, url LIKE '/%' FROM endpoints;
DROP TABLE endpoints;
ALTER TABLE new_endpoints RENAME TO endpoints;
UPDATE services SET configured = 1 WHERE id IN (SELECT service_id FROM endpoints WHERE configured = 1);
CREATE UNIQUE INDEX services_configured ON services (type) WHERE configured = 1;
CREATE UNIQUE INDEX endpoints_configured ON endpoints (service_id, region_id, interface) WHERE configured = 1;
CREATE INDEX endpoints_service ON endpoints (service_id);
CREATE INDEX endpoints_region ON endpoints (region_id);

-- What a project's catalogue is cut down to: single endpoints, and groups of endpoints chosen by filters.
CREATE TABLE endpoint_groups (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT,
    filters     TEXT NOT NULL
) STRICT;
CREATE TABLE project_endpoints (
    project_id  TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_endpoints_endpoint ON project_endpoints (endpoint_id);
CREATE TABLE project_endpoint_groups (
    project_id        TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    endpoint_group_id TEXT NOT NULL REFERENCES endpoint_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_endpoint_groups_group ON project_endpoint_groups (endpoint_group_id);

-- Texts that services may fetch; nothing here reads them.
CREATE TABLE policies (
    id    TEXT PRIMARY KEY,
    type  TEXT NOT NULL,
    blob  TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- How much of something a project or domain may have by default, and what differs for one of them.
CREATE TABLE registered_limits (
    id            TEXT PRIMARY KEY,
    service_id    TEXT NOT NULL REFERENCES services (id) ON DELETE RESTRICT,
    region_id     TEXT REFERENCES identity_regions (id) ON DELETE RESTRICT,
    resource_name TEXT NOT NULL,
    default_limit INTEGER NOT NULL,
    description   TEXT
) STRICT;
CREATE UNIQUE INDEX registered_limits_key ON registered_limits (service_id, coalesce(region_id, ''), resource_name);
CREATE INDEX registered_limits_region ON registered_limits (region_id);
CREATE TABLE limits (
    id                  TEXT PRIMARY KEY,
    registered_limit_id TEXT NOT NULL REFERENCES registered_limits (id) ON DELETE RESTRICT,
    project_id          TEXT REFERENCES projects (id) ON DELETE CASCADE,
    domain_id           TEXT REFERENCES domains (id) ON DELETE CASCADE,
    resource_limit      INTEGER NOT NULL,
    description         TEXT,
    CHECK ((project_id IS NULL) <> (domain_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX limits_key
    ON limits (registered_limit_id, coalesce(project_id, ''), coalesce(domain_id, ''));
CREATE INDEX limits_project ON limits (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX limits_domain ON limits (domain_id) WHERE domain_id IS NOT NULL;
