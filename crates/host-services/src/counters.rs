//! What was answered and what was ignored, and why.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Something that is counted.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Count {
            $($(#[$doc])* $variant,)*
        }

        impl Count {
            /// All counts, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in messages and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

counts! {
    /// DHCP requests that got an answer.
    DhcpAnswered = "dhcp-answered",
    /// DHCP messages that need none (release, decline, another server chosen).
    DhcpNoted = "dhcp-noted",
    /// Datagrams that are no DHCP request of an Ethernet client.
    DhcpMalformed = "dhcp-malformed",
    /// DHCP requests whose client is not the port's.
    DhcpWrongClient = "dhcp-wrong-client",
    /// DHCP requests of ports that have no DHCP.
    DhcpDisabled = "dhcp-disabled",
    /// DHCP requests beyond the rate of a port.
    DhcpRateLimited = "dhcp-rate-limited",
    /// Answers that the kernel did not take.
    DhcpSendFailed = "dhcp-send-failed",
    /// HTTP requests that got an answer other than an error.
    MetadataAnswered = "metadata-answered",
    /// HTTP requests for what is not there.
    MetadataNotFound = "metadata-not-found",
    /// HTTP requests with another method than GET or HEAD.
    MetadataBadMethod = "metadata-bad-method",
    /// Connections beyond the limit of a port or of all.
    MetadataConnectionLimit = "metadata-connection-limit",
    /// Connections that ended with an error or took too long.
    MetadataBroken = "metadata-broken",
    /// Datagrams and connections from addresses that belong to no port.
    UnknownPeer = "unknown-peer",
}

/// A number for each [`Count`] since the process started.
#[derive(Debug, Default)]
pub struct Counters([AtomicU64; Count::ALL.len()]);

impl Counters {
    /// Adds one.
    pub fn add(&self, count: Count) {
        self.0[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The number so far.
    #[must_use]
    pub fn get(&self, count: Count) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
    }

    /// All numbers that are not zero, as `name=number`.
    #[must_use]
    pub fn summary(&self) -> String {
        let shown = Count::ALL.iter().filter(|count| self.get(**count) > 0);
        shown.map(|count| format!("{}={}", count.name(), self.get(*count))).collect::<Vec<_>>().join(" ")
    }
}
