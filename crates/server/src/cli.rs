//! The command line, as types. What a command does is in [`crate::commands`].

use std::{net::IpAddr, net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use types::Protocol;

use crate::config::{DriverKind, LogFormat, RegionArg, Uplink};

/// An OpenStack-compatible cloud network on one host: the APIs, and a datapath behind them.
#[derive(Debug, Parser)]
#[command(name = "baryon", version, after_help = TOP_EXAMPLES, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the service in the foreground
    #[command(after_help = UP_EXAMPLES, args_override_self = true)]
    Up(UpArgs),
    /// Remove the instance from the kernel: devices, programs, namespaces, tables; the data stays
    #[command(after_help = DOWN_EXAMPLES)]
    Down(DownArgs),
    /// Remove the instance from the kernel and its data from the disk
    #[command(after_help = PURGE_EXAMPLES)]
    Purge(PurgeArgs),
    /// Connect a port to a network namespace or to a tap device
    #[command(after_help = ATTACH_EXAMPLES)]
    Attach(AttachArgs),
    /// Disconnect a port from its device
    #[command(after_help = DETACH_EXAMPLES)]
    Detach(DetachArgs),
    /// Say what the datapath does with a packet, step by step, and why
    #[command(after_help = TRACE_EXAMPLES)]
    Trace(TraceArgs),
    /// Say what is running and what is wrong now, with reasons
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Say who did what: every write, every refused request, every login
    #[command(after_help = AUDIT_EXAMPLES)]
    Audit(AuditArgs),
    /// Check whether this machine has what the datapath needs
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Check a configuration file, or print an example of one
    #[command(after_help = CHECK_CONFIG_EXAMPLES)]
    CheckConfig(CheckConfigArgs),
    /// Enter this instance into the catalogue of the Keystone of a cloud that is there already
    #[command(after_help = REGISTER_ENDPOINTS_EXAMPLES)]
    RegisterEndpoints(RegisterEndpointsArgs),
    /// Make new keys for tokens and stored secrets; tokens made with the old ones stay good
    #[command(after_help = ROTATE_KEYS_EXAMPLES)]
    RotateKeys(RotateKeysArgs),
    /// Build networks, prove that they do what they should, and tear them down again
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(DemoArgs),
    /// One of the processes that `baryon up` starts
    #[command(hide = true)]
    Role(RoleArgs),
}

/// Where the data of the instance is.
#[derive(Debug, Clone, Args)]
pub struct DataDirArg {
    /// Directory of the database, keys and clouds.yaml
    #[arg(long, value_name = "DIR", default_value = crate::config::DEFAULT_DATA_DIR)]
    pub data_dir: PathBuf,
}

/// Options of `baryon up`. What is not given comes from the configuration file, then from defaults.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Configuration file; see `baryon check-config --example`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory of the database, keys and clouds.yaml [default: /var/lib/baryon]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Directory of sockets, pinned programs and what must be undone [default: /run/baryon]
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Where the APIs listen [default: 127.0.0.1:9696]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where health and metrics listen [default: 127.0.0.1:9697]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<SocketAddr>,
    /// How clients reach the APIs, for the URLs in answers [default: http:// and --listen]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// The datapath: `ebpf` needs root, `null` has none and needs nothing
    #[arg(long, value_name = "DRIVER")]
    pub driver: Option<DriverKind>,
    /// Regions to serve, as NAME, NAME=PROFILE or NAME=PROFILE:DRIVER; a name that is a profile's has that profile
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    pub regions: Vec<RegionArg>,
    /// What external networks connect to: `auto` (this host, masqueraded), `none`, or an interface
    #[arg(long, value_name = "auto|none|IFACE")]
    pub uplink: Option<Uplink>,
    /// How log lines look
    #[arg(long, value_name = "human|json")]
    pub log_format: Option<LogFormat>,
    /// Which log lines are written, such as `info` or `info,reconcile=debug`
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}

/// Options of `baryon down`.
#[derive(Debug, Args)]
pub struct DownArgs {
    /// Which instance.
    #[command(flatten)]
    pub data_dir: DataDirArg,
    /// Directory given to `baryon up --run-dir` [default: that of the last start]
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
}

/// Options of `baryon purge`.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// Which instance.
    #[command(flatten)]
    pub down: DownArgs,
    /// Yes, delete the database, keys and passwords
    #[arg(long)]
    pub yes: bool,
}

/// How a command reaches the API.
#[derive(Debug, Clone, Args)]
pub struct CloudArgs {
    /// Use this cloud of clouds.yaml [env: OS_CLOUD; default: baryon-admin of the data directory]
    #[arg(long, value_name = "NAME")]
    pub os_cloud: Option<String>,
    /// Region [default: the cloud's, which is the first of `baryon up`]
    #[arg(long, visible_alias = "region", value_name = "NAME")]
    pub os_region_name: Option<String>,
    /// Data directory of the instance, for its clouds.yaml
    #[arg(long, value_name = "DIR", default_value = crate::config::DEFAULT_DATA_DIR)]
    pub data_dir: PathBuf,
    /// Certificates of the authorities to believe, in PEM [env: OS_CACERT; default: the cloud's, else this machine's]
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
}

/// Options of `baryon attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// Name or id of the port
    pub port: String,
    /// Network namespace that gets the port's device, as `ip netns` lists it
    #[arg(long, value_name = "NAME", required_unless_present = "tap", conflicts_with = "tap")]
    pub netns: Option<String>,
    /// Name of the device inside the namespace
    #[arg(long, value_name = "NAME", default_value = "eth0", conflicts_with = "tap")]
    pub ifname: String,
    /// Tap device of a virtual machine
    #[arg(long, value_name = "NAME")]
    pub tap: Option<String>,
    /// Name of the server, for its host name and metadata [default: the namespace's or tap's]
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,
    /// File whose content the metadata service gives to the server as user data
    #[arg(long, value_name = "FILE")]
    pub user_data: Option<PathBuf>,
    /// SSH public key for the metadata service, as a file or as text; may be repeated
    #[arg(long = "key", value_name = "FILE|TEXT")]
    pub keys: Vec<String>,
    /// How to reach the API.
    #[command(flatten)]
    pub cloud: CloudArgs,
}

/// Options of `baryon detach`.
#[derive(Debug, Args)]
pub struct DetachArgs {
    /// Name or id of the port
    pub port: String,
    /// How to reach the API.
    #[command(flatten)]
    pub cloud: CloudArgs,
}

/// Options of `baryon register-endpoints`.
#[derive(Debug, Args)]
pub struct RegisterEndpointsArgs {
    /// Configuration file that `baryon up` reads; its regions are registered
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What the URLs begin with [default: api.public_url of the configuration]
    #[arg(long, value_name = "URL")]
    pub url: Option<crate::config::PublicUrl>,
    /// Which endpoints
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "public,internal,admin",
          value_parser = ["public", "internal", "admin"])]
    pub interfaces: Vec<String>,
    /// Whose login is used: --os-cloud, or the variables OS_AUTH_URL, OS_USERNAME, ...
    #[command(flatten)]
    pub cloud: CloudArgs,
}

/// Options of `baryon trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// Name or id of the port that sends
    #[arg(long, value_name = "PORT")]
    pub from: String,
    /// Destination address
    #[arg(long, value_name = "ADDRESS")]
    pub to: IpAddr,
    /// Protocol, by name or number
    #[arg(long, value_name = "PROTOCOL", default_value = "icmp")]
    pub proto: Protocol,
    /// Destination port, with tcp, udp and sctp
    #[arg(long, value_name = "PORT")]
    pub dport: Option<u16>,
    /// Source port, with tcp, udp and sctp
    #[arg(long, value_name = "PORT")]
    pub sport: Option<u16>,
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
    /// How to reach the API.
    #[command(flatten)]
    pub cloud: CloudArgs,
}

/// Options of `baryon status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print the API's answer
    #[arg(long)]
    pub json: bool,
    /// How to reach the API.
    #[command(flatten)]
    pub cloud: CloudArgs,
}

/// Options of `baryon audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Only events at this time or later: a time, or how long ago, such as 2h
    #[arg(long, value_name = "TIME|AGE")]
    pub since: Option<String>,
    /// Only events before this time
    #[arg(long, value_name = "TIME|AGE")]
    pub until: Option<String>,
    /// Only what this user did
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// Only what was done in this project
    #[arg(long, value_name = "ID")]
    pub project: Option<String>,
    /// Only what was done to this object
    #[arg(long, value_name = "ID")]
    pub target: Option<String>,
    /// Only the request with this id, as answers carry it in X-Openstack-Request-Id
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Only actions that begin so, such as `network:` or `identity:create_user`
    #[arg(long, value_name = "PREFIX")]
    pub action: Option<String>,
    /// Only events that ended so: success, failure or refused
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<String>,
    /// At most so many of the newest events
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub limit: usize,
    /// Go on, and print events as they come
    #[arg(long)]
    pub follow: bool,
    /// How an event looks: a line for people, or the API's answer, an event a line
    #[arg(long, value_name = "text|json", default_value = "text")]
    pub format: AuditFormat,
    /// How to reach the API.
    #[command(flatten)]
    pub cloud: CloudArgs,
}

/// How `baryon audit` prints an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AuditFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Options of `baryon doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Options of `baryon check-config`.
#[derive(Debug, Args)]
pub struct CheckConfigArgs {
    /// The file to check
    #[arg(value_name = "FILE", required_unless_present = "example")]
    pub file: Option<PathBuf>,
    /// Print a file with every key, its meaning and its default
    #[arg(long, conflicts_with = "file")]
    pub example: bool,
}

/// Options of `baryon rotate-keys`.
#[derive(Debug, Args)]
pub struct RotateKeysArgs {
    /// Which instance.
    #[command(flatten)]
    pub data_dir: DataDirArg,
}

/// Options of `baryon demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave everything as it is at the end, to look around
    #[arg(long)]
    pub keep: bool,
    /// How to reach the API.
    #[command(flatten)]
    pub cloud: CloudArgs,
}

/// Options of `baryon role`. Settings come as one line of JSON on standard input.
#[derive(Debug, Args)]
pub struct RoleArgs {
    /// Which role.
    #[command(subcommand)]
    pub role: RoleName,
}

/// The roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum RoleName {
    /// HTTP, store, compiler and reconcile, without any capability
    Api,
    /// The privileged owner of the datapath
    Agent,
    /// DHCP and metadata, unprivileged in the service namespace
    Services,
}

const TOP_EXAMPLES: &str = "\
Examples:
  baryon doctor                              is this machine fit for it?
  baryon up                                  start, as root
  export OS_CLIENT_CONFIG_FILE=/var/lib/baryon/clouds.yaml OS_CLOUD=baryon-admin
  openstack network list                     use it
  baryon demo                                see it prove itself";

const UP_EXAMPLES: &str = "\
Examples:
  baryon up
  baryon up --config /etc/baryon/baryon.toml
  baryon up --driver null --data-dir ~/baryon --run-dir ~/baryon/run     without root, without a datapath
  baryon up --uplink eth1                    external networks are the wire behind eth1
  baryon up --regions cbk,dbl,fes            three regions, each with the profile of its name
  baryon up --regions one=full,two=fes:null  profiles full, cbk, dbl, fes, or features joined by +

It runs in the foreground; Ctrl-C stops it and leaves the datapath as it is, so that servers keep
their network. `baryon down` removes it from the kernel.";

const DOWN_EXAMPLES: &str = "\
Examples:
  baryon down
  baryon down --data-dir /srv/baryon";

const PURGE_EXAMPLES: &str = "\
Examples:
  baryon purge --yes
  baryon purge --yes --data-dir /srv/baryon";

const ATTACH_EXAMPLES: &str = "\
Examples:
  ip netns add web1
  baryon attach web1-port --netns web1
  baryon attach web1-port --netns web1 --ifname ens3 --server-name web1 --key ~/.ssh/id_ed25519.pub
  baryon attach 2f1c0c4e-3f0b-4a55-9b1c-5f6f0b9d9a10 --tap tap2f1c0c4e-3f --user-data cloud-init.yaml";

const DETACH_EXAMPLES: &str = "\
Examples:
  baryon detach web1-port";

const TRACE_EXAMPLES: &str = "\
Examples:
  baryon trace --from web1-port --to 10.0.0.12
  baryon trace --from web1-port --to 198.51.100.20 --proto tcp --dport 80

Exit code: 0 the packet is delivered, 1 it is dropped, 2 there is no answer.";

const STATUS_EXAMPLES: &str = "\
Examples:
  baryon status
  baryon status --json";

const REGISTER_ENDPOINTS_EXAMPLES: &str = "\
Examples:
  OS_CLOUD=my-cloud baryon register-endpoints --url https://network.example.org
  baryon register-endpoints --os-cloud my-cloud --interfaces internal";

const AUDIT_EXAMPLES: &str = "\
Examples:
  baryon audit                                        the newest 100 events
  baryon audit --since 2h --outcome refused           who was refused in the last two hours
  baryon audit --target 2f1c0c4e-3f0b-4a55-9b1c-5f6f0b9d9a10       the history of one object
  baryon audit --action identity: --limit 1000 --format json | jq .initiator.user_name
  baryon audit --follow";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  baryon doctor
  baryon doctor --json";

const CHECK_CONFIG_EXAMPLES: &str = "\
Examples:
  baryon check-config --example > baryon.toml
  baryon check-config baryon.toml";

const ROTATE_KEYS_EXAMPLES: &str = "\
Examples:
  baryon rotate-keys
  baryon rotate-keys --data-dir /srv/baryon

Run it now and then, by a timer, with `baryon up` running or not. A token key goes two days after its
last token has expired: for as long services may ask whose it was. When somebody may have read a key,
rotate and then remove the old file keys/token-N.key of the data directory: within seconds its tokens
are void.

Secrets in the database (credentials, EC2 keys, consumers, passwords of domain configurations) are
encrypted anew, and their old keys/secret-N.key is removed, which takes some seconds. When it is cut
off, run it again. Back up the database and keys/ together, after each rotation: an older copy of the
database needs the keys of its time.";

const DEMO_EXAMPLES: &str = "\
Examples:
  baryon demo
  baryon demo --keep

Needs a running `baryon up`, root, and udhcpc or dhclient. Exit code: 0 everything was proven.";
