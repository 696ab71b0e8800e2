//! What ours is compared with: a wire, a bridge, and a bridge that filters as Neutron's Linux bridge or hybrid agent does.

use std::net::Ipv4Addr;
use std::process::Command;

use testkit::{Netns, Scope, run};

use crate::error::Result;
use crate::meter::Path;

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 6);

/// Two namespaces and a veth pair between them: the least that two servers on one host can cost.
pub(crate) fn wire(scope: &Scope) -> Result<Path> {
    let (client, server) = ends(scope, "wire")?;
    client.veth("eth0", &server, "eth0")?;
    addresses(client, server)
}

/// Two namespaces on a bridge.
pub(crate) fn bridge(scope: &Scope) -> Result<Path> {
    Ok(bridged(scope, "br")?.0)
}

/// The same with every packet sent through rules of the shape that Neutron's firewall writes: a conntrack zone, a
/// dispatch by port, per port a chain each way with anti-spoofing and the rules of its groups.
pub(crate) fn bridge_nft(scope: &Scope) -> Result<Path> {
    let (path, host) = bridged(scope, "brnft")?;
    host.sysctl("bridge/bridge-nf-call-iptables", "1")?;
    let file = scope.dir().join("neutron.nft");
    std::fs::write(&file, rules(&mac(&path.client)?, &mac(&path.server)?))
        .map_err(|source| crate::error::Error::Socket { path: "bridge-nft", source })?;
    run(host.command("nft").arg("-f").arg(&file))?;
    Ok(path)
}

fn ends(scope: &Scope, name: &str) -> Result<(Netns, Netns)> {
    Ok((scope.netns(&format!("{name}-a"))?, scope.netns(&format!("{name}-b"))?))
}

fn addresses(client: Netns, server: Netns) -> Result<Path> {
    client.ip(&format!("addr add {CLIENT}/24 dev eth0"))?;
    server.ip(&format!("addr add {SERVER}/24 dev eth0"))?;
    Ok(Path { client, server, address: SERVER })
}

fn bridged(scope: &Scope, name: &str) -> Result<(Path, Netns)> {
    let (client, server) = ends(scope, name)?;
    let host = scope.netns(name)?;
    host.ip("link add br0 type bridge")?;
    host.ip("link set br0 up")?;
    // A bridge asks the host's firewall by default, in every namespace.
    host.sysctl("bridge/bridge-nf-call-iptables", "0")?;
    for (port, end) in [("tap0", &client), ("tap1", &server)] {
        host.veth(port, end, "eth0")?;
        host.ip(&format!("link set {port} master br0"))?;
    }
    Ok((addresses(client, server)?, host))
}

fn mac(netns: &Netns) -> Result<String> {
    let shown = run(Command::new("ip").args(["-n", netns.name(), "-o", "link", "show", "dev", "eth0"]))?;
    Ok(shown.split_whitespace().skip_while(|word| *word != "link/ether").nth(1).unwrap_or_default().to_owned())
}

fn rules(client: &str, server: &str) -> String {
    let port_chains = |name: &str, mac: &str, address: Ipv4Addr| {
        format!(
            "
  chain s_{name} {{
    ip saddr {address} ether saddr {mac} counter return
    counter drop
  }}
  chain o_{name} {{
    ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 counter return
    counter jump s_{name}
    udp sport 68 udp dport 67 counter return
    udp sport 67 udp dport 68 counter drop
    ct state established,related counter return
    counter return
  }}
  chain i_{name} {{
    ct state established,related counter return
    udp sport 67 udp dport 68 counter return
    ip saddr @members counter return
    ip protocol icmp counter return
    tcp dport 22 counter return
    tcp dport 80 counter return
    tcp dport 443 counter return
    ct state invalid counter drop
    counter drop
  }}"
        )
    };
    format!(
        "table ip neutron {{
  set members {{
    type ipv4_addr
    elements = {{ {CLIENT}, {SERVER}, 10.0.0.7, 10.0.0.8, 10.0.0.9, 10.0.0.10 }}
  }}
  chain raw {{
    type filter hook prerouting priority raw; policy accept;
    ether saddr {client} counter ct zone set 4097
    ether saddr {server} counter ct zone set 4097
  }}{a}{b}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    ether daddr {client} counter jump i_a
    ether daddr {server} counter jump i_b
    ether saddr {client} counter jump o_a
    ether saddr {server} counter jump o_b
  }}
}}
",
        a = port_chains("a", client, CLIENT),
        b = port_chains("b", server, SERVER),
    )
}
