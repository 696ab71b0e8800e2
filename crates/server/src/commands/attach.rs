//! `baryon attach` and `baryon detach`: intent written through the API, and the wait until it is so.
//!
//! What a namespace is called says nothing for long: a namesake made later is another one. So the
//! attachment carries the namespace's identity as it is now, and attaching a port to the namespace
//! that it is attached to already is the same intent, while one whose namespace was made anew is put
//! in its place.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    Error,
    cli::{AttachArgs, DetachArgs},
    client::Client,
    error::Result,
    output::say,
};

/// Most bytes of user data, as Nova takes them before encoding.
const MAX_USER_DATA: usize = 65_535;

/// Connects a port and waits until packets can flow.
pub(super) fn attach(args: &AttachArgs) -> Result<()> {
    // What is wrong on this side is said before anything is asked of the API.
    let target = target(args)?;
    let mut body = json!({
        "target": target,
        "server_name": server_name(args),
        "host_id": hostname(),
        "public_keys": args.keys.iter().map(|key| public_key(key)).collect::<Result<Vec<_>>>()?,
    });
    if let Some(file) = &args.user_data {
        body["user_data"] = Value::from(user_data(file)?);
    }
    let client = Client::connect(&args.cloud)?;
    let port = client.find("port", "ports", &args.port)?;
    let label = label(&port);
    match existing(&client, &port)? {
        Some(old) if old["target"] == target => {
            return report(&client, &port, &old, " already");
        }
        Some(old) if same_place(&old["target"], &target) => {
            // The namespace was made anew: the old attachment can never come true again.
            client.delete(&format!("baryon/attachments/{}?wait=1", text(&old, "id")))?;
        }
        Some(old) => {
            return Err(Error::Usage(format!(
                "port {label} is attached to {}, so it cannot be attached to {}: `baryon detach {}` first",
                describe(&old["target"]),
                describe(&target),
                args.port
            )));
        }
        None => {}
    }
    body["port_id"] = port["id"].clone();
    let answer = client.post("baryon/attachments?wait=1", &json!({"attachment": body}))?;
    report(&client, &port, &answer["attachment"], "")
}

/// Disconnects a port.
pub(super) fn detach(args: &DetachArgs) -> Result<()> {
    let client = Client::connect(&args.cloud)?;
    let port = client.find("port", "ports", &args.port)?;
    let Some(old) = existing(&client, &port)? else {
        return say!("port {} is not attached to anything", label(&port));
    };
    client.delete(&format!("baryon/attachments/{}?wait=1", text(&old, "id")))?;
    say!("port {} is detached from {}", label(&port), describe(&old["target"]))
}

fn existing(client: &Client, port: &Value) -> Result<Option<Value>> {
    let answer = client.get(&format!("baryon/attachments?port_id={}", text(port, "id")))?;
    Ok(answer["attachments"].as_array().and_then(|all| all.first().cloned()))
}

/// Says what became of it; an attachment that is not active is a failure with its reason.
fn report(client: &Client, port: &Value, attachment: &Value, already: &str) -> Result<()> {
    let id = text(attachment, "id");
    let attachment = client.get(&format!("baryon/attachments/{id}"))?["attachment"].take();
    let status = text(&attachment, "status");
    let place = describe(&attachment["target"]);
    if status != "ACTIVE" {
        let reason = match text(&attachment, "baryon:error") {
            "" => "no reason is known yet",
            reason => reason,
        };
        return Err(Error::Usage(format!(
            "port {} is not connected to {place} yet (status {status}): {reason}; it is tried again by itself, `baryon status` shows it",
            label(port)
        )));
    }
    let port = client.get(&format!("ports/{}", text(port, "id")))?["port"].take();
    let addresses: Vec<&str> = port["fixed_ips"]
        .as_array()
        .map(|ips| ips.iter().filter_map(|ip| ip["ip_address"].as_str()).collect())
        .unwrap_or_default();
    say!("port {} is attached to {place}{already}", label(&port))?;
    say!(
        "  mac {}, addresses {}",
        text(&port, "mac_address"),
        if addresses.is_empty() { "none".to_owned() } else { addresses.join(", ") }
    )?;
    if let (Some("netns"), Some(name)) = (attachment["target"]["type"].as_str(), attachment["target"]["name"].as_str())
    {
        let ifname = attachment["target"]["ifname"].as_str().unwrap_or("eth0");
        // DHCP clients write resolv.conf; in a namespace they write its own, if there is one.
        if !Path::new("/etc/netns").join(name).join("resolv.conf").exists() {
            say!(
                "  next: mkdir -p /etc/netns/{name}; touch /etc/netns/{name}/resolv.conf   (or DHCP overwrites this host's)"
            )?;
        }
        say!("  next: ip netns exec {name} udhcpc -q -i {ifname}   (or dhclient {ifname})")?;
    }
    Ok(())
}

fn target(args: &AttachArgs) -> Result<Value> {
    match (&args.netns, &args.tap) {
        (Some(name), _) => {
            args.ifname.parse::<hostnet::LinkName>()?;
            let netns = hostnet::Netns::open(name)?;
            Ok(json!({"type": "netns", "name": name, "identity": netns.identity(), "ifname": args.ifname}))
        }
        (None, Some(name)) => {
            name.parse::<hostnet::LinkName>()?;
            Ok(json!({"type": "tap", "name": name}))
        }
        (None, None) => Err(Error::Usage("say what to attach the port to: --netns NAME or --tap NAME".to_owned())),
    }
}

/// Whether both mean the same device, be it in a namespace that was made anew.
fn same_place(one: &Value, other: &Value) -> bool {
    ["type", "name", "ifname"].iter().all(|key| one[key] == other[key])
}

fn describe(target: &Value) -> String {
    let name = target["name"].as_str().unwrap_or_default();
    match target["type"].as_str() {
        Some("netns") => format!("{} in network namespace {name}", target["ifname"].as_str().unwrap_or_default()),
        _ => format!("tap device {name}"),
    }
}

fn label(port: &Value) -> String {
    match text(port, "name") {
        "" => text(port, "id").to_owned(),
        name => format!("{name} ({})", text(port, "id")),
    }
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

fn server_name(args: &AttachArgs) -> &str {
    [&args.server_name, &args.netns, &args.tap].into_iter().flatten().next().map_or("", String::as_str)
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// A key given as text begins with its type; everything else is a file's name.
fn public_key(argument: &str) -> Result<String> {
    let is_key = |text: &str| {
        let mut words = text.split_whitespace();
        words
            .next()
            .is_some_and(|kind| kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-"))
            && words.next().is_some_and(|body| body.starts_with("AAAA"))
    };
    if is_key(argument) {
        return Ok(argument.trim().to_owned());
    }
    let content = fs::read_to_string(argument).map_err(|error| {
        Error::Usage(format!(
            "--key {argument} is neither a public key (ssh-ed25519 AAAA...) nor a file that can be read: {error}"
        ))
    })?;
    match content.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().as_slice() {
        [line] if is_key(line) => Ok((*line).to_owned()),
        _ => Err(Error::Usage(format!(
            "--key {argument}: the file holds no single public key in OpenSSH's format (is it the .pub file?)"
        ))),
    }
}

fn user_data(file: &Path) -> Result<String> {
    let bytes = fs::read(file).map_err(|error| Error::Usage(format!("--user-data {}: {error}", file.display())))?;
    if bytes.len() > MAX_USER_DATA {
        return Err(Error::Usage(format!(
            "--user-data {}: {} bytes, at most {MAX_USER_DATA} are allowed",
            file.display(),
            bytes.len()
        )));
    }
    Ok(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_text_or_a_file_and_nothing_else() {
        assert_eq!(public_key("ssh-ed25519 AAAAC3Nz me@here\n").unwrap(), "ssh-ed25519 AAAAC3Nz me@here");
        let error = public_key("/nonexistent/key.pub").unwrap_err().to_string();
        assert!(error.starts_with("--key /nonexistent/key.pub is neither a public key"), "{error}");
        let error = public_key("/proc/self/status").unwrap_err().to_string();
        assert!(error.contains("holds no single public key"), "{error}");
    }

    #[test]
    fn a_namespace_that_was_made_anew_is_the_same_place() {
        let old = json!({"type": "netns", "name": "web1", "identity": 1, "ifname": "eth0"});
        let new = json!({"type": "netns", "name": "web1", "identity": 2, "ifname": "eth0"});
        assert!(old != new && same_place(&old, &new));
        assert!(!same_place(&old, &json!({"type": "netns", "name": "web1", "identity": 1, "ifname": "eth1"})));
        assert!(!same_place(&old, &json!({"type": "tap", "name": "web1"})));
    }
}
