//! 1. A network, a subnet, a router, a group with rules and two ports by the `openstack` command; two servers attached.

use serde_json::Value;

use crate::failure::{Result, ensure, need, same};
use crate::world::{Fresh, Guest, Made, text};

/// What a new user types, and what the client shows of it.
pub(crate) fn check(fresh: &Fresh) -> Result<Made> {
    let run = |line: &str| fresh.openstack.json(&line.split_whitespace().collect::<Vec<_>>());
    let network = run("network create net1")?;
    let subnet = run("subnet create sub1 --network net1 --subnet-range 10.0.0.0/24 --dns-nameserver 9.9.9.9 \
         --dns-nameserver 149.112.112.112 --host-route destination=192.168.77.0/24,gateway=10.0.0.77")?;
    same("the subnet's gateway", text(&subnet, "gateway_ip")?, "10.0.0.1")?;
    let router = run("router create r1")?;
    let quiet = |line: &str| fresh.openstack.quiet(&line.split_whitespace().collect::<Vec<_>>());
    quiet("router set r1 --external-gateway ext-net")?;
    quiet("router add subnet r1 sub1")?;
    let group = run("security group create web")?;
    run("security group rule create web --protocol icmp")?;
    run("security group rule create web --protocol tcp --dst-port 80")?;
    run("port create web1 --network net1 --security-group web")?;
    run("port create web2 --network net1 --security-group web")?;

    let data = fresh.host.scope().dir();
    let user_data = data.join("user-data");
    std::fs::write(&user_data, USER_DATA)
        .map_err(|source| testkit::Error::Io { what: "the user data's file".to_owned(), source })?;
    let user_data = user_data.to_string_lossy().into_owned();
    let web1 = attach(fresh, "web1", &["--server-name", "web-one", "--user-data", &user_data, "--key", KEY])?;
    let web2 = attach(fresh, "web2", &[])?;

    // What is attached and routed says so.
    for port in ["web1", "web2"] {
        same("a port's status", text(&run(&format!("port show {port}"))?, "status")?, "ACTIVE")?;
    }
    let shown = run("router show r1")?;
    same("the router's status", text(&shown, "status")?, "ACTIVE")?;
    ensure(shown["external_gateway_info"]["external_fixed_ips"][0]["ip_address"].is_string(), || {
        format!("the router has no address outside: {shown}")
    })?;
    let listed = run("network list")?;
    let names: Vec<&Value> = listed.as_array().into_iter().flatten().map(|n| &n["Name"]).collect();
    ensure(names.iter().any(|n| *n == "net1") && names.iter().any(|n| *n == "ext-net"), || {
        format!("the networks are {names:?}")
    })?;
    wrong_requests(fresh)?;

    let id = |object: &Value| text(object, "id").map(str::to_owned);
    Ok(Made { network: id(&network)?, router: id(&router)?, group: id(&group)?, web1, web2 })
}

/// What `baryon attach` gives to the metadata service, which point 7 reads.
pub(crate) const USER_DATA: &str = "#!/bin/sh\necho grüße from the slice\n";
/// The same.
pub(crate) const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8dR2bW7c0q5k5n0mQm0Xz1yV3c4d5e6f7g8h9i0j1k slice@example";

fn attach(fresh: &Fresh, name: &str, options: &[&str]) -> Result<Guest> {
    let port = fresh.demo.find("port", name)?;
    fresh.guest(name, &port, options)
}

/// What cannot be attached is refused in a line that says why, and nothing changes.
fn wrong_requests(fresh: &Fresh) -> Result<()> {
    let web1 = format!("{}-web1", fresh.host.scope().name());
    for (arguments, word) in [
        (["attach", "web1", "--netns", "no-such-netns"], "no-such-netns"),
        (["attach", "no-such-port", "--netns", &web1], "no-such-port"),
        // A port has one place.
        (["attach", "web1", "--netns", &format!("{}-outside", fresh.host.scope().name())], "web1"),
    ] {
        let refused = fresh.host.baryon(&arguments)?;
        let said = refused.stderr.trim();
        ensure(!refused.status.success() && said.contains(word) && said.lines().count() == 1, || {
            format!("`baryon {}` ended with {} and said {said:?}", arguments.join(" "), refused.status)
        })?;
    }
    let refused = fresh.openstack.run(&["server", "create", "--flavor", "1", "--image", "1", "vm"])?;
    let said = refused.stderr;
    need((!refused.status.success()).then_some(()), "refusal of `openstack server create`")?;
    ensure(said.contains("baryon attach"), || format!("`openstack server create` does not say what to do: {said:?}"))
}
