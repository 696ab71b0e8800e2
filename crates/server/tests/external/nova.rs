//! Nova boots a server on this host, and is told what it waits for.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde_json::{Value, json};
use testkit::{Nova, PATIENCE};

use crate::{
    cloud::{API, Cloud},
    conversation::Conversation,
};

fn script() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/external/nova-boots-a-server.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn nova_boots_a_server_and_hears_what_it_waits_for() {
    let mut cloud = Cloud::new(&["service", "admin"]);
    let keystone = &cloud.keystone;
    let project = keystone.project("demo").unwrap();
    keystone.user("alice", "a", "demo", &["member"]).unwrap();
    keystone.user("nova", "n", "service", &["service", "admin"]).unwrap();
    keystone.service("compute", "nova", &Nova::url()).unwrap();
    let nova = Nova::start(cloud.host.netns()).unwrap();
    cloud.up("notify = true\nhosts = [\"compute-1\"]", &["--uplink", "none"]);

    the_catalogue_has_it(&cloud);

    let keystone = &cloud.keystone;
    let alice = keystone.log_in("alice", "a", "demo").unwrap().token;
    let service = keystone.log_in("nova", "n", "service").unwrap().token;
    let network = cloud.make(&alice, "networks", "network", json!({ "name": "private" }));
    let range = json!({ "network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24" });
    let subnet = cloud.make(&alice, "subnets", "subnet", range);
    let wanted = json!({ "name": "ext-net", "router:external": true, "provider:network_type": "flat",
        "provider:physical_network": "public" });
    let external = cloud.make(&service, "networks", "network", wanted);
    let range = json!({ "network_id": external, "ip_version": 4, "cidr": "198.51.100.0/24", "enable_dhcp": false });
    cloud.make(&service, "subnets", "subnet", range);
    let gateway = json!({ "external_gateway_info": { "network_id": external } });
    let router = cloud.make(&alice, "routers", "router", gateway);
    cloud.make(&alice, "security-groups", "security_group", json!({ "name": "web" }));
    let interface = json!({ "subnet_id": subnet });
    cloud.ask(&alice, "PUT", &format!("/routers/{router}/add_router_interface"), &interface).expect(200).unwrap();

    let server = "0f3d2b1a-5c6d-4e7f-8a9b-0c1d2e3f4a5b".to_owned();
    let host = "compute-1".to_owned();
    let known = [
        ("project", project),
        ("network", network),
        ("subnet", subnet),
        ("external", external),
        ("server", server),
        ("host", host),
    ];
    let mut conversation = Conversation {
        cloud: &cloud,
        nova: &nova,
        tokens: BTreeMap::from([("user", alice.clone()), ("nova", service.clone())]),
        known: known.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
    };
    conversation.hold(&script());
    assert!(nova.tokens().iter().all(|token| *token != alice && *token != service), "it is told by the service user");
    let known = conversation.known;
    what_nova_misses_it_is_told_later(&mut cloud, &nova, &service, &known);
}

/// `baryon register-endpoints` makes what is missing, once.
fn the_catalogue_has_it(cloud: &Cloud) {
    let register = |url: &str| {
        let file = cloud.host.scope().dir().join("baryon.toml").display().to_string();
        let said = cloud.baryon(&["register-endpoints", "--config", &file, "--interfaces", "public", "--url", url]);
        said.success().unwrap()
    };
    let at = |url: &str| format!("network public of region RegionOne at {url}/network/RegionOne\n");
    assert_eq!(register("http://old"), format!("registered: {}", at("http://old")));
    assert_eq!(register(API), format!("corrected: {}", at(API)));
    assert_eq!(register(API), format!("is registered: {}", at(API)));
    let admin = cloud.keystone.log_in("admin", "the administrator's", "admin").unwrap();
    let catalogue = admin.body["token"]["catalog"].as_array().unwrap();
    let network: Vec<_> = catalogue.iter().filter(|service| service["type"] == "network").collect();
    assert_eq!(network.len(), 1);
    assert_eq!(network[0]["endpoints"][0]["url"], format!("{API}/network/RegionOne"));
}

/// Events wait for a Nova that is away, across a restart of ours.
fn what_nova_misses_it_is_told_later(cloud: &mut Cloud, nova: &Nova, token: &str, known: &BTreeMap<String, String>) {
    nova.answer_with(503);
    let port = json!({ "network_id": known["network"], "device_id": known["server"], "device_owner": "compute:nova" });
    let port = cloud.make(token, "ports", "port", port);
    cloud.ask(token, "DELETE", &format!("/ports/{port}"), &Value::Null).expect(204).unwrap();
    let status = |cloud: &Cloud| {
        let url = "http://127.0.0.1:9697/metrics";
        cloud.host.netns().sh(&format!("curl --silent {url}")).unwrap()
    };
    testkit::wait_for("the failing notifier to show", PATIENCE, || {
        let metrics = status(cloud);
        let waiting = "baryon_nova_events_waiting{region=\"RegionOne\"} 1";
        if metrics.contains("baryon_peer_up{peer=\"nova\"} 0") && metrics.contains(waiting) {
            Ok(())
        } else {
            Err(metrics)
        }
    })
    .unwrap();
    let shown = cloud.ask(token, "GET", "/baryon/status", &Value::Null).expect(200).unwrap();
    let peers = shown["status"]["peers"].to_string();
    assert!(peers.contains("os-server-external-events answered 503: as told"), "{peers}");

    let said = cloud.baryon(&["status"]);
    assert!(!said.status.success(), "{}", said.stdout);
    assert!(said.stdout.contains("\nkeystone: ok\nnova: NOT OK: "), "{}{}", said.stdout, said.stderr);
    assert!(!said.stdout.contains("nothing is wrong"), "{}", said.stdout);

    cloud.host.kill().unwrap();
    nova.answer_with(0);
    cloud.up("notify = true\nhosts = [\"compute-1\"]", &["--uplink", "none"]);
    let told = nova.take(1, Duration::from_secs(30)).unwrap();
    let expected = json!({ "name": "network-vif-deleted", "server_uuid": known["server"], "tag": port,
        "status": "completed" });
    assert_eq!(told, [expected]);
}
