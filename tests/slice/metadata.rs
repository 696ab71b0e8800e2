//! 7. `curl http://169.254.169.254/` inside a server tells it about itself, also when two tenants use its addresses.

use serde_json::{Value, json};
use testkit::Server;

use crate::create::{KEY, USER_DATA};
use crate::failure::{Result, ensure, need, same};
use crate::world::World;

const URL: &str = "http://169.254.169.254";

/// Two servers with one address ask who they are.
pub(crate) fn check(world: &mut World) -> Result<()> {
    let (id, floating) = world.floating_ip(&world.web1)?;
    let own = world.web1.address;
    let (network, subnet) = world.network(&world.admin, "alike", "10.0.0.0/24")?;
    let fixed = json!({ "fixed_ips": [{ "subnet_id": subnet, "ip_address": own.to_string() }] });
    let alike = world.guest(&world.admin, "alike", &network, fixed)?;
    let (one, other) = (&world.web1.server, &alike.server);

    let listing = get(one, "/latest/meta-data/")?;
    for entry in ["hostname", "local-ipv4", "public-ipv4", "public-keys/"] {
        ensure(listing.lines().any(|line| line == entry), || format!("{entry} is not listed in {listing:?}"))?;
    }
    for path in ["/latest/meta-data/local-ipv4", "/2009-04-04/meta-data/local-ipv4"] {
        same("local-ipv4", get(one, path)?, own.to_string())?;
    }
    same("the other's local-ipv4", get(other, "/latest/meta-data/local-ipv4")?, own.to_string())?;
    let name = |server: &Server| -> Result<String> {
        let name = get(server, "/latest/meta-data/hostname")?;
        Ok(name.split('.').next().unwrap_or_default().to_owned())
    };
    same("hostname", name(one)?, "web-one".to_owned())?;
    let other_name = name(other)?;
    ensure(other_name.contains("alike"), || format!("the other's hostname is {other_name:?}"))?;
    same("public-ipv4", get(one, "/latest/meta-data/public-ipv4")?, floating.to_string())?;
    let none = get(other, "/latest/meta-data/public-ipv4").unwrap_or_default();
    same("the other's public-ipv4", none, String::new())?;
    same(
        "public-keys",
        get(one, "/latest/meta-data/public-keys/0/openssh-key")?.trim_end().to_owned(),
        KEY.to_owned(),
    )?;
    same("user-data", get(one, "/latest/user-data")?, USER_DATA.trim_end().to_owned())?;
    ensure(get(other, "/latest/user-data").is_err(), || "the other has user data too".to_owned())?;
    let tree: Value = need(
        serde_json::from_str(&get(one, "/openstack/latest/meta_data.json")?).ok(),
        "JSON in the tree of OpenStack",
    )?;
    same("the name in the tree of OpenStack", tree["name"].as_str(), Some("web-one"))?;

    world.demo.delete("floatingip", &id)?;
    let gone = get(one, "/latest/meta-data/public-ipv4").unwrap_or_default();
    same("public-ipv4 after the floating IP was removed", gone, String::new())
}

fn get(server: &Server, path: &str) -> Result<String> {
    Ok(server.curl(&[&format!("{URL}{path}")])?.trim_end().to_owned())
}
