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
