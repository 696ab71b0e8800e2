//! What the command line says to wrong input: one line on standard error, which says what to do, and
//! an exit code that is not 0. Needs no datapath; with root it also tries what only root gets to see.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::PathBuf,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

const BARYON: &str = env!("CARGO_BIN_EXE_baryon");

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("baryon-cli-{}-{unique}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn baryon(arguments: &[&str]) -> Output {
    Command::new(BARYON).args(arguments).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
}

/// `baryon up` without a datapath, with data and listeners of its own.
fn up(directory: &Directory, more: &[&str]) -> Output {
    let data = directory.path("data");
    let run = directory.path("run");
    let mut arguments = vec!["up", "--driver", "null", "--data-dir", data.to_str().unwrap()];
    arguments.extend(["--run-dir", run.to_str().unwrap(), "--metrics-listen", "127.0.0.1:0"]);
    arguments.extend(more);
    baryon(&arguments)
}

/// The one line of a refusal.
#[track_caller]
fn refusal(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    text.trim_end().strip_prefix("baryon: ").unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn every_subcommand_explains_itself_with_examples() {
    let help = String::from_utf8(baryon(&["--help"]).stdout).unwrap();
    let commands = [
        "up",
        "down",
        "purge",
        "attach",
        "detach",
        "trace",
        "status",
        "audit",
        "doctor",
        "check-config",
        "rotate-keys",
        "demo",
    ];
    for command in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command} is not in: {help}");
        let output = baryon(&[command, "--help"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains("Examples:\n"), "{command}: {text}");
    }
    assert!(!help.lines().any(|line| line.trim_start().starts_with("role")), "{help}");
}

#[test]
fn a_wrong_command_line_is_refused_with_a_hint() {
    for (arguments, expected) in [
        (&["upp"][..], "unrecognized subcommand 'upp'"),
        (&["up", "--listen", "9696"], "invalid value '9696' for '--listen <ADDRESS:PORT>'"),
        (&["up", "--driver", "ovs"], "[possible values: ebpf, null]"),
        (&["up", "--uplink", "a/b"], "is not a name of a network interface"),
        (&["attach", "port"], "--netns <NAME>"),
        (&["attach", "port", "--netns", "a", "--tap", "b"], "cannot be used with"),
        (&["trace", "--from", "port", "--to", "nowhere"], "invalid value 'nowhere' for '--to <ADDRESS>'"),
    ] {
        let output = baryon(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn the_datapath_needs_root() {
    let directory = Directory::new();
    let program = directory.path("baryon");
    fs::copy(BARYON, &program).unwrap();
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&program);
    if is_root() {
        command.uid(65534).gid(65534);
    }
    let line = refusal(&command.arg("up").output().unwrap());
    assert_eq!(
        line,
        "`baryon up` needs root, for the datapath: run it with sudo, or try everything but the datapath with \
         --driver null --data-dir DIR --run-dir DIR"
    );
}

#[test]
fn a_mount_namespace_of_its_own_is_refused() {
    if !is_root() {
        // The line about root comes first then, and is another test's.
        return;
    }
    let output = Command::new("unshare").args(["--mount", BARYON, "up"]).output().unwrap();
    let line = refusal(&output);
    assert!(line.contains("mount namespace of its own") && line.contains("nsenter --net=/run/netns/NAME"), "{line}");
}

#[test]
fn a_taken_port_names_its_holder_and_the_way_out() {
    let directory = Directory::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let us = format!("(pid {})", std::process::id());
    let line = refusal(&up(&directory, &["--listen", &address]));
    assert!(line.starts_with(&format!("{address} is in use by ")) && line.contains(&us), "{line}");
    assert!(line.ends_with("stop that, or give another address with --listen"), "{line}");
    let line = refusal(&up(&directory, &["--listen", "127.0.0.1:0", "--metrics-listen", &address]));
    assert!(line.ends_with("give another address with --metrics-listen"), "{line}");
    let line = refusal(&up(&directory, &["--listen", "192.0.2.1:9696"]));
    assert!(line.starts_with("cannot listen on 192.0.2.1:9696: "), "{line}");
}

#[test]
fn a_broken_configuration_is_named_by_file_line_and_key() {
    let directory = Directory::new();
    for (text, expected) in [
        ("[api]\nlisen = \"x\"\n", ":2: api.lisen: unknown field `lisen`, expected one of `listen`"),
        ("[agent]\ndriver = \"ovs\"\n", ":2: agent.driver: unknown variant `ovs`, expected `ebpf` or `null`"),
        ("[api\n", ":1: "),
        ("[[region]]\nname = \"a b\"\n", ":2: region.name: 'a b' is not a name of a region"),
    ] {
        let file = directory.file("baryon.toml", text);
        let file = file.to_str().unwrap();
        for output in [baryon(&["check-config", file]), up(&directory, &["--config", file])] {
            let line = refusal(&output);
            assert!(line.starts_with(&format!("{file}{expected}")), "{line}");
            assert!(line.contains("`baryon check-config --example`"), "{line}");
        }
    }
    let line = refusal(&baryon(&["check-config", "/nonexistent/baryon.toml"]));
    assert!(line.starts_with("cannot read /nonexistent/baryon.toml: "), "{line}");
    let line = refusal(&up(&directory, &["--public-url", "cloud.example.org"]));
    assert!(line.starts_with("--public-url: 'cloud.example.org' is not a URL"), "{line}");
}

#[test]
fn the_example_configuration_is_valid() {
    let directory = Directory::new();
    let example = baryon(&["check-config", "--example"]);
    assert!(example.status.success());
    let file = directory.file("baryon.toml", std::str::from_utf8(&example.stdout).unwrap());
    let output = baryon(&["check-config", file.to_str().unwrap()]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}: ok\n", file.display()));
}

#[test]
fn a_data_directory_of_another_version_or_of_somebody_else_is_left_alone() {
    let directory = Directory::new();
    let data = directory.path("data");
    for (version, expected) in [
        (
            "2\n",
            "was written by a newer baryon (layout 2, this build knows 1): start that version, or give another --data-dir",
        ),
        ("what\n", "its file `version` says \"what\" where a number is expected"),
    ] {
        directory.file("data/version", version);
        let line = refusal(&up(&directory, &[]));
        assert!(line.starts_with(&format!("{}: {expected}", data.display())), "{line}");
    }
    fs::remove_file(data.join("version")).unwrap();
    directory.file("data/thesis.txt", "years of work");
    let line = refusal(&up(&directory, &[]));
    assert!(line.contains("is not empty and no data directory of baryon (it holds thesis.txt)"), "{line}");
    for command in [&["purge", "--yes"][..], &["down"]] {
        let mut arguments = command.to_vec();
        arguments.extend(["--data-dir", data.to_str().unwrap()]);
        let line = refusal(&baryon(&arguments));
        assert!(line.contains("is not a data directory of baryon"), "{line}");
    }
    assert_eq!(fs::read_to_string(data.join("thesis.txt")).unwrap(), "years of work");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_refused() {
    let output = baryon(&["up", "--driver", "null", "--data-dir", "/proc/nowhere"]);
    let line = refusal(&output);
    assert!(line.starts_with("/proc/nowhere: cannot be made or written (") && line.contains("--data-dir"), "{line}");
}

#[test]
fn commands_without_a_service_say_what_to_start() {
    let directory = Directory::new();
    let data = directory.path("data");
    let data = data.to_str().unwrap();
    let line = refusal(&baryon(&["status", "--data-dir", data]));
    assert!(line.starts_with("no cloud to speak to: ") && line.contains("start `baryon up`"), "{line}");

    let clouds = "clouds:\n  baryon-admin:\n    auth: {auth_url: 'http://127.0.0.1:1/identity/v3', username: a, password: b, project_name: c}\n";
    directory.file("data/clouds.yaml", clouds);
    let line = refusal(&baryon(&["detach", "port", "--data-dir", data]));
    assert!(line.starts_with("cannot reach http://127.0.0.1:1/") && line.contains("is `baryon up` running?"), "{line}");
    let line = refusal(&baryon(&["detach", "port", "--os-cloud", "other", "--data-dir", data]));
    assert!(line.ends_with("has no cloud other; it has: baryon-admin"), "{line}");
}

#[test]
fn an_attachment_to_a_namespace_that_does_not_exist_is_refused_before_anything_is_asked() {
    let line = refusal(&baryon(&["attach", "port", "--netns", "no-such-namespace-here", "--data-dir", "/nonexistent"]));
    assert!(line.contains("no-such-namespace-here"), "{line}");
    let line = refusal(&baryon(&["attach", "port", "--tap", "a-name-too-long-for-it", "--data-dir", "/nonexistent"]));
    assert!(line.starts_with("'a-name-too-long-for-it' is not a name for an interface"), "{line}");
}

#[test]
fn a_trace_that_cannot_be_asked_is_told_apart_from_a_dropped_packet() {
    for (arguments, expected) in [
        (&["--proto", "tcp"][..], "tcp needs a destination port: say --dport"),
        (&["--dport", "80"], "icmp has no ports: leave out --dport and --sport, or say --proto tcp"),
    ] {
        let mut all = vec!["trace", "--from", "port", "--to", "10.0.0.1"];
        all.extend(arguments);
        let output = baryon(&all);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("baryon: {expected}\n"));
    }
}

#[test]
fn a_role_is_not_started_by_hand() {
    for role in ["agent", "services"] {
        let output = Command::new(BARYON).args(["role", role]).stdin(std::process::Stdio::null()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
    }
}
