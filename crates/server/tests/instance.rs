//! A whole instance without a datapath: start, log in, second start, `kill -9`, stop, purge. Needs no root.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const BARYON: &str = env!("CARGO_BIN_EXE_baryon");

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("baryon-instance-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn up(&self, more: &[&str]) -> Command {
        let mut command = Command::new(BARYON);
        command.args(["up", "--driver", "null", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(self.data()).arg("--run-dir").arg(self.0.join("run")).args(more);
        command
    }

    fn baryon(&self, arguments: &[&str]) -> Output {
        Command::new(BARYON).args(arguments).arg("--data-dir").arg(self.data()).output().unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running instance, ended with the test.
struct Instance {
    supervisor: Child,
    /// What it said of itself.
    banner: String,
}

impl Instance {
    fn start(mut command: Command) -> Self {
        let mut supervisor = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(supervisor.stdout.take().unwrap()).lines();
        let mut banner = String::new();
        while !banner.contains("Ctrl-C stops") {
            banner += &lines.next().expect("the supervisor ended before it was up").unwrap();
            banner.push('\n');
        }
        // The rest of its output goes nowhere, but the pipe stays open as long as it runs.
        std::thread::spawn(move || lines.for_each(drop));
        Self { supervisor, banner }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.supervisor.id()).unwrap())
    }

    fn roles(&self) -> Vec<Pid> {
        let children = format!("/proc/{0}/task/{0}/children", self.supervisor.id());
        let children = fs::read_to_string(children).unwrap();
        children.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
    }

    fn end(&mut self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
        self.supervisor.wait().unwrap();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether nothing but an entry for its parent is left of a process.
fn is_gone(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    status.map_or(true, |status| status.lines().any(|line| line.starts_with("State:\tZ")))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_instance_starts_answers_and_stops() {
    let directory = Directory::new("starts");
    let mut instance = Instance::start(directory.up(&[]));
    assert!(instance.banner.contains("datapath       none (--driver null)"), "{}", instance.banner);
    assert_eq!(mode(&directory.data().join("clouds.yaml")), 0o600);
    let shared = if nix::unistd::geteuid().is_root() { 0o770 } else { 0o700 };
    assert_eq!(mode(&directory.data()), shared);

    let status = directory.baryon(&["status"]);
    let said = text(&status.stdout);
    assert!(status.status.success(), "{said}{}", text(&status.stderr));
    assert!(
        said.contains("supervisor runs") && said.contains("role api runs") && said.contains("nothing is wrong"),
        "{said}"
    );
    // Passwords survive a restart, and so does the login.
    let clouds = fs::read_to_string(directory.data().join("clouds.yaml")).unwrap();
    let password = clouds.lines().find(|line| line.contains("password")).unwrap();

    let roles = instance.roles();
    instance.end(Signal::SIGTERM);
    assert!(roles.iter().all(|pid| is_gone(*pid)));
    let _instance = Instance::start(directory.up(&[]));
    assert!(fs::read_to_string(directory.data().join("clouds.yaml")).unwrap().contains(password));
    assert!(directory.baryon(&["status"]).status.success());
}

#[test]
fn commands_on_this_host_need_no_public_url() {
    let directory = Directory::new("public");
    let _instance = Instance::start(directory.up(&["--public-url", "https://cloud.example.org"]));
    let clouds = fs::read_to_string(directory.data().join("clouds.yaml")).unwrap();
    assert!(clouds.contains("\"https://cloud.example.org/identity/v3\""), "{clouds}");
    let status = directory.baryon(&["status"]);
    assert!(status.status.success(), "{}", text(&status.stderr));
}

#[test]
fn the_audit_trail_is_asked_for_and_followed() {
    let directory = Directory::new("audit");
    let _instance = Instance::start(directory.up(&[]));
    let data = directory.data();
    let logins = ["audit", "--action", "identity:authenticate", "--format", "json"];
    let mut follower = Command::new(BARYON)
        .args(logins)
        .arg("--follow")
        .arg("--data-dir")
        .arg(&data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    // The follower's own login is the first one that it tells of, the others come later.
    assert!(directory.baryon(&["status"]).status.success());
    let events: Vec<_> = lines.by_ref().take(2).map(Result::unwrap).collect();
    for event in &events {
        assert!(event.contains(r#""user_name":"admin""#) && event.contains(r#""outcome":"success""#), "{event}");
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
    let told = directory.baryon(&logins);
    let told = text(&told.stdout);
    assert!(events.iter().all(|event| told.contains(event.as_str())), "{told}");
    let wrong = directory.baryon(&["audit", "--since", "soon"]);
    assert!(text(&wrong.stderr).starts_with("baryon: --since soon: give a time such as"), "{}", text(&wrong.stderr));
}

#[test]
fn lost_passwords_are_made_anew() {
    let directory = Directory::new("passwords");
    let mut instance = Instance::start(directory.up(&[]));
    instance.end(Signal::SIGINT);
    fs::remove_file(directory.data().join("clouds.yaml")).unwrap();
    let _instance = Instance::start(directory.up(&[]));
    let status = directory.baryon(&["status"]);
    assert!(status.status.success(), "{}", text(&status.stderr));
}

#[test]
fn a_second_supervisor_is_refused_and_one_after_a_kill_waits_for_the_old_roles() {
    let directory = Directory::new("second");
    let mut instance = Instance::start(directory.up(&[]));
    let second = directory.up(&[]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let line = text(&second.stderr);
    let expected = format!("(pid {}): stop it, or give another --data-dir", instance.pid());
    assert!(
        line.starts_with("baryon: another `baryon up` is running on ") && line.trim_end().ends_with(&expected),
        "{line}"
    );

    let roles = instance.roles();
    assert_eq!(roles.len(), 1);
    instance.end(Signal::SIGKILL);
    // At once, with no pause for the old role to end.
    let _instance = Instance::start(directory.up(&[]));
    assert!(roles.iter().all(|pid| is_gone(*pid)));
}

#[test]
fn a_role_that_dies_is_started_again() {
    let directory = Directory::new("role");
    let instance = Instance::start(directory.up(&[]));
    let old = instance.roles();
    kill(old[0], Signal::SIGKILL).unwrap();
    wait_until("the role is back", || instance.roles().first().is_some_and(|pid| *pid != old[0]));
    wait_until("it answers", || directory.baryon(&["status"]).status.success());
}

/// A command that starts with these limits of open files, and without the right to raise the second.
fn limited(command: &Command, soft: u64, hard: u64) -> Command {
    let mut shell = Command::new("sh");
    let drop_right = if nix::unistd::geteuid().is_root() { "setpriv --bounding-set=-sys_resource" } else { "" };
    let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec {drop_right} \"$0\" \"$@\"");
    shell.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
    shell
}

#[test]
fn open_files_are_raised_to_what_the_connections_need() {
    let directory = Directory::new("files");
    let mut instance = Instance::start(limited(&directory.up(&[]), 256, 4000));
    for pid in instance.roles().into_iter().chain([instance.pid()]) {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>()[3..5], ["1536", "4000"], "{limits}");
    }
    instance.end(Signal::SIGTERM);

    // As far as it goes, and told.
    let mut child =
        limited(&directory.up(&[]), 256, 700).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let words = "700 open files are allowed and api.connections = 1024 needs 1536";
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains(words)), "it says nothing");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("Ctrl-C stops")), "it starts all the same");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    child.wait().unwrap();

    let mut doctor = Command::new(BARYON);
    doctor.arg("doctor");
    let output = limited(&doctor, 256, 700).output().unwrap();
    assert!(text(&output.stdout).contains(&format!("FEW      open files: {words}")), "{}", text(&output.stdout));
    let output = limited(&doctor, 256, 4000).output().unwrap();
    let enough = "ok       open files: 1536 needed for api.connections = 1024, 4000 allowed (256 unless asked for)";
    assert!(text(&output.stdout).contains(enough), "{}", text(&output.stdout));
}

#[test]
fn commands_name_what_does_not_exist() {
    let directory = Directory::new("commands");
    let _instance = Instance::start(directory.up(&[]));
    for (arguments, expected) in [
        (
            &["detach", "no-such-port"][..],
            "there is no port with the name or id 'no-such-port': `openstack port list` shows all",
        ),
        (&["attach", "no-such-port", "--tap", "tap0"], "there is no port with the name or id 'no-such-port'"),
        (&["detach", "port", "--os-region-name", "nowhere"], "its catalogue has no network service in region nowhere"),
    ] {
        let output = directory.baryon(arguments);
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(line.contains(expected) && line.lines().count() == 1, "{line}");
    }
    let output = directory.baryon(&["trace", "--from", "no-such-port", "--to", "10.0.0.1"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn purge_asks_first_stops_what_runs_and_leaves_nothing() {
    let directory = Directory::new("purge");
    let mut instance = Instance::start(directory.up(&[]));
    let run_dir = directory.0.join("run");
    let run_dir = run_dir.to_str().unwrap();
    let refused = directory.baryon(&["purge", "--run-dir", run_dir]);
    assert!(text(&refused.stderr).contains("say --yes if that is meant"));
    assert!(directory.data().join("baryon.db").exists());
    let output = directory.baryon(&["purge", "--yes", "--run-dir", run_dir]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    instance.supervisor.wait().unwrap();
    assert!(!directory.data().exists());
}

#[test]
fn several_regions_are_served_and_keep_their_prefixes_in_any_order() {
    let directory = Directory::new("regions");
    let mut instance = Instance::start(directory.up(&["--regions", "cbk,own=vpn+dns"]));
    for line in [
        "/network/cbk/v2.0 (profile cbk, ext-net 198.51.100.0/24)",
        "/network/own/v2.0 (profile basic+vpn+dns, ext-net 203.0.113.0/24)",
    ] {
        assert!(instance.banner.contains(line), "{}", instance.banner);
    }
    let status = text(&directory.baryon(&["status"]).stdout);
    assert!(status.contains("region cbk: profile cbk, driver null\n"), "{status}");
    assert!(status.contains("region own: profile basic+vpn+dns, driver null\n"), "{status}");
    let clouds = || fs::read_to_string(directory.data().join("clouds.yaml")).unwrap();
    assert!(clouds().contains("region_name: \"cbk\"\n    regions: [\"cbk\",\"own\"]\n"), "{}", clouds());
    instance.end(Signal::SIGTERM);

    let instance = Instance::start(directory.up(&["--regions", "new,own"]));
    assert!(
        instance.banner.contains("/network/own/v2.0 (profile full, ext-net 203.0.113.0/24)"),
        "{}",
        instance.banner
    );
    assert!(instance.banner.contains("/network/new/v2.0 (profile full, ext-net 192.0.2.0/24)"), "{}", instance.banner);
    assert!(clouds().contains("region_name: \"new\""), "{}", clouds());
    let status = text(&directory.baryon(&["status"]).stdout);
    assert!(!status.contains("region cbk"), "it left the catalogue: {status}");
}

#[test]
fn regions_that_cannot_be_served_are_refused_in_one_line() {
    let directory = Directory::new("no-regions");
    for (regions, expected) in [
        ("a,a", "baryon: two regions have the name a: rename one, or remove it"),
        ("a,b,c,d", "baryon: region d has no prefix for its ext-net, since 198.51.100.0/24 (a), 203.0.113.0/24 (b)"),
    ] {
        let output = directory.up(&["--regions", regions]).output().unwrap();
        let line = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(line.starts_with(expected) && line.lines().count() == 1, "{line}");
    }
    let output = directory.up(&["--regions", "a=best"]).output().unwrap();
    assert!(text(&output.stderr).contains("'best' is no profile: give one of full, cbk, dbl, fes"));
}
