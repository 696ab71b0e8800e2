//! An instance with TLS, from outside: curl, the openstack client, our own commands, and a certificate that
//! is renewed while it runs. Needs no root.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

const BARYON: &str = env!("CARGO_BIN_EXE_baryon");

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An instance in a directory that goes with the test.
struct Cloud {
    directory: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
    supervisor: Option<Child>,
    banner: String,
}

impl Cloud {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("baryon-tls-{}-{name}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate whose issuer has its own name for one that signed itself.
        params.distinguished_name.push(DnType::CommonName, "an authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let cloud = Self { directory, authority, supervisor: None, banner: String::new() };
        fs::write(cloud.file("ca.pem"), cloud.authority.pem()).unwrap();
        cloud.renew(2090);
        cloud
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Replaces both files as a client of an authority does it, by renames.
    fn renew(&self, last_year: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(last_year, 1, 2);
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        for (name, content) in [("key.pem", key.serialize_pem()), ("cert.pem", certificate.pem())] {
            let new = self.file("new");
            fs::write(&new, content).unwrap();
            fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
            fs::rename(&new, self.file(name)).unwrap();
        }
    }

    /// Writes a configuration; a port of the kernel's choice that is free now.
    fn configure(&self, more: &str) -> u16 {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let name = |file: &str| self.file(file).display().to_string();
        let text = format!(
            "data_dir = \"{}\"\nrun_dir = \"{}\"\n[api]\nlisten = \"127.0.0.1:{port}\"\nmetrics_listen = \"127.0.0.1:0\"\n\
             public_url = \"https://localhost:{port}/net\"\ntls_certificate = \"{}\"\ntls_key = \"{}\"\nca_certificate = \
             \"{}\"\n{more}\n[agent]\ndriver = \"null\"\n",
            name("data"),
            name("run"),
            name("cert.pem"),
            name("key.pem"),
            name("ca.pem"),
        );
        fs::write(self.file("baryon.toml"), text).unwrap();
        port
    }

    fn up(&mut self) {
        let log = fs::File::create(self.file("log")).unwrap();
        let mut command = Command::new(BARYON);
        command.args(["up", "--config"]).arg(self.file("baryon.toml")).stdout(Stdio::piped()).stderr(log);
        let mut supervisor = command.spawn().unwrap();
        let mut lines = BufReader::new(supervisor.stdout.take().unwrap()).lines();
        while !self.banner.contains("Ctrl-C stops") {
            let Some(line) = lines.next() else { panic!("it ended: {}", self.log()) };
            self.banner += &line.unwrap();
            self.banner.push('\n');
        }
        std::thread::spawn(move || lines.for_each(drop));
        self.supervisor = Some(supervisor);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.supervisor.as_ref().unwrap().id()).unwrap()), signal).unwrap();
    }

    fn baryon(&self, arguments: &[&str]) -> Output {
        Command::new(BARYON).args(arguments).arg("--data-dir").arg(self.file("data")).output().unwrap()
    }

    #[track_caller]
    fn status(&self) -> String {
        let output = self.baryon(&["status"]);
        text(&output.stdout) + &text(&output.stderr)
    }

    #[track_caller]
    fn wait_for_status(&self, wanted: &str) {
        let begin = Instant::now();
        loop {
            let status = self.status();
            if status.contains(wanted) {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "{wanted:?} is not in {status}{}", self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            let _ = supervisor.kill();
            let _ = supervisor.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn every_client_speaks_to_it_by_its_certificate() {
    let mut cloud = Cloud::new("clients");
    let port = cloud.configure("");
    cloud.up();
    let base = format!("https://localhost:{port}/net");
    assert!(cloud.banner.contains(&format!("identity       {base}/identity/v3\n")), "{}", cloud.banner);

    let url = format!("{base}/identity/v3");
    let curl =
        |more: &[&str]| Command::new("curl").args(["-sS", "--max-time", "20", &url]).args(more).output().unwrap();
    let authority = cloud.file("ca.pem");
    let answer = curl(&["--cacert", authority.to_str().unwrap()]);
    assert!(text(&answer.stdout).contains(&format!("{base}/identity/v3/")), "{answer:?}");
    assert_eq!(curl(&[]).status.code(), Some(60), "an authority that curl does not know");

    // Our own commands find the listener on this host, and believe clouds.yaml.
    let status = cloud.status();
    assert!(status.contains("certificate: good until 2090-01-02T00:00:00Z\n"), "{status}");
    assert!(status.contains("nothing is wrong"), "{status}");
    let stranger = cloud.file("stranger.pem");
    fs::write(&stranger, rcgen::generate_simple_self_signed(["x".to_owned()]).unwrap().cert.pem()).unwrap();
    let refused = cloud.baryon(&["status", "--cacert", stranger.to_str().unwrap()]);
    let line = text(&refused.stderr);
    assert!(line.contains("its certificate is not accepted (") && line.contains("--cacert names"), "{line}");
    let clouds = fs::read_to_string(cloud.file("data/clouds.yaml")).unwrap();
    assert!(clouds.contains(&format!("cacert: \"{}\"", authority.display())), "{clouds}");

    // `make venv` makes it; `make test` does so before.
    let openstack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/openstack");
    let output = Command::new(&openstack)
        .args(["--os-cloud", "baryon-demo", "network", "list", "-f", "value", "-c", "Name"])
        .env("OS_CLIENT_CONFIG_FILE", cloud.file("data/clouds.yaml"))
        .output()
        .expect("target/venv/bin/openstack, which `make venv` installs");
    assert!(output.status.success() && text(&output.stdout).contains("ext-net"), "{output:?}");
}

#[test]
fn a_renewed_certificate_is_served_without_a_restart_and_a_bad_one_is_told() {
    let mut cloud = Cloud::new("renewed");
    cloud.configure("");
    cloud.up();
    cloud.renew(2091);
    cloud.wait_for_status("certificate: good until 2091-01-02T00:00:00Z\n");

    fs::set_permissions(cloud.file("key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    cloud.wait_for_status("certificate: good until 2091-01-02T00:00:00Z; NOT OK: the new one is not used: ");
    assert!(cloud.status().contains("key.pem may be read by others (mode 0644)"), "{}", cloud.status());
    assert!(cloud.log().contains("the new certificate is not used, the old one stays"), "{}", cloud.log());
    assert!(!cloud.baryon(&["status"]).status.success());

    // A role that is started again has the last good one.
    let children = format!("/proc/{0}/task/{0}/children", cloud.supervisor.as_ref().unwrap().id());
    let role: i32 = fs::read_to_string(children).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(role), Signal::SIGKILL).unwrap();
    cloud.wait_for_status("certificate: good until 2091-01-02T00:00:00Z\n");

    // On a signal at once, whether they have changed or not.
    cloud.signal(Signal::SIGHUP);
    cloud.wait_for_status("NOT OK: the new one is not used: ");
    cloud.renew(2092);
    cloud.signal(Signal::SIGHUP);
    cloud.wait_for_status("certificate: good until 2092-01-02T00:00:00Z\n");
    assert!(cloud.log().contains("the certificate was replaced"), "{}", cloud.log());
    assert!(!cloud.log().contains("PRIVATE KEY"));
}

#[test]
fn a_pair_that_is_none_is_named_before_anything_starts() {
    let cloud = Cloud::new("none");
    cloud.configure("");
    let config = cloud.file("baryon.toml");
    let run = |command: &[&str]| {
        let output = Command::new(BARYON).args(command).arg(&config).output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, said) = run(&["check-config"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with("certificate: good until 2090-01-02T00:00:00Z\n") && said.ends_with("baryon.toml: ok\n"),
        "{said}"
    );
    cloud.renew(2021);
    let (code, said) = run(&["check-config"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("the certificate expired at 2021-01-02T00:00:00Z"), "{said}");
    fs::write(cloud.file("cert.pem"), "nothing\n").unwrap();
    for command in [&["check-config"][..], &["up", "--config"]] {
        let (code, said) = run(command);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("the certificate has no PEM block CERTIFICATE") && said.lines().count() == 1, "{said}");
    }
}
