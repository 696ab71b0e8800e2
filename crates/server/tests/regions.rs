//! Three regions in one process: each a datapath of its own, reached by the others over its external network only.
//! A host is a network namespace; that needs root, without which there is nothing to look at.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, net::IpAddr, path::Path, thread, time::Duration};

use hostnet::{Links, Netns};
use serde_json::json;
use testkit::{Cloud, Connection, DhcpClient, Host, Pings, Server, Service};

const BARYON: &str = env!("CARGO_BIN_EXE_baryon");
const PORT: u16 = 80;
/// Of the servers, the same in each region.
const ADDRESS: &str = "10.0.0.9";
/// The wire between the host and what plays the Internet.
const HOST: &str = "192.168.77.2";
const INTERNET: &str = "192.168.77.1";
/// How long traffic runs with nobody there.
const ALONE: Duration = Duration::from_secs(1);

/// A server in a region, with a floating IP.
struct Guest {
    server: Server,
    port_id: String,
    floating: IpAddr,
    _service: Service,
}

impl Guest {
    /// A network, a router to `ext-net`, a group that lets everything in, a server on it. The addresses are the same in
    /// every region.
    fn new(host: &Host, cloud: &Cloud, region: &str) -> Self {
        let cloud = cloud.in_region(region).unwrap();
        let id = |object: &serde_json::Value| object["id"].as_str().unwrap().to_owned();
        let network = id(&cloud.create("network", json!({ "name": "net" })).unwrap());
        let subnet = json!({ "network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24" });
        let subnet = id(&cloud.create("subnet", subnet).unwrap());
        let external = id(&cloud.find("network", "ext-net").unwrap());
        let router = json!({ "name": "router", "external_gateway_info": { "network_id": external } });
        let router = id(&cloud.create("router", router).unwrap());
        cloud.act("router", &router, "add_router_interface", json!({ "subnet_id": subnet })).unwrap();
        let group = id(&cloud.create("security_group", json!({ "name": "open" })).unwrap());
        cloud.create("security_group_rule", json!({ "security_group_id": group, "direction": "ingress" })).unwrap();
        let fixed = json!([{ "ip_address": ADDRESS }]);
        let port = json!({ "name": "port", "network_id": network, "security_groups": [group], "fixed_ips": fixed });
        let port = cloud.create("port", port).unwrap();
        let floating = json!({ "floating_network_id": external, "port_id": id(&port) });
        let floating = cloud.create("floatingip", floating).unwrap();

        let server = host.server(region).unwrap();
        host.attach(&id(&port), &server, &["--region", region]).unwrap();
        let lease = server.dhcp(DhcpClient::Udhcpc).unwrap();
        assert_eq!(lease.address.to_string(), ADDRESS, "each region has its own 10.0.0.0/24");
        Self {
            _service: server.serve(region, PORT).unwrap(),
            server,
            port_id: id(&port),
            floating: floating["floating_ip_address"].as_str().unwrap().parse().unwrap(),
        }
    }

    /// Whom a service saw when this server asked it.
    fn seen_by(&self, to: IpAddr) -> String {
        let greeting = self.server.ncat(to, PORT, false).unwrap().expect("no answer");
        greeting.rsplit_once(':').unwrap().0.to_owned()
    }
}

/// Traffic between two servers, both ways.
struct Traffic {
    pings: Vec<Pings>,
    connections: Vec<Connection>,
}

impl Traffic {
    fn between(one: &Guest, other: &Guest) -> Self {
        Self {
            pings: vec![one.server.pings(other.floating).unwrap(), other.server.pings(one.floating).unwrap()],
            connections: vec![
                one.server.connect(other.floating, PORT).unwrap(),
                other.server.connect(one.floating, PORT).unwrap(),
            ],
        }
    }

    fn has_lost_nothing(self) {
        for pings in self.pings {
            let pinged = pings.stop().unwrap();
            // The last request may still be under way when it stops.
            assert!(pinged.received > 100 && pinged.sent - pinged.received <= 1, "{pinged:?}");
        }
        for connection in self.connections {
            assert!(connection.close().unwrap().lines > 100);
        }
    }
}

fn links(host: &Host) -> BTreeSet<String> {
    let links = Links::open_in(&Netns::open(host.netns().name()).unwrap()).unwrap();
    links.list().unwrap().into_iter().map(|link| link.name).collect()
}

/// What the instance has outside of its namespace, or in it beside devices.
fn traces(host: &Host) -> Vec<String> {
    let instance = fs::read_to_string(host.data_dir().join("instance")).unwrap();
    let instance = instance.trim();
    let namespaces = Netns::list().unwrap().into_iter().filter(|name| name.starts_with(&format!("baryon-{instance}")));
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let run_dir = host.run_dir();
    let mounts = mounts.lines().filter(|line| line.contains(run_dir.to_str().unwrap())).map(str::to_owned);
    let tables = host.netns().sh("nft list tables").unwrap();
    namespaces.chain(mounts).chain(tables.lines().map(str::to_owned)).collect()
}

#[test]
fn regions_reach_one_another_and_outlive_their_processes() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut host = Host::new(Path::new(BARYON)).unwrap();
    let internet = host.server("internet").unwrap();
    host.netns().veth("wan0", internet.netns(), "eth0").unwrap();
    internet.netns().ip(&format!("addr add {INTERNET}/24 dev eth0")).unwrap();
    host.netns().ip(&format!("addr add {HOST}/24 dev wan0")).unwrap();
    host.netns().ip(&format!("route add default via {INTERNET}")).unwrap();
    let _far = internet.serve("internet", PORT).unwrap();
    let before = links(&host);

    host.up(&["--regions", "cbk,dbl,fes"]).unwrap();
    let banner = host.log();
    for line in [
        "/network/cbk/v2.0 (profile cbk, ext-net 198.51.100.0/24)",
        "/network/dbl/v2.0 (profile dbl, ext-net 203.0.113.0/24)",
        "/network/fes/v2.0 (profile fes, ext-net 192.0.2.0/24)",
    ] {
        assert!(banner.contains(line), "{banner}");
    }
    let cloud = host.cloud("baryon-demo").unwrap();
    let (cbk, fes) = (Guest::new(&host, &cloud, "cbk"), Guest::new(&host, &cloud, "fes"));
    assert!(cbk.floating.to_string().starts_with("198.51.100."), "{}", cbk.floating);
    assert!(fes.floating.to_string().starts_with("192.0.2."), "{}", fes.floating);

    assert!(cbk.server.reaches(fes.floating).unwrap() && fes.server.reaches(cbk.floating).unwrap());
    assert_eq!(cbk.seen_by(fes.floating), format!("fes {}", cbk.floating), "from region to region as it is");
    assert_eq!(fes.seen_by(cbk.floating), format!("cbk {}", fes.floating), "from region to region as it is");
    let internet = INTERNET.parse().unwrap();
    assert_eq!(cbk.seen_by(internet), format!("internet {HOST}"), "to the outside masqueraded");
    assert_eq!(fes.seen_by(internet), format!("internet {HOST}"), "to the outside masqueraded");
    commands_know_regions(&host, &fes, cbk.floating);

    // Stopped, started in another order, killed, started again: nothing that forwards notices.
    let traffic = Traffic::between(&cbk, &fes);
    thread::sleep(ALONE);
    let devices = links(&host);
    host.stop().unwrap();
    thread::sleep(ALONE);
    host.up(&["--regions", "fes,dbl,cbk"]).unwrap();
    wait_until_applied(&host);
    assert_eq!(links(&host), devices);
    host.kill().unwrap();
    thread::sleep(ALONE);
    assert_eq!(cbk.seen_by(fes.floating), format!("fes {}", cbk.floating), "a new connection while it is dead");
    host.up(&["--regions", "fes,dbl,cbk"]).unwrap();
    wait_until_applied(&host);
    assert_eq!(links(&host), devices);
    traffic.has_lost_nothing();

    a_region_that_leaves_is_removed_and_comes_back(&mut host, &cbk, &fes);

    host.stop().unwrap();
    let down = host.baryon(&["down"]).unwrap();
    assert!(down.status.success(), "{}{}", down.stdout, down.stderr);
    assert_eq!(links(&host), before);
    assert_eq!(traces(&host), Vec::<String>::new());
}

fn wait_until_applied(host: &Host) {
    let admin = host.cloud("baryon-admin").unwrap();
    for region in ["cbk", "fes"] {
        admin.in_region(region).unwrap().wait_until_applied().unwrap();
    }
}

fn commands_know_regions(host: &Host, fes: &Guest, cbk: IpAddr) {
    let status = host.baryon(&["status"]).unwrap();
    let said = &status.stdout;
    for region in ["cbk", "dbl", "fes"] {
        assert!(said.contains(&format!("region {region}: profile {region}, driver ebpf\n")), "{said}{}", status.stderr);
    }
    let one = host.baryon(&["status", "--region", "fes"]).unwrap().stdout;
    assert!(one.contains("region fes:") && !one.contains("region cbk:"), "{one}");
    let trace = ["trace", "--region", "fes", "--from", &fes.port_id, "--to", &cbk.to_string()];
    let trace = host.baryon(&trace).unwrap();
    assert!(trace.status.success() && trace.stdout.contains("delivered"), "{}{}", trace.stdout, trace.stderr);
    let other = host.baryon(&["detach", "--region", "cbk", &fes.port_id]).unwrap();
    assert!(other.stderr.contains("there is no port with the name or id"), "{}", other.stderr);
}

/// Its objects stay in the database, so it comes back with all of them.
fn a_region_that_leaves_is_removed_and_comes_back(host: &mut Host, cbk: &Guest, fes: &Guest) {
    host.stop().unwrap();
    host.up(&["--regions", "fes,dbl"]).unwrap();
    let log = host.log();
    assert!(log.contains("region cbk is not served any more; removed: device tap"), "{log}");
    assert!(!fes.server.reaches(cbk.floating).unwrap());
    assert!(fes.server.reaches(INTERNET).unwrap(), "the others go on");
    host.stop().unwrap();
    host.up(&["--regions", "fes,dbl,cbk"]).unwrap();
    wait_until_applied(host);
    cbk.server.dhcp(DhcpClient::Udhcpc).unwrap();
    assert_eq!(cbk.seen_by(fes.floating), format!("fes {}", cbk.floating));
}
