//! What the demo makes, and its removal in the opposite order.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hostnet::Netns;
use serde_json::{Value, json};

use super::server::{IFNAME, Server};
use crate::{
    Error,
    client::{Client, encode},
    error::Result,
    output::say,
};

/// How one thing is removed.
#[derive(Debug)]
enum Removal {
    /// DELETE of a path.
    Delete(String),
    /// PUT of a body to a path: taking an interface off a router, clearing a gateway.
    Put(String, Value),
    /// A namespace.
    Netns(String),
}

/// Where the demo plays.
#[derive(Debug)]
pub(super) struct Stage {
    client: Client,
    prefix: String,
    interrupted: Arc<AtomicBool>,
    removals: Vec<Removal>,
    proven: usize,
    failed: usize,
}

impl Stage {
    pub(super) fn new(client: Client, interrupted: Arc<AtomicBool>) -> Self {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let prefix = format!("demo-{}", unique.get(..6).unwrap_or(&unique));
        Self { client, prefix, interrupted, removals: Vec::new(), proven: 0, failed: 0 }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A name of the demo's own.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    pub(super) fn score(&self) -> (usize, usize) {
        (self.proven + self.failed, self.failed)
    }

    fn go_on(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Error::Usage("interrupted".to_owned()));
        }
        Ok(())
    }

    /// Says whether something is as it should be.
    pub(super) fn prove(&mut self, what: &str, holds: bool) -> Result<()> {
        // What an interrupt broke is no failure of the thing that was tried.
        self.go_on()?;
        if holds {
            self.proven += 1;
            say!("    ok      {what}")
        } else {
            self.failed += 1;
            say!("    FAILED  {what}")
        }
    }

    /// Creates an object and waits until the datapath has it. `path` is the collection's.
    pub(super) fn create(&mut self, path: &str, member: &str, body: Value) -> Result<Value> {
        self.go_on()?;
        let answer = self.client.post(&format!("{path}?wait=1"), &json!({member: body}))?;
        let object = answer.get(member).cloned().unwrap_or_default();
        self.removals.push(Removal::Delete(format!("{path}/{}", id(&object))));
        Ok(object)
    }

    pub(super) fn update(&mut self, path: &str, member: &str, body: Value) -> Result<Value> {
        self.go_on()?;
        Ok(self.client.put(&format!("{path}?wait=1"), &json!({member: body}))?[member].take())
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        Ok(self.client.get(path)?)
    }

    /// A network with a subnet.
    pub(super) fn network(&mut self, name: &str, cidr: &str, more: Value) -> Result<(String, String)> {
        let network = self.create("networks", "network", json!({"name": self.name(name)}))?;
        let mut subnet = json!({"name": self.name(name), "network_id": id(&network), "cidr": cidr, "ip_version": 4});
        if let (Some(subnet), Value::Object(more)) = (subnet.as_object_mut(), more) {
            subnet.extend(more);
        }
        let subnet = self.create("subnets", "subnet", subnet)?;
        Ok((id(&network), id(&subnet)))
    }

    /// A router, with a gateway if a network for it is given.
    pub(super) fn router(&mut self, name: &str, gateway: Option<&str>) -> Result<Value> {
        let mut body = json!({"name": self.name(name)});
        if let Some(network) = gateway {
            body["external_gateway_info"] = json!({"network_id": network});
        }
        self.create("routers", "router", body)
    }

    /// An interface of a router.
    pub(super) fn interface(&mut self, router: &str, subnet: &str) -> Result<()> {
        self.go_on()?;
        let body = json!({"subnet_id": subnet});
        self.client.put(&format!("routers/{router}/add_router_interface?wait=1"), &body)?;
        self.removals.push(Removal::Put(format!("routers/{router}/remove_router_interface"), body));
        Ok(())
    }

    /// A leg of a router in a network, with an address of our choice.
    pub(super) fn leg(&mut self, router: &str, network: &str, address: Ipv4Addr) -> Result<()> {
        let body = json!({"name": self.name("leg"), "network_id": network, "fixed_ips": [{"ip_address": address}]});
        let port = self.create("ports", "port", body)?;
        let body = json!({"port_id": id(&port)});
        self.client.put(&format!("routers/{router}/add_router_interface?wait=1"), &body)?;
        self.removals.push(Removal::Put(format!("routers/{router}/remove_router_interface"), body));
        Ok(())
    }

    /// Static routes of a router, which hold its interfaces fast until they are taken back.
    pub(super) fn routes(&mut self, router: &str, routes: Value) -> Result<()> {
        self.update(&format!("routers/{router}"), "router", routes)?;
        self.removals.push(Removal::Put(format!("routers/{router}"), json!({"router": {"routes": []}})));
        Ok(())
    }

    /// A security group with rules; each rule names what differs from "ingress, IPv4".
    pub(super) fn group(&mut self, name: &str, rules: &[Value]) -> Result<String> {
        let group = self.create("security-groups", "security_group", json!({"name": self.name(name)}))?;
        for rule in rules {
            self.rule(&id(&group), rule)?;
        }
        Ok(id(&group))
    }

    /// A rule; it goes with its group.
    pub(super) fn rule(&mut self, group: &str, rule: &Value) -> Result<()> {
        self.go_on()?;
        let mut body = json!({"security_group_id": group, "direction": "ingress", "ethertype": "IPv4"});
        if let (Some(body), Value::Object(rule)) = (body.as_object_mut(), rule) {
            body.extend(rule.clone());
        }
        self.client.post("security-group-rules?wait=1", &json!({"security_group_rule": body}))?;
        Ok(())
    }

    /// A port and a namespace that is attached to it; without groups it gets the default one.
    pub(super) fn server(
        &mut self,
        name: &str,
        network: &str,
        groups: Option<&[&str]>,
        address: Option<Ipv4Addr>,
    ) -> Result<Server> {
        let full = self.name(name);
        let mut body = json!({"name": full, "network_id": network});
        if let Some(groups) = groups {
            body["security_groups"] = json!(groups);
        }
        if let Some(address) = address {
            body["fixed_ips"] = json!([{"ip_address": address}]);
        }
        let port = self.create("ports", "port", body)?;
        let netns = Netns::create(&full)?;
        self.removals.push(Removal::Netns(full.clone()));
        let target = json!({"type": "netns", "name": full, "identity": netns.identity(), "ifname": IFNAME});
        let body = json!({"port_id": id(&port), "target": target, "server_name": name});
        self.create("baryon/attachments", "attachment", body)?;
        let address =
            port.pointer("/fixed_ips/0/ip_address").and_then(Value::as_str).and_then(|text| text.parse().ok());
        Ok(Server {
            name: name.to_owned(),
            netns,
            port: id(&port),
            mac: port["mac_address"].as_str().unwrap_or_default().to_owned(),
            address: address.ok_or_else(|| Error::Usage(format!("port {full} got no IPv4 address")))?,
        })
    }

    /// Packets that were dropped at a port for a reason.
    pub(super) fn drops(&self, server: &Server, reason: &str) -> Result<u64> {
        let answer = self.get(&format!("baryon/drops/{}", server.port))?;
        let all = answer["drops"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(all.iter().filter(|count| count["reason"] == reason).filter_map(|count| count["packets"].as_u64()).sum())
    }

    /// The external network.
    pub(super) fn external(&self) -> Result<(String, Option<Ipv4Addr>)> {
        let network = self.client.find("network", "networks", "ext-net")?;
        let subnets = self.get(&format!("subnets?network_id={}&ip_version=4", encode(&id(&network))))?;
        let gateway =
            subnets.pointer("/subnets/0/gateway_ip").and_then(Value::as_str).and_then(|text| text.parse().ok());
        Ok((id(&network), gateway))
    }

    /// Removes everything, and goes on where something does not let itself be removed.
    pub(super) fn tear_down(&mut self) -> Result<()> {
        let count = self.removals.len();
        let mut left = Vec::new();
        while let Some(removal) = self.removals.pop() {
            let result = match &removal {
                Removal::Delete(path) => match self.client.delete(&format!("{path}?wait=1")) {
                    Err(error) if error.is_not_found() => Ok(()),
                    other => other.map_err(Error::from),
                },
                Removal::Put(path, body) => self.client.put(path, body).map(drop).map_err(Error::from),
                Removal::Netns(name) => Netns::delete(name).map(drop).map_err(Error::from),
            };
            if let Err(error) = result {
                left.push(format!("{removal:?}: {error}"));
            }
        }
        if left.is_empty() {
            return say!("torn down: {count} things removed");
        }
        Err(Error::Usage(format!("not everything could be removed: {}", left.join("; "))))
    }
}

/// The id of an object.
pub(super) fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_default().to_owned()
}
