//! What an instance has on its host: made once, taken over by the next start, put back by `down`. Each test is a
//! host of its own, a network namespace; that needs root, without which these tests have nothing to look at.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use hostnet::{Links, Netns, PeerSpec, VethSpec, nft, sysctl};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const BARYON: &str = env!("CARGO_BIN_EXE_baryon");

/// A host: a network namespace and directories, which go with the test.
struct Host {
    name: String,
    netns: Netns,
    directory: PathBuf,
}

impl Host {
    /// `None` without root.
    fn new(test: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        let name = format!("bryt-{}-{test}", std::process::id());
        let netns = Netns::create(&name).unwrap();
        let links = Links::open_in(&netns).unwrap();
        links.set_up(links.by_name("lo").unwrap().ifindex).unwrap();
        let directory = std::env::temp_dir().join(&name);
        fs::create_dir(&directory).unwrap();
        Some(Self { name, netns, directory })
    }

    fn command(&self, subcommand: &str, more: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name)).arg(BARYON).arg(subcommand);
        command.arg("--data-dir").arg(self.directory.join("data")).args(more);
        command
    }

    fn up(&self, more: &[&str]) -> Running {
        let mut command = self.command("up", more);
        command.arg("--run-dir").arg(self.directory.join("run"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let banner: Vec<String> = lines.take_while(|line| !line.starts_with("Ctrl-C")).collect();
        assert!(banner.iter().any(|line| line.contains("changed on this host")), "{banner:?}");
        Running(child)
    }

    fn run(&self, subcommand: &str, more: &[&str]) -> Output {
        self.command(subcommand, more).output().unwrap()
    }

    fn instance(&self) -> String {
        fs::read_to_string(self.directory.join("data/instance")).unwrap().trim().to_owned()
    }

    /// Every device with what must not change of it.
    fn devices(&self) -> Vec<String> {
        let links = Links::open_in(&self.netns).unwrap();
        let describe = |link: &hostnet::Link| {
            let addresses = links.addresses(link.ifindex).unwrap();
            format!("{} {} {:?} up {} {addresses:?}", link.ifindex, link.name, link.mac, link.up)
        };
        links.list().unwrap().iter().map(describe).collect()
    }

    fn table(&self) -> Option<String> {
        let table = format!("baryon_{}", self.instance()).parse().unwrap();
        self.netns.run(|| nft::list_table(&table).unwrap()).unwrap()
    }

    fn forwarding(&self) -> String {
        self.netns.run(|| sysctl::read("net/ipv4/ip_forward").unwrap()).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Also after a failed test: the bpffs below the directory and the service namespace are outside of ours.
        let _ = self.run("down", &[]);
        let _ = Netns::delete(&self.name);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

struct Running(Child);

impl Running {
    fn end(&mut self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).unwrap());
        // It has ended already when `down` stopped it.
        let _ = kill(pid, signal);
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Signal::SIGKILL);
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_start_takes_over_what_the_last_one_made_and_down_leaves_the_host_as_it_was() {
    let Some(host) = Host::new("takes") else { return };
    let before = (host.devices(), host.forwarding());

    let mut first = host.up(&[]);
    let made = (host.devices(), host.table(), host.forwarding());
    assert_eq!(made.0.len(), before.0.len() + 3, "{:?}", made.0);
    assert!(made.1.as_ref().is_some_and(|table| table.contains("masquerade")), "{:?}", made.1);
    assert_eq!(made.2, "1");
    first.end(Signal::SIGKILL);
    assert_eq!((host.devices(), host.table(), host.forwarding()), made, "a kill changes nothing");

    let mut second = host.up(&[]);
    assert_eq!((host.devices(), host.table(), host.forwarding()), made, "a start changes nothing");
    let service_netns = format!("baryon-{}-svc", host.instance());
    assert!(Netns::open(&service_netns).is_ok());

    let down = host.run("down", &[]);
    assert!(down.status.success(), "{}", text(&down));
    second.end(Signal::SIGKILL);
    assert_eq!((host.devices(), host.forwarding()), before);
    assert_eq!(host.table(), None);
    assert!(Netns::open(&service_netns).is_err());
    assert!(!host.directory.join("run").join(host.instance()).exists());
    let again = host.run("down", &[]);
    assert!(again.status.success() && text(&again).contains("has nothing in the kernel"), "{}", text(&again));
}

#[test]
fn an_uplink_that_changes_takes_back_what_it_had_changed() {
    let Some(host) = Host::new("uplink") else { return };
    host.up(&[]).end(Signal::SIGTERM);
    assert_eq!(host.forwarding(), "1");
    host.up(&["--uplink", "none"]).end(Signal::SIGTERM);
    assert_eq!((host.table(), host.forwarding().as_str()), (None, "0"));
    let uplink = format!("bry{}x", host.instance());
    assert!(host.devices().iter().any(|device| device.contains(&uplink)));

    let peer = PeerSpec { name: "wire1", ..PeerSpec::default() };
    Links::open_in(&host.netns).unwrap().create_veth(&VethSpec { name: "wire0", peer, ..VethSpec::default() }).unwrap();
    host.up(&["--uplink", "wire0"]).end(Signal::SIGTERM);
    assert!(!host.devices().iter().any(|device| device.contains(&uplink)));
    assert!(host.run("down", &[]).status.success());
    assert!(host.devices().iter().any(|device| device.contains("wire0")));
}

#[test]
fn a_wire_that_is_not_there_is_named() {
    let Some(host) = Host::new("wire") else { return };
    let run = host.directory.join("run");
    let output = host.run("up", &["--uplink", "wire7", "--run-dir", run.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "baryon: the physical network public is to be the wire behind wire7, but there is no such interface";
    assert!(text(&output).contains(expected), "{}", text(&output));
}

#[test]
fn an_instance_is_left_alone_from_another_namespace() {
    let (Some(host), Some(other)) = (Host::new("one"), Host::new("other")) else { return };
    let mut running = host.up(&[]);
    let data = host.directory.join("data");
    let output = Command::new("nsenter")
        .arg(format!("--net=/run/netns/{}", other.name))
        .args([BARYON, "down", "--data-dir", data.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("lives in another network namespace"), "{}", text(&output));
    running.end(Signal::SIGTERM);
    let run = host.directory.join("run");
    let output = Command::new("nsenter")
        .arg(format!("--net=/run/netns/{}", other.name))
        .args([BARYON, "up", "--data-dir", data.to_str().unwrap(), "--run-dir", run.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("belongs to an instance in another network namespace"), "{}", text(&output));
}
