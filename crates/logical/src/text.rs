//! The text form of a logical network: a line per row, sorted, for golden tests and for people.

use std::fmt;

use crate::{
    Acl, AddressSetEntry, Attachment, FloatingIp, LogicalNetwork, Port, PortKind, Remote, Route, Router, Row,
    SourceNat, Switch, SwitchKind,
};

impl fmt::Display for LogicalNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(row) => row.fmt(f),
            Self::Router(row) => row.fmt(f),
            Self::AddressSetEntry(row) => row.fmt(f),
            Self::Acl(row) => row.fmt(f),
            Self::Port(row) => row.fmt(f),
            Self::Route(row) => row.fmt(f),
            Self::SourceNat(row) => row.fmt(f),
            Self::FloatingIp(row) => row.fmt(f),
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "switch {} mtu={}", self.id, self.mtu)?;
        match &self.kind {
            SwitchKind::Tenant => Ok(()),
            SwitchKind::External { physical_network } => write!(f, " external={physical_network}"),
        }
    }
}

impl fmt::Display for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "router {}{}", self.id, if self.enabled { "" } else { " disabled" })
    }
}

impl fmt::Display for AddressSetEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "set {} member {}", self.set, self.cidr)
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "acl group={} {} allow {:?}", self.group, self.direction, self.ip_version)?;
        if let Some(protocol) = self.protocol {
            write!(f, " {protocol}")?;
        }
        if let Some(ports) = self.ports {
            write!(f, " ports={ports}")?;
        }
        if let Some(icmp) = self.icmp {
            write!(f, " type={}", icmp.kind)?;
            if let Some(code) = icmp.code {
                write!(f, " code={code}")?;
            }
        }
        match &self.remote {
            Remote::Any => Ok(()),
            Remote::Prefix(cidr) => write!(f, " remote={cidr}"),
            Remote::Set(set) => write!(f, " remote-set={set}"),
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {} switch={} {}", self.id, self.switch, self.mac)?;
        for address in &self.addresses {
            write!(f, " {}/{}", address.address, address.prefix_len)?;
        }
        write!(f, " mtu={}", self.mtu)?;
        match &self.kind {
            PortKind::Guest { attachment: None } => f.write_str(" guest")?,
            PortKind::Guest { attachment: Some(Attachment::Netns { name, ifname, .. }) } => {
                write!(f, " guest=netns:{name}/{ifname}")?;
            }
            PortKind::Guest { attachment: Some(Attachment::Tap { name }) } => write!(f, " guest=tap:{name}")?,
            PortKind::Router { router } => write!(f, " router={router}")?,
            PortKind::Service => f.write_str(" service")?,
        }
        if !self.enabled {
            f.write_str(" disabled")?;
        }
        match &self.security {
            None => f.write_str(" unsecured")?,
            Some(security) => {
                f.write_str(" pairs=[")?;
                for (i, pair) in security.pairs.iter().enumerate() {
                    write!(f, "{}{}@{}", if i == 0 { "" } else { " " }, pair.ip, pair.mac)?;
                }
                f.write_str("] groups=[")?;
                for (i, group) in security.groups.iter().enumerate() {
                    write!(f, "{}{group}", if i == 0 { "" } else { " " })?;
                }
                f.write_str("]")?;
            }
        }
        if let Some(services) = &self.services {
            if let Some(dhcp) = &services.dhcp4 {
                write!(f, " dhcp={}/{}", dhcp.address, dhcp.prefix_len)?;
            }
            if let Some(metadata) = &services.metadata {
                write!(f, " metadata={}", metadata.hostname)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route router={} {} port={}", self.router, self.destination, self.port)?;
        match self.next_hop {
            None => f.write_str(" connected"),
            Some(next_hop) => write!(f, " via {next_hop}"),
        }
    }
}

impl fmt::Display for SourceNat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snat router={} port={} to {}", self.router, self.port, self.address)
    }
}

impl fmt::Display for FloatingIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "floating-ip {} switch={} router={} to {}", self.external, self.switch, self.router, self.logical)
    }
}
