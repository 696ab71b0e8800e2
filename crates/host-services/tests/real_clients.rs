//! The services over real sockets, asked by real clients: udhcpc, dhclient and curl. Needs root.
//!
//! Two guests with the same address sit behind interfaces of the services' namespace. What the
//! datapath does, nftables does here without state: a guest's source becomes its service address, a
//! broadcast goes to the services, and answers find their way back.

use std::{
    borrow::Cow,
    fs,
    io::{PipeWriter, Write},
    net::{IpAddr, Ipv4Addr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use host_services::{Count, Counters, Sockets, config::PortEntry, config::Update, run};
use hostnet::{Links, Netns, PeerSpec, Route, VethSpec};
use logical::{Dhcp4Options, DhcpRoute, Metadata, PortId, PortServices, SERVICE_ADDRESS, SERVICE_MAC};
use types::{Cidr, MacAddr};

const GUEST_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);

/// The services and two guests, in namespaces that go when the test ends.
struct World {
    names: Vec<String>,
    services: Netns,
    guests: Vec<Netns>,
    config: Option<PipeWriter>,
    role: Option<JoinHandle<Result<(), host_services::Error>>>,
    counters: Arc<Counters>,
    directory: PathBuf,
}

fn service_address(guest: usize) -> Ipv4Addr {
    Ipv4Addr::new(100, 64, 0, guest as u8 + 1)
}

fn mac(guest: usize) -> MacAddr {
    MacAddr([0xfa, 0x16, 0x3e, 0, 0, guest as u8 + 1])
}

fn entry(guest: usize) -> PortEntry {
    PortEntry {
        service_address: service_address(guest),
        port: PortId(format!("11111111-2222-4333-8444-00000000000{guest}").parse().expect("a UUID")),
        mac: mac(guest),
        services: Arc::new(PortServices {
            dhcp4: Some(Dhcp4Options {
                address: GUEST_ADDRESS,
                prefix_len: 24,
                router: Some(Ipv4Addr::new(10, 0, 0, 1)),
                dns_servers: vec![Ipv4Addr::new(9, 9, 9, 9), Ipv4Addr::new(1, 1, 1, 1)],
                routes: vec![DhcpRoute {
                    destination: "192.168.0.0/16".parse().expect("a CIDR"),
                    next_hop: Ipv4Addr::new(10, 0, 0, 254),
                }],
                mtu: 1442,
                lease_seconds: 86400,
                hostname: format!("web{guest}"),
                domain: Some("example.org".to_owned()),
                extra: Vec::new(),
            }),
            metadata: Some(Metadata {
                instance_id: format!("0a1b2c3{guest}-2222-4333-8444-555555555555"),
                hostname: format!("web{guest}"),
                name: format!("web{guest}"),
                project_id: "11112222333344445555666677778888".to_owned(),
                availability_zone: Cow::Borrowed("nova"),
                local_ipv4: Some(GUEST_ADDRESS),
                public_ipv4: None,
                mac: mac(guest),
                public_keys: vec!["ssh-ed25519 AAAA me@home".to_owned()],
                user_data: Some(format!("data of {guest}").into_bytes()),
            }),
        }),
    }
}

impl World {
    fn new(test: &str) -> Self {
        let name = |suffix: &str| format!("hs-{}-{test}-{suffix}", std::process::id());
        let names = vec![name("s"), name("g0"), name("g1")];
        let mut netns = names.iter().map(|name| Netns::create(name).expect("a namespace, as root"));
        let services = netns.next().expect("the services' namespace");
        let guests: Vec<Netns> = netns.collect();
        let links = Links::open_in(&services).expect("a netlink socket");
        let lo = links.by_name("lo").expect("loopback").ifindex;
        links.set_up(lo).expect("loopback up");
        links.add_address(lo, IpAddr::V4(SERVICE_ADDRESS).into()).expect("the services' address");
        for (guest, netns) in guests.iter().enumerate() {
            connect(&links, guest, netns);
        }
        services.run(|| nft(&(rewrite(0) + &rewrite(1)))).expect("to enter");

        let (reader, writer) = std::io::pipe().expect("a pipe");
        let counters = Arc::new(Counters::default());
        let sockets = services.run(|| Sockets::bind(SERVICE_ADDRESS)).expect("to enter").expect("sockets");
        let for_role = Arc::clone(&counters);
        let role = std::thread::spawn(move || run(reader, sockets, for_role));
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name("files"));
        fs::create_dir_all(&directory).expect("a directory");
        Self { names, services, guests, config: Some(writer), role: Some(role), counters, directory }
    }

    fn tell(&mut self, update: &Update) {
        update.write_to(self.config.as_mut().expect("an open stream")).expect("an update");
    }

    fn in_guest(&self, guest: usize, program: &str, arguments: &[&str]) -> Output {
        let run = || Command::new(program).args(arguments).stdin(Stdio::null()).output();
        self.guests[guest].run(run).expect("to enter").expect("a program that starts")
    }

    fn curl(&self, guest: usize, path: &str, more: &[&str]) -> String {
        let url = format!("http://169.254.169.254{path}");
        let output = self.in_guest(guest, "curl", &[&["-sS", "-m", "5", &url], more].concat());
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Gives a guest its address without asking for it.
    fn configure(&self, guest: usize) {
        let links = Links::open_in(&self.guests[guest]).expect("a netlink socket");
        let eth0 = links.by_name("eth0").expect("eth0").ifindex;
        links.add_address(eth0, format!("{GUEST_ADDRESS}/24").parse().expect("an address")).expect("an address");
        links.add_route(&Route::to(Cidr::host(SERVICE_ADDRESS.into())).dev(eth0)).expect("a route");
    }

    /// A script for a DHCP client that writes down what the client tells it.
    fn script(&self, name: &str) -> (PathBuf, PathBuf) {
        let (script, facts) = (self.directory.join(name), self.directory.join(format!("{name}.facts")));
        let text = format!(
            "#!/bin/sh\ncase \"$1$reason\" in bound|BOUND) env > {0}.new; mv {0}.new {0};; esac\n",
            facts.display()
        );
        fs::write(&script, text).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("an executable");
        (script, facts)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.config = None;
        let ended = self.role.take().map(JoinHandle::join);
        for name in &self.names {
            let _ = Netns::delete(name);
        }
        let _ = fs::remove_dir_all(&self.directory);
        if !std::thread::panicking() {
            assert!(matches!(ended, None | Some(Ok(Ok(())))), "{ended:?}");
        }
    }
}

/// A pair of interfaces between a guest and the services.
fn connect(links: &Links, guest: usize, netns: &Netns) {
    let peer = PeerSpec { name: "eth0", netns: Some(netns), mac: Some(mac(guest)), up: true, ..PeerSpec::default() };
    let name = format!("svc{guest}");
    let spec = VethSpec { name: &name, mac: Some(SERVICE_MAC), up: true, peer, ..VethSpec::default() };
    let near = links.create_veth(&spec).expect("a pair").ifindex;
    let address = IpAddr::V4(service_address(guest));
    links.set_neighbour(near, address, mac(guest)).expect("a neighbour");
    links.add_route(&Route::to(Cidr::host(address)).dev(near)).expect("a route");
    let inside = Links::open_in(netns).expect("a netlink socket");
    let eth0 = inside.by_name("eth0").expect("eth0").ifindex;
    inside.set_neighbour(eth0, SERVICE_ADDRESS.into(), SERVICE_MAC).expect("a neighbour");
}

fn rewrite(guest: usize) -> String {
    let address = service_address(guest);
    format!(
        "table netdev guest{guest} {{
            chain in {{
                type filter hook ingress device svc{guest} priority 0;
                udp dport 67 ip saddr set {address} ip daddr set {SERVICE_ADDRESS} ether daddr set {SERVICE_MAC} \
                    meta pkttype set host accept
                meta protocol ip ip saddr set {address}
            }}
            chain out {{
                type filter hook egress device svc{guest} priority 0;
                udp sport 67 ip daddr set 255.255.255.255 ether daddr set ff:ff:ff:ff:ff:ff accept
                ip daddr {address} ip daddr set {GUEST_ADDRESS}
            }}
        }}\n"
    )
}

fn nft(ruleset: &str) {
    let mut child = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().expect("nft");
    child.stdin.take().expect("its input").write_all(ruleset.as_bytes()).expect("to write");
    assert!(child.wait().expect("its end").success());
}

/// Waits until the condition holds.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(15);
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn assert_facts(facts: &str, expected: &[&str]) {
    for line in expected {
        assert!(facts.lines().any(|fact| fact == *line), "no '{line}' in\n{facts}");
    }
}

#[test]
fn udhcpc_gets_its_address_and_all_facts() {
    let mut world = World::new("udhcpc");
    world.tell(&Update::Put(entry(0)));
    let (script, facts) = world.script("udhcpc");
    let script = script.to_str().expect("a path");
    let output = world.in_guest(
        0,
        "udhcpc",
        &["-i", "eth0", "-f", "-q", "-n", "-t", "5", "-T", "1", "-s", script, "-O", "staticroutes", "-O", "mtu"],
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_facts(
        &fs::read_to_string(facts).expect("facts"),
        &[
            "ip=10.0.0.5",
            "subnet=255.255.255.0",
            "router=10.0.0.1",
            "dns=9.9.9.9 1.1.1.1",
            "hostname=web0",
            "domain=example.org",
            "broadcast=10.0.0.255",
            "lease=86400",
            "mtu=1442",
            "serverid=169.254.169.254",
            "staticroutes=169.254.169.254/32 0.0.0.0 192.168.0.0/16 10.0.0.254 0.0.0.0/0 10.0.0.1",
        ],
    );
    assert_eq!(world.counters.get(Count::DhcpAnswered), 2);
}

#[test]
fn dhclient_gets_its_address_and_all_facts() {
    let mut world = World::new("dhclient");
    world.tell(&Update::Put(entry(1)));
    let (script, facts) = world.script("dhclient");
    let configuration = world.directory.join("dhclient.conf");
    let text = "option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;\n\
                request subnet-mask, routers, domain-name-servers, domain-name, host-name, interface-mtu, \
                rfc3442-classless-static-routes;\ninitial-interval 1;\n";
    fs::write(&configuration, text).expect("a configuration");
    let start = || {
        Command::new("dhclient")
            .args(["-d", "-1", "-sf"])
            .arg(&script)
            .arg("-cf")
            .arg(&configuration)
            .arg("-lf")
            .arg(world.directory.join("leases"))
            .arg("-pf")
            .arg(world.directory.join("pid"))
            .arg("eth0")
            .stderr(Stdio::null())
            .spawn()
    };
    let mut client = world.guests[1].run(start).expect("to enter").expect("dhclient");
    eventually("dhclient did not bind", || facts.exists());
    client.kill().expect("to stop dhclient");
    client.wait().expect("its end");
    assert_facts(
        &fs::read_to_string(facts).expect("facts"),
        &[
            "new_ip_address=10.0.0.5",
            "new_subnet_mask=255.255.255.0",
            "new_routers=10.0.0.1",
            "new_domain_name_servers=9.9.9.9 1.1.1.1",
            "new_host_name=web1",
            "new_domain_name=example.org",
            "new_interface_mtu=1442",
            "new_dhcp_lease_time=86400",
            "new_rfc3442_classless_static_routes=32 169 254 169 254 0 0 0 0 16 192 168 10 0 0 254 0 10 0 0 1",
        ],
    );
}

#[test]
fn two_servers_of_one_address_read_their_own_metadata() {
    let mut world = World::new("meta");
    for guest in [0, 1] {
        world.tell(&Update::Put(entry(guest)));
        world.configure(guest);
    }
    for guest in [0, 1] {
        let name = format!("web{guest}.example.org");
        eventually("no metadata", || world.curl(guest, "/latest/meta-data/hostname", &[]) == name);
        assert_eq!(world.curl(guest, "/latest/meta-data/local-ipv4", &[]), "10.0.0.5");
        assert_eq!(world.curl(guest, "/latest/user-data", &[]), format!("data of {guest}"));
        let json = world.curl(guest, "/openstack/latest/meta_data.json", &[]);
        assert!(json.contains(&format!("\"name\":\"web{guest}\"")), "{json}");
    }
    let status = ["-o", "/dev/null", "-w", "%{http_code}"];
    assert_eq!(world.curl(0, "/latest/nothing", &status), "404");
    assert_eq!(world.curl(0, "/latest/", &[&status[..], &["-X", "PUT", "-d", "x"]].concat()), "405");
    assert_eq!(world.curl(0, "/latest/", &[&status[..], &["-I"]].concat()), "200");
    let huge = format!("X-Huge: {}", "x".repeat(100_000));
    assert_eq!(world.curl(0, "/latest/", &[&status[..], &["-H", &huge]].concat()), "431");

    // Facts change and go while the services run.
    world.tell(&Update::Remove { service_address: service_address(0) });
    eventually("still served", || world.curl(0, "/latest/", &status).starts_with("000"));
    assert_eq!(world.curl(1, "/latest/", &status), "200");
    assert!(world.counters.get(Count::UnknownPeer) > 0);
}

#[test]
fn one_guest_cannot_take_all_connections() {
    let mut world = World::new("limit");
    for guest in [0, 1] {
        world.tell(&Update::Put(entry(guest)));
        world.configure(guest);
    }
    eventually("no metadata", || world.curl(0, "/latest/", &[]) == "meta-data/\nuser-data");
    let connect = || TcpStream::connect((SERVICE_ADDRESS, 80));
    let open: Vec<TcpStream> =
        world.guests[0].run(|| (0..40).map(|_| connect().expect("a connection")).collect()).expect("to enter");
    eventually("no limit", || world.counters.get(Count::MetadataConnectionLimit) == 24);
    assert_eq!(world.curl(1, "/latest/", &[]), "meta-data/\nuser-data");
    drop(open);
    eventually("no place again", || world.curl(0, "/latest/", &[]) == "meta-data/\nuser-data");
}

#[test]
fn the_role_ends_with_its_configuration_and_on_one_that_it_cannot_follow() {
    let mut world = World::new("end");
    world.tell(&Update::Put(entry(0)));
    world.config = None;
    assert!(matches!(world.role.take().expect("the role").join(), Ok(Ok(()))));
    // The sockets are free again, and a second role takes over.
    let sockets = world.services.run(|| Sockets::bind(SERVICE_ADDRESS)).expect("to enter").expect("sockets");
    let taken = world.services.run(|| Sockets::bind(SERVICE_ADDRESS)).expect("to enter").unwrap_err().to_string();
    assert_eq!(taken, "cannot serve DHCP at 169.254.169.254:67: Address already in use (os error 98)");
    let ended = run(&b"\0\0\0\x02{}"[..], sockets, Arc::default());
    assert!(ended.unwrap_err().to_string().starts_with("a configuration message cannot be understood: "));
}
