//! A process that entered its sandbox has no way back. Needs root.
//!
//! Rights can only be dropped while a process has one thread, which under the test harness none
//! has. So this test has a `main` of its own: it runs itself once per case, each case in a process
//! of its own, and speaks as much of the harness's language as test runners need.

use std::{
    io::{self, Write},
    net::UdpSocket,
    os::unix::fs::MetadataExt,
    process::{Command, ExitCode},
};

use caps::CapSet;
use hostnet::{Error, Netns, Result, sandbox, sysctl};

const CASE: &str = "HOSTNET_SANDBOX_CASE";
type Case = fn() -> Result<()>;

const CASES: [(&str, Case); 3] = [
    ("nobody_in_a_namespace_holds_no_right", nobody_in_a_namespace_holds_no_right),
    ("root_without_capabilities_holds_no_right", root_without_capabilities_holds_no_right),
    ("a_process_with_threads_is_refused", a_process_with_threads_is_refused),
];

fn main() -> ExitCode {
    if let Ok(wanted) = std::env::var(CASE) {
        let case = CASES.iter().find(|(name, _)| *name == wanted).expect("a case of this name").1;
        case().expect("the case to succeed");
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // There are no ignored tests, so a runner that asks for those alone gets none.
    let wanted = |name: &str| {
        let mut names =
            arguments.iter().filter(|argument| !argument.starts_with('-') && *argument != "terse").peekable();
        !has("--ignored") && (names.peek().is_none() || names.any(|filter| name.contains(filter.as_str())))
    };
    let mut out = io::stdout();
    let mut failed = false;
    for (name, _) in CASES.iter().filter(|(name, _)| wanted(name)) {
        let line = if has("--list") {
            format!("{name}: test")
        } else {
            let this = std::env::current_exe().expect("this program");
            let ok = Command::new(this).env(CASE, name).status().expect("a process").success();
            failed |= !ok;
            format!("test {name} ... {}", if ok { "ok" } else { "FAILED" })
        };
        writeln!(out, "{line}").expect("to write");
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn nobody_in_a_namespace_holds_no_right() -> Result<()> {
    let name = format!("hostnet-sandbox-{}", std::process::id());
    let netns = Netns::create(&name)?;
    Netns::delete(&name)?;
    let outside = Netns::current()?;
    // A low port is bound while that is still allowed.
    let low_port = netns.run(|| UdpSocket::bind("0.0.0.0:67").expect("a low port"))?;
    sandbox::enter(&sandbox::SandboxSpec { netns: Some(&netns), ..Default::default() })?;

    let status = std::fs::read_to_string("/proc/self/status").expect("its status");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("the field");
        line[name.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(field("Uid:"), "65534 65534 65534 65534");
    assert_eq!(field("Gid:"), "65534 65534 65534 65534");
    assert_eq!(field("Groups:"), "");
    assert_eq!(field("NoNewPrivs:"), "1");
    no_capabilities();
    // It is inside, cannot leave, cannot bind a low port or change a setting, and keeps what it had.
    let inside = std::fs::metadata("/proc/thread-self/ns/net").expect("its namespace");
    let expected = nix::sys::stat::fstat(netns.fd()).expect("the namespace").st_ino;
    assert_eq!(inside.ino(), expected);
    assert!(outside.enter().is_err());
    assert!(UdpSocket::bind("0.0.0.0:68").is_err());
    assert!(sysctl::write("net/ipv4/ip_unprivileged_port_start", "0").is_err());
    low_port.send_to(b"x", "127.0.0.1:9").expect_err("loopback is down");
    assert_eq!(low_port.local_addr().expect("its address").port(), 67);
    Ok(())
}

fn root_without_capabilities_holds_no_right() -> Result<()> {
    sandbox::drop_all_capabilities()?;
    no_capabilities();
    assert!(Netns::current().is_err(), "opening a namespace enters it");
    // Not even a program that it starts gets anything back, though root's programs usually do.
    let status = Command::new("grep").args(["^CapEff", "/proc/self/status"]).output().expect("grep");
    assert_eq!(String::from_utf8_lossy(&status.stdout), "CapEff:\t0000000000000000\n");
    Ok(())
}

fn a_process_with_threads_is_refused() -> Result<()> {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || stopped.recv());
    assert!(matches!(sandbox::drop_all_capabilities(), Err(Error::SeveralThreads { threads: 2 })));
    assert!(matches!(sandbox::enter(&Default::default()), Err(Error::SeveralThreads { threads: 2 })));
    drop(stop);
    assert!(thread.join().expect("its end").is_err());
    Ok(())
}

fn no_capabilities() {
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable, CapSet::Ambient, CapSet::Bounding] {
        let held = caps::read(None, set).expect("a capability set");
        assert!(held.is_empty(), "{set:?}: {held:?}");
    }
}
