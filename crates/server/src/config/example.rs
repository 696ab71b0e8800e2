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
# Proxies in front of the APIs, as addresses or ranges. Their word on where a request comes from is taken, nobody else's.
trusted_proxies = []
# The headers in which they give it: "x-forwarded" (X-Forwarded-For, -Proto, -Host) or "forwarded" (RFC 7239).
proxy_headers = "x-forwarded"

[agent]
# "ebpf": the datapath, programs in this kernel; needs root. "null": no datapath, needs nothing.
driver = "ebpf"
# What the physical network `public` (and so `ext-net`) connects to:
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

# Interfaces by the name of the physical network that they lead to, as networks name it in
# provider:physical_network. `public` here is the same as `uplink` above.
[physical_networks]
# public = "eth1"
# storage = "eth2"

# Regions that this process serves.
[[region]]
name = "RegionOne"
"#;
