//! What the processes of an instance may do, as the kernel tells it: nothing, for those that strangers talk to.
//! Needs root, without which every process is whoever started it.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use hostnet::{Links, Netns};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const BARYON: &str = env!("CARGO_BIN_EXE_baryon");

/// A host of its own with an instance.
struct Host {
    name: String,
    directory: PathBuf,
    supervisor: Option<Child>,
}

impl Host {
    /// `None` without root.
    fn new(test: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            return None;
        }
        let name = format!("bryr-{}-{test}", std::process::id());
        let netns = Netns::create(&name).unwrap();
        let links = Links::open_in(&netns).unwrap();
        links.set_up(links.by_name("lo").unwrap().ifindex).unwrap();
        let directory = std::env::temp_dir().join(&name);
        fs::create_dir(&directory).unwrap();
        Some(Self { name, directory, supervisor: None })
    }

    fn data(&self, name: &str) -> PathBuf {
        self.directory.join("data").join(name)
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name)).arg(BARYON).arg(subcommand);
        command.arg("--data-dir").arg(self.directory.join("data"));
        command
    }

    fn up(&mut self, more: &[&str]) {
        let mut command = self.command("up");
        command.arg("--run-dir").arg(self.directory.join("run")).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with("Ctrl-C")), "it ended before it was up");
        self.supervisor = Some(child);
    }

    fn stop(&mut self) {
        let Some(mut child) = self.supervisor.take() else { return };
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
        child.wait().unwrap();
    }

    /// The process of a role, which may come a moment after the rest.
    fn role(&self, role: &str) -> Process {
        let begin = Instant::now();
        loop {
            let said = self.command("status").output().unwrap().stdout;
            let said = String::from_utf8_lossy(&said);
            let pid = said.lines().find_map(|line| {
                line.trim().strip_prefix(&format!("role {role} runs (pid "))?.strip_suffix(')')?.parse().ok()
            });
            if let Some(pid) = pid {
                return Process(pid);
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "no role {role} in {said}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
        let _ = self.command("down").output();
        let _ = Netns::delete(&self.name);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// What the kernel says of a process.
struct Process(u32);

impl Process {
    fn values(&self, key: &str) -> Vec<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).expect(key);
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[track_caller]
    fn assert_powerless(&self) -> u32 {
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(self.values(set), ["0000000000000000"], "{set}");
        }
        assert_eq!(self.values("NoNewPrivs"), ["1"]);
        assert_eq!(self.values("Groups"), Vec::<String>::new());
        let users = self.values("Uid");
        assert!(users.iter().all(|uid| *uid == users[0] && uid != "0"), "{users:?}");
        let groups = self.values("Gid");
        assert!(groups.iter().all(|gid| *gid == groups[0] && gid != "0"), "{groups:?}");
        // Threads have rights of their own.
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).unwrap() {
            let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            assert!(status.contains("CapEff:\t0000000000000000\n") && status.contains("NoNewPrivs:\t1\n"), "{status}");
        }
        users[0].parse().unwrap()
    }

    /// Whether the mode of a file lets the process read it, which without capabilities decides.
    fn may_read(&self, path: &str) -> bool {
        let metadata = fs::metadata(path).unwrap();
        let (uid, gid) = (&self.values("Uid")[0], &self.values("Gid")[0]);
        let bit = match () {
            () if *uid == metadata.uid().to_string() => 0o400,
            () if *gid == metadata.gid().to_string() => 0o040,
            () => 0o004,
        };
        metadata.mode() & bit != 0
    }
}

fn owner(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().uid()
}

#[test]
fn the_roles_that_strangers_talk_to_have_no_rights_at_all() {
    let Some(mut host) = Host::new("none") else { return };
    host.up(&[]);
    let (api, services) = (host.role("api"), host.role("services"));
    let (api_user, services_user) = (api.assert_powerless(), services.assert_powerless());
    assert_ne!(api_user, services_user, "who parses tenants' packets shall not read the keys");
    for process in [&api, &services] {
        assert!(!process.may_read("/etc/shadow"));
        assert!(process.may_read("/etc/passwd"), "the question is the right one");
    }
    // Their own, and nobody else's.
    for name in ["baryon.db", "keys", "clouds.yaml"] {
        assert_eq!(owner(&host.data(name)), api_user, "{name}");
        assert_eq!(fs::metadata(host.data(name)).unwrap().mode() & 0o077, 0, "{name}");
    }
    for name in ["", "lock", "version", "instance"] {
        assert_eq!(owner(&host.data(name)), 0, "{name}");
    }
    let instance = fs::read_to_string(host.data("instance")).unwrap();
    let run_dir = host.directory.join("run").join(instance.trim());
    let socket = fs::metadata(run_dir.join("agent.sock")).unwrap();
    assert_eq!((socket.uid(), socket.mode() & 0o777), (api_user, 0o600));
    assert_eq!(fs::metadata(&run_dir).unwrap().mode() & 0o777, 0o710);
    // Root has the right to write to the socket, and is not listened to all the same.
    let stream = std::os::unix::net::UnixStream::connect(run_dir.join("agent.sock")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(std::io::Read::read(&mut &stream, &mut [0; 16]).unwrap(), 0);
}

#[test]
fn what_an_older_version_left_to_root_is_taken_over() {
    let Some(mut host) = Host::new("older") else { return };
    let null = ["--driver", "null"];
    host.up(&null);
    let user = host.role("api").assert_powerless();
    host.stop();
    let mut waiting = vec![host.data("")];
    while let Some(path) = waiting.pop() {
        lchown(&path, Some(0), Some(0)).unwrap();
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    fs::set_permissions(host.data(""), fs::Permissions::from_mode(0o700)).unwrap();
    host.up(&null);
    assert_eq!(host.role("api").assert_powerless(), user);
    assert_eq!(owner(&host.data("baryon.db")), user);
    let status = host.command("status").output().unwrap();
    assert!(status.status.success(), "{status:?}");
}

#[test]
fn a_user_that_cannot_get_to_the_data_is_named_with_the_way_out() {
    let Some(host) = Host::new("reach") else { return };
    fs::set_permissions(&host.directory, fs::Permissions::from_mode(0o700)).unwrap();
    let output = host.command("up").args(["--driver", "null"]).output().unwrap();
    let line = String::from_utf8_lossy(&output.stderr);
    let expected = format!("{} has mode 0700; chmod o+x that, or give another directory", host.directory.display());
    assert!(line.contains(&expected) && output.status.code() == Some(1), "{line}");
}

#[test]
fn low_ports_are_listened_on_before_rights_are_given_up() {
    let Some(mut host) = Host::new("low") else { return };
    let low = ["--driver", "null", "--listen", "127.0.0.1:443", "--metrics-listen", "127.0.0.1:80"];
    host.up(&low);
    let process = host.role("api");
    process.assert_powerless();
    let status = host.command("status").output().unwrap();
    assert!(status.status.success(), "{status:?}");
    // The one after it gets them again.
    kill(Pid::from_raw(i32::try_from(process.0).unwrap()), Signal::SIGKILL).unwrap();
    let begin = Instant::now();
    while !host.command("status").output().unwrap().status.success() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it does not listen again");
        std::thread::sleep(Duration::from_millis(100));
    }
    host.role("api").assert_powerless();
    host.stop();

    // Somebody else, who may run the program from here.
    let program = host.directory.join("baryon");
    fs::copy(BARYON, &program).unwrap();
    fs::set_permissions(&host.directory, fs::Permissions::from_mode(0o777)).unwrap();
    let up = |rights: &[&str], port: u16| {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", host.name)).arg("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).args(rights).arg(&program);
        command.args(["up", "--driver", "null", "--metrics-listen", "127.0.0.1:0"]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        for (option, name) in [("--data-dir", "theirs"), ("--run-dir", "their-run")] {
            command.arg(option).arg(host.directory.join(name));
        }
        command
    };
    let output = up(&[], 443).output().unwrap();
    let line = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        line,
        "baryon: cannot listen on 127.0.0.1:443: ports below 1024 need root or CAP_NET_BIND_SERVICE, which the process \
         that serves gives up as soon as it listens; start it so, or give a port from 1024 on with --listen\n"
    );
    let bind = ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"];
    let mut child = up(&bind, 443).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let is_up = lines.any(|line| line.starts_with("Ctrl-C"));
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    child.wait().unwrap();
    assert!(is_up, "the right is enough");
}
