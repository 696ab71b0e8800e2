-- The network resources of every region. A column has the name of its attribute with `:` as `_`.
-- Lists that need a constraint or a query of their own are tables; the others are JSON text.

CREATE TABLE networks (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL,
    mtu INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    router_external INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    provider_physical_network TEXT,
    provider_network_type TEXT NOT NULL,
    provider_segmentation_id INTEGER,
    port_security_enabled INTEGER NOT NULL,
    dns_domain TEXT NOT NULL,
    baryon_error TEXT,
    tags TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id)
) WITHOUT ROWID;
CREATE INDEX networks_project ON networks (region, project_id);
-- A VLAN of a physical network, or a virtual network identifier, is one network's.
CREATE UNIQUE INDEX networks_segment
    ON networks (region, provider_network_type, ifnull(provider_physical_network, ''), provider_segmentation_id)
    WHERE provider_segmentation_id IS NOT NULL;
-- A flat network takes its whole physical network.
CREATE UNIQUE INDEX networks_flat ON networks (region, provider_physical_network) WHERE provider_network_type = 'flat';

CREATE TABLE subnets (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    network_id TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    subnetpool_id TEXT,
    cidr TEXT NOT NULL,
    gateway_ip TEXT,
    allocation_pools TEXT NOT NULL,
    dns_nameservers TEXT NOT NULL,
    host_routes TEXT NOT NULL,
    enable_dhcp INTEGER NOT NULL,
    ipv6_ra_mode TEXT,
    ipv6_address_mode TEXT,
    service_types TEXT NOT NULL,
    dns_publish_fixed_ip INTEGER NOT NULL,
    tags TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id),
    FOREIGN KEY (region, network_id) REFERENCES networks (region, id) ON DELETE RESTRICT
) WITHOUT ROWID;
CREATE INDEX subnets_network ON subnets (region, network_id);
CREATE INDEX subnets_project ON subnets (region, project_id);

CREATE TABLE ports (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    network_id TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL,
    mac_address TEXT NOT NULL,
    device_id TEXT NOT NULL,
    device_owner TEXT NOT NULL,
    port_security_enabled INTEGER NOT NULL,
    allowed_address_pairs TEXT NOT NULL,
    extra_dhcp_opts TEXT NOT NULL,
    dns_name TEXT NOT NULL,
    dns_domain TEXT NOT NULL,
    binding_vnic_type TEXT NOT NULL,
    binding_host_id TEXT NOT NULL,
    binding_profile TEXT NOT NULL,
    binding_vif_type TEXT NOT NULL,
    binding_vif_details TEXT NOT NULL,
    propagate_uplink_status INTEGER NOT NULL,
    baryon_error TEXT,
    tags TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id),
    FOREIGN KEY (region, network_id) REFERENCES networks (region, id) ON DELETE RESTRICT
) WITHOUT ROWID;
CREATE UNIQUE INDEX ports_mac ON ports (region, network_id, mac_address);
CREATE INDEX ports_project ON ports (region, project_id);
CREATE INDEX ports_device ON ports (region, device_id);

CREATE TABLE fixed_ips (
    region TEXT NOT NULL,
    port_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    subnet_id TEXT NOT NULL,
    ip_address TEXT NOT NULL,
    -- The distance from the subnet's first address, to find free ones; null where it is too large.
    host INTEGER,
    PRIMARY KEY (region, port_id, position),
    FOREIGN KEY (region, port_id) REFERENCES ports (region, id) ON DELETE CASCADE,
    FOREIGN KEY (region, subnet_id) REFERENCES subnets (region, id) ON DELETE RESTRICT
) WITHOUT ROWID;
CREATE UNIQUE INDEX fixed_ips_address ON fixed_ips (region, subnet_id, ip_address);
CREATE INDEX fixed_ips_host ON fixed_ips (region, subnet_id, host);

CREATE TABLE routers (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL,
    status TEXT NOT NULL,
    enable_snat INTEGER NOT NULL,
    gw_port_id TEXT,
    routes TEXT NOT NULL,
    baryon_error TEXT,
    tags TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id),
    FOREIGN KEY (region, gw_port_id) REFERENCES ports (region, id) ON DELETE RESTRICT
) WITHOUT ROWID;
CREATE INDEX routers_project ON routers (region, project_id);
CREATE INDEX routers_gateway ON routers (region, gw_port_id);

CREATE TABLE floating_ips (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    description TEXT NOT NULL,
    floating_network_id TEXT NOT NULL,
    floating_ip_address TEXT NOT NULL,
    subnet_id TEXT,
    port_id TEXT,
    fixed_ip_address TEXT,
    router_id TEXT,
    status TEXT NOT NULL,
    floating_port_id TEXT,
    dns_name TEXT NOT NULL,
    dns_domain TEXT NOT NULL,
    baryon_error TEXT,
    tags TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id),
    FOREIGN KEY (region, floating_network_id) REFERENCES networks (region, id) ON DELETE RESTRICT,
    FOREIGN KEY (region, port_id) REFERENCES ports (region, id) ON DELETE RESTRICT,
    FOREIGN KEY (region, floating_port_id) REFERENCES ports (region, id) ON DELETE RESTRICT,
    FOREIGN KEY (region, router_id) REFERENCES routers (region, id) ON DELETE RESTRICT
) WITHOUT ROWID;
CREATE UNIQUE INDEX floating_ips_address ON floating_ips (region, floating_network_id, floating_ip_address);
CREATE UNIQUE INDEX floating_ips_fixed
    ON floating_ips (region, floating_network_id, port_id, fixed_ip_address) WHERE port_id IS NOT NULL;
CREATE INDEX floating_ips_project ON floating_ips (region, project_id);
CREATE INDEX floating_ips_port ON floating_ips (region, port_id);
CREATE INDEX floating_ips_floating_port ON floating_ips (region, floating_port_id);
CREATE INDEX floating_ips_router ON floating_ips (region, router_id);

CREATE TABLE security_groups (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    stateful INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    tags TEXT NOT NULL,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id)
) WITHOUT ROWID;
CREATE INDEX security_groups_project ON security_groups (region, project_id);
CREATE UNIQUE INDEX security_groups_default ON security_groups (region, project_id) WHERE is_default = 1;

CREATE TABLE security_group_rules (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    security_group_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    ethertype TEXT NOT NULL,
    protocol TEXT,
    protocol_number INTEGER,
    port_range_min INTEGER,
    port_range_max INTEGER,
    remote_ip_prefix TEXT,
    normalized_cidr TEXT,
    remote_group_id TEXT,
    description TEXT,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id),
    FOREIGN KEY (region, security_group_id) REFERENCES security_groups (region, id) ON DELETE RESTRICT,
    FOREIGN KEY (region, remote_group_id) REFERENCES security_groups (region, id) ON DELETE RESTRICT
) WITHOUT ROWID;
CREATE INDEX security_group_rules_group ON security_group_rules (region, security_group_id);
CREATE INDEX security_group_rules_remote ON security_group_rules (region, remote_group_id);
CREATE INDEX security_group_rules_project ON security_group_rules (region, project_id);

CREATE TABLE port_security_groups (
    region TEXT NOT NULL,
    port_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    security_group_id TEXT NOT NULL,
    PRIMARY KEY (region, port_id, position),
    FOREIGN KEY (region, port_id) REFERENCES ports (region, id) ON DELETE CASCADE,
    FOREIGN KEY (region, security_group_id) REFERENCES security_groups (region, id) ON DELETE RESTRICT
) WITHOUT ROWID;
CREATE UNIQUE INDEX port_security_groups_group ON port_security_groups (region, security_group_id, port_id);

CREATE TABLE attachments (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    description TEXT NOT NULL,
    port_id TEXT NOT NULL,
    target TEXT NOT NULL,
    host_id TEXT NOT NULL,
    server_name TEXT NOT NULL,
    user_data TEXT,
    public_keys TEXT NOT NULL,
    status TEXT NOT NULL,
    baryon_error TEXT,
    revision_number INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (region, id),
    FOREIGN KEY (region, port_id) REFERENCES ports (region, id) ON DELETE RESTRICT
) WITHOUT ROWID;
CREATE UNIQUE INDEX attachments_port ON attachments (region, port_id);

CREATE TABLE quotas (
    region TEXT NOT NULL,
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    maximum INTEGER NOT NULL,
    PRIMARY KEY (region, project_id, resource)
) WITHOUT ROWID;

-- Which objects transactions touched, in the order of their commits: one writer commits.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    region TEXT NOT NULL,
    resource TEXT NOT NULL,
    object_id TEXT NOT NULL
);
-- Up to where the log was trimmed: a consumer that knows less must read everything.
CREATE TABLE changes_trimmed (upto INTEGER NOT NULL);
INSERT INTO changes_trimmed (upto) VALUES (0);

CREATE TABLE leases (
    region TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    fence INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
