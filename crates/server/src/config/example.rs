//! The documented example, which a test holds equal to the defaults.

/// A file with every key, its meaning and its default.
pub const EXAMPLE: &str = r#"# baryon.toml: what `baryon up` reads with --config, or from /etc/baryon/baryon.toml.
# Every key is optional; the values below are the defaults. A key that is not listed here is an error.
# What is given on the command line wins over this file.

# Database, keys and clouds.yaml. Back this up.
data_dir = "/var/lib/baryon"

# Sockets, pinned programs, and the old values of what was changed on the host. Gone after a reboot, as it should be.
run_dir = "/run/baryon"

[log]
# "human" or "json"; lines go to standard error.
format = "human"
# A level (error, warn, info, debug, trace), or levels by target: "info,reconcile=debug".
filter = "info"

[api]
# Where the APIs listen.
listen = "127.0.0.1:9696"
# Where /healthz, /readyz and /metrics listen.
metrics_listen = "127.0.0.1:9697"
# How clients reach the APIs; it is what URLs in answers begin with. Default: http:// and `listen`.
# public_url = "https://cloud.example.org"
# With these the listener speaks TLS: its certificate, followed by those between it and the root, and its key, which
# nobody else may read (mode 0600). Both are read again when they change, and on SIGHUP; connections stay open.
# tls_certificate = "/etc/baryon/tls/fullchain.pem"
# tls_key = "/etc/baryon/tls/key.pem"
# The authority's certificate, when clients do not know it already: for clouds.yaml and the commands on this host.
# ca_certificate = "/etc/baryon/tls/ca.pem"
# Proxies in front of the APIs, as addresses or ranges. Their word on where a request comes from is taken, nobody else's.
trusted_proxies = []
# The headers in which they give it: "x-forwarded" (X-Forwarded-For, -Proto, -Host) or "forwarded" (RFC 7239).
proxy_headers = "x-forwarded"
# Whether the catalogue has services that do less than their API promises: load balancing (Octavia) and DNS (Designate),
# which know quotas and nothing else yet.
preview = false
# Whom the role `api` runs as when root starts it. Default: `baryon` where there is such a user, else number 65530.
# user = "baryon"
# Failed logins that a source (an IPv4 address, an IPv6 /64) may have in a row, and the seconds for each further one.
failed_logins = 20
failed_login_seconds = 3
# Connections open at once, and how many of them one source may have; its further ones are closed at once. A trusted proxy
# may have all of them. They take open files; `baryon doctor` shows how many this machine allows.
connections = 1024
connections_of_one_source = 256

[agent]
# "ebpf": the datapath, programs in this kernel; needs root. "null": no datapath, needs nothing.
driver = "ebpf"
# What the external networks (`ext-net` of each region) connect to, unless a region says otherwise:
# "auto": this host, by a veth pair; what leaves towards other interfaces is masqueraded, forwarding is switched on.
# "none": this host, by a veth pair, without masquerade and without touching forwarding.
# Otherwise the name of an interface: the wire behind it. Nothing else on the host is touched.
uplink = "auto"

# How long a connection is remembered after its last packet, in seconds.
[agent.timeouts]
tcp_opening = 120
tcp_established = 432000
tcp_closing = 120
udp_opening = 30
udp_established = 180
icmp = 30
other = 600
# Most connections of one port; beyond them its new ones are refused and counted.
max_connections = 65536

# Users of this service itself, unless `external` names the Keystone of a cloud that is there already: then
# tokens are validated there, and there are no users here. See docs/guide/beside-nova.md.
[identity]
# external = "https://keystone.example.org/v3"
# The service user that asks Keystone (role `service` or `admin`) and tells Nova (role `admin`).
username = "baryon"
# The file with its password, which nobody else may read (mode 0600).
# password_file = "/etc/baryon/service-user.password"
project_name = "service"
user_domain_name = "Default"
project_domain_name = "Default"
# The certificates by which Keystone and Nova are known, in place of this machine's own.
# cacert = "/etc/baryon/cloud-ca.pem"
# How long a good token is believed without asking Keystone again, at most, and how often Keystone's revocations
# are read: a revoked token is refused after so many seconds.
cache_seconds = 60
poll_seconds = 2
# How long an answer of Keystone or Nova may take.
timeout_seconds = 10

# The compute service of that cloud.
[nova]
# Whether it is told when servers' ports come up, go down or change. Nova waits for that when it starts a server.
notify = false
# Its URL; default: that of the catalogue, in the region of the same name as ours, of this interface.
# endpoint = "https://nova.example.org/v2.1"
# region_name = "RegionOne"
interface = "public"
# Names by which Nova calls this host (binding:host_id), besides the name of this machine.
hosts = []

# The audit trail: every write, every refused request and every login. See docs/guide/audit.md.
[audit]
# How many days an event is kept.
retention_days = 90
# The most events that are kept. When there are more, the oldest go; refused and failed requests first, as long as
# they are more than half.
max_events = 1000000

# Rules for users' passwords and logins, by Keystone's names; see docs/guide/projects-users-groups.md.
[security_compliance]
# A user is locked after so many failed logins in a row (0: never), for so many seconds (0: until an administrator
# enables the user).
lockout_failure_attempts = 5
lockout_duration = 300
# How many passwords in a row must differ, the new one included; 0 allows any, 24 is the most.
unique_last_password_count = 0
# How many days a password must be used that its user has chosen, and after how many any password expires; 0: never.
minimum_password_age = 0
password_expires_days = 0
# What new passwords must look like, as a regular expression, and the same in words for those who choose one.
# password_regex = '^(?=.*\d)(?=.*[a-zA-Z]).{10,}$'
password_regex_description = ""
# Whether a password that an administrator has set is good for nothing but to be changed.
change_password_upon_first_use = false

# The limits of projects that have none of their own; -1 is no limit. The names are those of the API across regions, see
# docs/guide/quota-and-usage.md.
[quota]
# network.floatingips = 50
# network.ports = 1024
# loadbalancer.loadbalancers = 15
# dns.zones = 10

# Interfaces by the name of the physical network that they lead to, as networks name it in
# provider:physical_network; they are the first region's. `public` here is the same as `uplink` above.
[physical_networks]
# public = "eth1"
# storage = "eth2"

# Regions that this process serves, one [[region]] each. Every region has networks, a datapath and an ext-net of its own;
# users, DNS and secrets are everybody's. `--regions cbk,dbl,fes` is short for three of them.
[[region]]
# Its name, in URLs and in the catalogue.
name = "RegionOne"
# What it offers: "full", or what a region of the reference service offers ("cbk", "dbl", "fes"), or a list of the features
# basic, vpn, byoip, lbaas, octavia, dns, trunk, ipv6, fwaas, bgp, metering, qos, sfc.
profile = "full"
# Its datapath, and what its ext-net connects to; default: as [agent] says.
# driver = "null"
# uplink = "eth3"
# The prefix of its ext-net, of which this host has the first address; default: the next that is free of 198.51.100.0/24,
# 203.0.113.0/24 and 192.0.2.0/24. It stays what it is at the region's first start.
# prefix = "10.255.0.0/24"
# Interfaces of its other physical networks.
[region.physical_networks]
# backup = "eth4"
"#;
