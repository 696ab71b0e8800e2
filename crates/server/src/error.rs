//! Everything that ends a command. Each variant is one line that says what is wrong and what to do.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{client::ClientError, config::ConfigError};

/// Why a command ended without doing what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The datapath needs root.
    #[error("{command} needs root, for the datapath: run it with sudo{}", hint.map(|hint| format!(", or {hint}")).unwrap_or_default())]
    NotRoot {
        /// The command.
        command: &'static str,
        /// Another way.
        hint: Option<&'static str>,
    },
    /// Root in name only.
    #[error(
        "this process lacks {missing}, which the datapath needs: give the container it runs in that capability, or use --driver null"
    )]
    MissingCapability {
        /// The capability.
        missing: &'static str,
    },
    /// The kernel is too old.
    #[error(
        "this kernel is {found}; the datapath needs Linux {needed} or newer: upgrade the kernel, or use --driver null"
    )]
    KernelTooOld {
        /// What runs.
        found: String,
        /// What is needed.
        needed: String,
    },
    /// The kernel was built without something.
    #[error("this kernel lacks {feature}: {remedy}; `baryon doctor` lists everything")]
    MissingFeature {
        /// What is missing.
        feature: String,
        /// What to do.
        remedy: String,
    },
    /// A program that we start is missing.
    #[error(
        "program {program} is missing: install package {package} (Debian: apt-get install {package}); `baryon doctor` lists everything"
    )]
    MissingProgram {
        /// The program.
        program: &'static str,
        /// Its package.
        package: &'static str,
    },
    /// The keys of tokens.
    #[error(transparent)]
    Keys(#[from] api::KeyError),
    /// A listener's address is in use.
    #[error("{address} is in use{}: stop that, or give another address with {option}", holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default())]
    AddressTaken {
        /// The address.
        address: SocketAddr,
        /// Who has it, such as `python3 (pid 12)`.
        holder: Option<String>,
        /// The option that changes it.
        option: &'static str,
    },
    /// A listener's address cannot be used.
    #[error("cannot listen on {address}: {reason}; give another address with {option}")]
    AddressUnusable {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        reason: String,
        /// The option that changes it.
        option: &'static str,
    },
    /// A port that is root's.
    #[error(
        "cannot listen on {address}: ports below {first_free} need root or CAP_NET_BIND_SERVICE, which the process that \
         serves gives up as soon as it listens; start it so, or give a port from {first_free} on with {option}"
    )]
    LowPort {
        /// The address.
        address: SocketAddr,
        /// The first port that anybody may listen on.
        first_free: u16,
        /// The option that changes it.
        option: &'static str,
    },
    /// Fewer open files than connections are configured.
    #[error(
        "{allowed} open files are allowed and api.connections = {connections} needs {needed}: beyond them connections wait \
         to be accepted; raise the hard limit (systemd: LimitNOFILE={needed}; shells: ulimit -Hn), or lower the key"
    )]
    FewOpenFiles {
        /// What is allowed.
        allowed: u64,
        /// What is needed.
        needed: u64,
        /// What is configured.
        connections: u32,
    },
    /// The namespace of mounts would take the datapath with it when it ends.
    #[error(
        "this process is in a mount namespace of its own ({reason}), where pinned programs die with it and the datapath \
         would not outlive `baryon up`: instead of `ip netns exec NAME` use `nsenter --net=/run/netns/NAME`"
    )]
    PrivateMounts {
        /// How that was seen.
        reason: String,
    },
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// A directory that is not one of ours, or not of this version.
    #[error("{}: {reason}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// Another process serves the data directory.
    #[error("another `baryon up` is running on {}{}: stop it, or give another --data-dir", path.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    AlreadyRunning {
        /// The data directory.
        path: PathBuf,
        /// Its process id.
        pid: Option<i32>,
    },
    /// Nothing was ever started there.
    #[error("{} is not a data directory of baryon: nothing to do; --data-dir names the one given to `baryon up`", path.display())]
    NoInstance {
        /// The directory.
        path: PathBuf,
    },
    /// The instance lives in another network namespace.
    #[error(
        "the instance {instance} lives in another network namespace than this process: enter it first, \
         with `nsenter --net=/run/netns/NAME`"
    )]
    OtherNamespace {
        /// The instance.
        instance: String,
    },
    /// The user of a role cannot get to its files.
    #[error(
        "{} cannot be reached by user {uid}, whom the role api runs as: {} has mode {mode:04o}; chmod o+x that, or give \
         another directory",
        path.display(), directory.display()
    )]
    OutOfReach {
        /// What is out of reach.
        path: PathBuf,
        /// The user.
        uid: u32,
        /// The directory that shuts them out.
        directory: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The listener's certificate and key are of no use.
    #[error("{0}")]
    Tls(#[from] crate::tls::PairError),
    /// A role ended while it was starting.
    #[error("{message}")]
    Role {
        /// The role's last words.
        message: String,
    },
    /// A destructive command without its confirmation.
    #[error("this deletes the database, keys and passwords in {}: say --yes if that is meant", path.display())]
    NotConfirmed {
        /// The data directory.
        path: PathBuf,
    },
    /// What the user asked for does not fit.
    #[error("{0}")]
    Usage(String),
    /// The API refused or cannot be reached.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// Another service of the cloud refused or cannot be reached.
    #[error("{0}")]
    Cloud(#[from] cloud_client::CloudError),
    /// The host's network refused.
    #[error("{0}")]
    Hostnet(#[from] hostnet::Error),
    /// The database failed.
    #[error("{0}")]
    Store(#[from] store::StoreError),
    /// The keys of secrets cannot be rotated.
    #[error("{0}; run `baryon rotate-keys` again: it goes on where this one ended")]
    SecretRotation(#[from] api::SecretRotationError),
    /// Secrets that no key opens.
    #[error(
        "{unreadable} secrets cannot be decrypted: their key is gone, or they are damaged; restore keys/secret-N.key \
         from a backup and run `baryon rotate-keys` again, or delete the credentials that the log names"
    )]
    UnreadableSecrets {
        /// How many.
        unreadable: u64,
    },
    /// The first users cannot be made.
    #[error("{0}")]
    Bootstrap(#[from] api::BootstrapError),
    /// `ext-net` cannot be made.
    #[error("cannot make ext-net: {0}")]
    Intent(#[from] intent::Error),
    /// The API cannot serve.
    #[error("{0}")]
    Serve(#[from] api::ServeError),
    /// Reconciling cannot start.
    #[error("{0}")]
    Reconcile(#[from] reconcile::ReconcileError),
    /// The datapath cannot be brought up or taken down.
    #[error("{0}")]
    Datapath(#[from] driver_ebpf::Error),
    /// The services cannot serve.
    #[error("{0}")]
    Services(#[from] host_services::Error),
    /// The operating system refused.
    #[error("cannot {operation}: {source}")]
    Io {
        /// What was tried.
        operation: String,
        /// The system's words.
        source: io::Error,
    },
    /// The command did its work, and the answer is a failure that was printed already.
    #[error("")]
    Told,
}

impl Error {
    pub(crate) fn io(operation: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let operation = operation.into();
        move |source| Self::Io { operation, source }
    }
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
