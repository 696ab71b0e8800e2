//! Values of the configuration that have a form of their own.

use std::{fmt, str::FromStr};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A value of the wrong form. The text says what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not an interface's name.
    #[error("'{0}' is not a name of a network interface: 1 to 15 characters without '/' and spaces")]
    Interface(String),
    /// Not a region's name.
    #[error("'{0}' is not a name of a region: 1 to 64 letters, digits, '-', '_' and '.', the first a letter or digit")]
    Region(String),
    /// Not a prefix of an external network.
    #[error("'{0}' is not a prefix of an external network: give an IPv4 network of /8 to /28, such as 10.255.0.0/24")]
    Prefix(String),
    /// Not a URL.
    #[error("'{0}' is not a URL of a service: give http://HOST:PORT or https://HOST, with a path if it has one")]
    Url(String),
    /// Not where to listen.
    #[error("'{0}' is not an address to listen at: give ADDRESS:PORT, such as 127.0.0.1:9696 or [::]:9696")]
    Listen(String),
    /// Not a proxy.
    #[error("'{0}' is no address and no range of addresses: give 10.0.0.2 or 10.0.0.0/24; names are not looked up")]
    Proxy(String),
}

/// Which datapath.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DriverKind {
    /// Programs in this kernel.
    #[default]
    Ebpf,
    /// None: everything above it works, no packet is forwarded.
    Null,
}

/// The headers in which trusted proxies say who called them. One family only is believed: a proxy that
/// sets the one hands on the other as its client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` of RFC 7239.
    Forwarded,
}

impl fmt::Display for DriverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ebpf => "ebpf",
            Self::Null => "null",
        })
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object each.
    Json,
}

macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValueError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

/// Name of a network interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

text!(InterfaceName);

impl FromStr for InterfaceName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What `dev_valid_name` of the kernel accepts.
        let good = (1..=15).contains(&text.len())
            && text != "."
            && text != ".."
            && !text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace());
        if good { Ok(Self(text.to_owned())) } else { Err(ValueError::Interface(text.to_owned())) }
    }
}

/// Name of a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegionName(String);

text!(RegionName);

impl Default for RegionName {
    fn default() -> Self {
        Self("RegionOne".to_owned())
    }
}

impl FromStr for RegionName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if first && text.len() <= 64 && text.chars().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ValueError::Region(text.to_owned()))
        }
    }
}

/// What URLs in answers begin with, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl(String);

text!(PublicUrl);

impl FromStr for PublicUrl {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ValueError::Url(text.to_owned());
        let uri: ureq::http::Uri = text.parse().map_err(|_| fail())?;
        match uri.scheme_str() {
            Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none() => {
                Ok(Self(text.trim_end_matches('/').to_owned()))
            }
            _ => Err(fail()),
        }
    }
}

impl PublicUrl {
    /// The first part of its path; empty without one.
    pub(super) fn first_part(&self) -> &str {
        let after_scheme = self.0.split_once("://").map_or("", |(_, rest)| rest);
        after_scheme.split('/').nth(1).unwrap_or_default()
    }
}

/// What the physical network `public` connects to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Uplink {
    /// This host, by a veth pair, masqueraded towards its default route.
    #[default]
    Auto,
    /// This host, by a veth pair; its forwarding and firewall stay as they are.
    None,
    /// The wire behind an interface; nothing else of the host is touched.
    Interface(InterfaceName),
}

impl fmt::Display for Uplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Interface(name) => name.fmt(f),
        }
    }
}

impl FromStr for Uplink {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::None),
            name => name.parse().map(Self::Interface),
        }
    }
}

impl TryFrom<String> for Uplink {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Uplink> for String {
    fn from(value: Uplink) -> Self {
        value.to_string()
    }
}
