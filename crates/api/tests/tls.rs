//! TLS on the listener: versions, refusals, bounds, and a certificate that is replaced.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use api::{ApiConfig, Certificate, NullWorld, PemPair, Tls};
use common::TestApi;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SerialNumber};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `localhost` with this serial number.
    fn pair(&self, serial: u64) -> PemPair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(serial));
        let certificate = params.signed_by(&key, &self.0).unwrap();
        PemPair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn connect(address: SocketAddr, config: Arc<ClientConfig>) -> Stream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    over(stream, config)
}

fn over(stream: TcpStream, config: Arc<ClientConfig>) -> Stream {
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(config, name).unwrap(), stream)
}

/// Asks for the root document on a connection that stays open.
fn ask(stream: &mut Stream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: cloud.example\r\n\r\n").unwrap();
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    while !text.ends_with('}') {
        let count = stream.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "it ended after {text}");
        text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    text
}

fn serve(pair: &PemPair, configure: impl FnOnce(&mut ApiConfig)) -> (TestApi, Arc<Tls>) {
    let tls = Tls::new(Certificate::parse(pair).unwrap());
    let given = Arc::clone(&tls);
    let api = TestApi::with(
        |config| {
            config.tls = Some(given);
            configure(config);
        },
        Arc::new(NullWorld),
    );
    (api, tls)
}

#[test]
fn both_versions_are_spoken_and_urls_say_https() {
    let authority = Authority::new();
    let (api, _) = serve(&authority.pair(1), |_| {});
    for (version, number) in
        [(&rustls::version::TLS13, ProtocolVersion::TLSv1_3), (&rustls::version::TLS12, ProtocolVersion::TLSv1_2)]
    {
        let mut stream = connect(api.address, authority.client(&[version]));
        let answer = ask(&mut stream);
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("\"https://cloud.example/identity/v3\""),
            "{answer}"
        );
        assert_eq!(stream.conn.protocol_version(), Some(number));
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
}

#[test]
fn who_speaks_no_tls_is_told_so_and_who_speaks_nonsense_gets_an_end() {
    let authority = Authority::new();
    let (api, _) = serve(&authority.pair(1), |_| {});
    for (sent, expected) in [
        (&b"GET /identity/v3 HTTP/1.1\r\nHost: x\r\n\r\n"[..], "HTTP/1.1 400 Bad Request"),
        (b"\x80\x2e\x01\x00\x02", ""),
        // The beginning of a handshake, and then none.
        (b"\x16\x03\x01\x00\x05hello", ""),
    ] {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(sent).unwrap();
        let mut answer = Vec::new();
        // An alert and a reset are ends too.
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains("identity"), "{text}");
    }
    assert!(ask(&mut connect(api.address, authority.client(rustls::DEFAULT_VERSIONS))).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_handshake_that_does_not_end_is_cut_off_and_keeps_nobody_out_for_long() {
    let authority = Authority::new();
    let (api, _) = serve(&authority.pair(1), |config| {
        config.limits.handshakes = 1;
        config.limits.handshake_time = Duration::from_secs(1);
    });
    // Says nothing: no handshake, and no place for it.
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(api.address).unwrap()).collect();
    assert!(ask(&mut connect(api.address, authority.client(rustls::DEFAULT_VERSIONS))).starts_with("HTTP/1.1 200"));
    let mut slow = TcpStream::connect(api.address).unwrap();
    slow.write_all(b"\x16\x03\x01").unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let begin = Instant::now();
    assert_eq!(slow.read(&mut [0; 16]).unwrap_or(0), 0, "it is cut off");
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(ask(&mut connect(api.address, authority.client(rustls::DEFAULT_VERSIONS))).starts_with("HTTP/1.1 200"));
    drop(silent);
}

#[test]
fn handshakes_of_one_source_leave_places_to_others() {
    let authority = Authority::new();
    let (api, _) = serve(&authority.pair(1), |config| {
        config.limits.handshakes = 4;
        config.limits.handshakes_of_one_source = 3;
        config.limits.handshake_time = Duration::from_secs(5);
    });
    let stalled: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = common::connect_from("127.0.0.1", api.address);
            stream.write_all(b"\x16\x03\x01").unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(200));
    let begin = Instant::now();
    for _ in 0..3 {
        let stream = common::connect_from("127.0.0.2", api.address);
        assert!(ask(&mut over(stream, authority.client(rustls::DEFAULT_VERSIONS))).starts_with("HTTP/1.1 200"));
    }
    assert!(begin.elapsed() < Duration::from_secs(3), "another source waited for {:?}", begin.elapsed());
    // They had their time, those that waited for a place too.
    for mut stream in stalled {
        assert_eq!(stream.read(&mut [0; 16]).unwrap_or(0), 0);
    }
    let mut metrics = ureq::get(format!("http://{}/metrics", api.health)).call().unwrap();
    let metrics = metrics.body_mut().read_to_string().unwrap();
    assert!(metrics.contains("baryon_api_handshakes_late_total 20\n"), "{metrics}");
}

#[test]
fn a_new_certificate_is_served_to_new_connections_and_old_ones_go_on() {
    let authority = Authority::new();
    let (api, tls) = serve(&authority.pair(1), |_| {});
    let client = || authority.client(rustls::DEFAULT_VERSIONS);
    let served = |stream: &Stream| stream.conn.peer_certificates().unwrap()[0].clone().into_owned();
    let own = |pair: &PemPair| CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap().into_owned();

    let mut before = connect(api.address, client());
    ask(&mut before);
    let next = authority.pair(2);
    tls.replace(&next).unwrap();
    let mut after = connect(api.address, client());
    ask(&mut after);
    assert_eq!(served(&after), own(&next));
    assert_ne!(served(&before), own(&next));
    assert!(ask(&mut before).starts_with("HTTP/1.1 200"), "the open connection goes on");

    let mixed = PemPair { key: authority.pair(3).key, ..authority.pair(4) };
    tls.replace(&mixed).unwrap_err();
    let mut still = connect(api.address, client());
    ask(&mut still);
    assert_eq!(served(&still), own(&next), "a bad pair changes nothing");
    let metrics =
        ureq::get(format!("http://{}/metrics", api.health)).call().unwrap().body_mut().read_to_string().unwrap();
    for line in ["baryon_tls_certificate_reloads_total 1\n", "baryon_tls_certificate_reload_failures_total 1\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
}
