-- How much a project may have, and how much it has.
-- resource is a key of the table of quotas (model::quota); region is empty for what is in no region.

-- What a project has of its own; what is not here is as by default. -1 is no limit.
CREATE TABLE quota_limits (
    project_id TEXT NOT NULL,
    region     TEXT NOT NULL,
    resource   TEXT NOT NULL,
    maximum    INTEGER NOT NULL CHECK (maximum >= -1),
    PRIMARY KEY (project_id, region, resource)
) STRICT, WITHOUT ROWID;
INSERT INTO quota_limits (project_id, region, resource, maximum)
    SELECT project_id, region, CASE resource
        WHEN 'network' THEN 'network.networks'
        WHEN 'subnet' THEN 'network.subnets'
        WHEN 'port' THEN 'network.ports'
        WHEN 'router' THEN 'network.routers'
        WHEN 'floatingip' THEN 'network.floatingips'
        WHEN 'security_group' THEN 'network.security_groups'
        WHEN 'security_group_rule' THEN 'network.security_group_rules'
        WHEN 'router_route' THEN 'network.router_routes'
    END, maximum FROM quotas;
DROP TABLE quotas;

-- A project's limits go with it. Projects of another identity service are no rows here, so no foreign key can say it.
CREATE TRIGGER projects_quota_limits AFTER DELETE ON projects BEGIN
    DELETE FROM quota_limits WHERE project_id = OLD.id;
END;

-- How many objects a project has, kept by the triggers below in the transaction that makes, removes or hands over an
-- object. It is the row that an operation holds while it compares limit and usage, so that the cost of a new object
-- does not grow with those that are there. No row is none. Objects of nobody (project_id is empty) are not counted.
CREATE TABLE quota_usage (
    project_id TEXT NOT NULL,
    region     TEXT NOT NULL,
    resource   TEXT NOT NULL,
    used       INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (project_id, region, resource)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER quota_usage_none AFTER UPDATE OF used ON quota_usage WHEN NEW.used = 0 BEGIN
    DELETE FROM quota_usage WHERE project_id = NEW.project_id AND region = NEW.region AND resource = NEW.resource;
END;

CREATE TRIGGER networks_quota_insert AFTER INSERT ON networks WHEN NEW.project_id <> '' BEGIN
    INSERT INTO quota_usage VALUES (NEW.project_id, NEW.region, 'network.networks', 1)
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
CREATE TRIGGER networks_quota_delete AFTER DELETE ON networks WHEN OLD.project_id <> '' BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.networks';
END;
CREATE TRIGGER networks_quota_update AFTER UPDATE OF project_id, region ON networks
    WHEN NEW.project_id <> OLD.project_id OR NEW.region <> OLD.region BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.networks';
    INSERT INTO quota_usage SELECT NEW.project_id, NEW.region, 'network.networks', 1 WHERE NEW.project_id <> ''
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
INSERT INTO quota_usage SELECT project_id, region, 'network.networks', count(*) FROM networks
    WHERE project_id <> '' GROUP BY project_id, region;

CREATE TRIGGER subnets_quota_insert AFTER INSERT ON subnets WHEN NEW.project_id <> '' BEGIN
    INSERT INTO quota_usage VALUES (NEW.project_id, NEW.region, 'network.subnets', 1)
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
CREATE TRIGGER subnets_quota_delete AFTER DELETE ON subnets WHEN OLD.project_id <> '' BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.subnets';
END;
CREATE TRIGGER subnets_quota_update AFTER UPDATE OF project_id, region ON subnets
    WHEN NEW.project_id <> OLD.project_id OR NEW.region <> OLD.region BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.subnets';
    INSERT INTO quota_usage SELECT NEW.project_id, NEW.region, 'network.subnets', 1 WHERE NEW.project_id <> ''
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
INSERT INTO quota_usage SELECT project_id, region, 'network.subnets', count(*) FROM subnets
    WHERE project_id <> '' GROUP BY project_id, region;

CREATE TRIGGER ports_quota_insert AFTER INSERT ON ports WHEN NEW.project_id <> '' BEGIN
    INSERT INTO quota_usage VALUES (NEW.project_id, NEW.region, 'network.ports', 1)
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
CREATE TRIGGER ports_quota_delete AFTER DELETE ON ports WHEN OLD.project_id <> '' BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.ports';
END;
CREATE TRIGGER ports_quota_update AFTER UPDATE OF project_id, region ON ports
    WHEN NEW.project_id <> OLD.project_id OR NEW.region <> OLD.region BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.ports';
    INSERT INTO quota_usage SELECT NEW.project_id, NEW.region, 'network.ports', 1 WHERE NEW.project_id <> ''
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
INSERT INTO quota_usage SELECT project_id, region, 'network.ports', count(*) FROM ports
    WHERE project_id <> '' GROUP BY project_id, region;

CREATE TRIGGER routers_quota_insert AFTER INSERT ON routers WHEN NEW.project_id <> '' BEGIN
    INSERT INTO quota_usage VALUES (NEW.project_id, NEW.region, 'network.routers', 1)
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
CREATE TRIGGER routers_quota_delete AFTER DELETE ON routers WHEN OLD.project_id <> '' BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.routers';
END;
CREATE TRIGGER routers_quota_update AFTER UPDATE OF project_id, region ON routers
    WHEN NEW.project_id <> OLD.project_id OR NEW.region <> OLD.region BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.routers';
    INSERT INTO quota_usage SELECT NEW.project_id, NEW.region, 'network.routers', 1 WHERE NEW.project_id <> ''
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
INSERT INTO quota_usage SELECT project_id, region, 'network.routers', count(*) FROM routers
    WHERE project_id <> '' GROUP BY project_id, region;

CREATE TRIGGER floating_ips_quota_insert AFTER INSERT ON floating_ips WHEN NEW.project_id <> '' BEGIN
    INSERT INTO quota_usage VALUES (NEW.project_id, NEW.region, 'network.floatingips', 1)
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
CREATE TRIGGER floating_ips_quota_delete AFTER DELETE ON floating_ips WHEN OLD.project_id <> '' BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.floatingips';
END;
CREATE TRIGGER floating_ips_quota_update AFTER UPDATE OF project_id, region ON floating_ips
    WHEN NEW.project_id <> OLD.project_id OR NEW.region <> OLD.region BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.floatingips';
    INSERT INTO quota_usage SELECT NEW.project_id, NEW.region, 'network.floatingips', 1 WHERE NEW.project_id <> ''
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
INSERT INTO quota_usage SELECT project_id, region, 'network.floatingips', count(*) FROM floating_ips
    WHERE project_id <> '' GROUP BY project_id, region;

CREATE TRIGGER security_groups_quota_insert AFTER INSERT ON security_groups WHEN NEW.project_id <> '' BEGIN
    INSERT INTO quota_usage VALUES (NEW.project_id, NEW.region, 'network.security_groups', 1)
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
CREATE TRIGGER security_groups_quota_delete AFTER DELETE ON security_groups WHEN OLD.project_id <> '' BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.security_groups';
END;
CREATE TRIGGER security_groups_quota_update AFTER UPDATE OF project_id, region ON security_groups
    WHEN NEW.project_id <> OLD.project_id OR NEW.region <> OLD.region BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.security_groups';
    INSERT INTO quota_usage SELECT NEW.project_id, NEW.region, 'network.security_groups', 1 WHERE NEW.project_id <> ''
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
INSERT INTO quota_usage SELECT project_id, region, 'network.security_groups', count(*) FROM security_groups
    WHERE project_id <> '' GROUP BY project_id, region;

CREATE TRIGGER security_group_rules_quota_insert AFTER INSERT ON security_group_rules WHEN NEW.project_id <> '' BEGIN
    INSERT INTO quota_usage VALUES (NEW.project_id, NEW.region, 'network.security_group_rules', 1)
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
CREATE TRIGGER security_group_rules_quota_delete AFTER DELETE ON security_group_rules WHEN OLD.project_id <> '' BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.security_group_rules';
END;
CREATE TRIGGER security_group_rules_quota_update AFTER UPDATE OF project_id, region ON security_group_rules
    WHEN NEW.project_id <> OLD.project_id OR NEW.region <> OLD.region BEGIN
    UPDATE quota_usage SET used = used - 1
        WHERE project_id = OLD.project_id AND region = OLD.region AND resource = 'network.security_group_rules';
    INSERT INTO quota_usage SELECT NEW.project_id, NEW.region, 'network.security_group_rules', 1 WHERE NEW.project_id <> ''
        ON CONFLICT DO UPDATE SET used = used + 1;
END;
INSERT INTO quota_usage SELECT project_id, region, 'network.security_group_rules', count(*) FROM security_group_rules
    WHERE project_id <> '' GROUP BY project_id, region;
