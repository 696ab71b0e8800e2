//! TLS is verified: an authority that is trusted is believed, any other is not, and neither is a wrong name.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::PathBuf, sync::Arc};

use cloud_client::{CloudError, Http, HttpSettings, Method};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// An authority, in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = std::env::temp_dir().join(format!("baryon-ca-{}-{name}.pem", std::process::id()));
        std::fs::write(&file, issuer.pem()).unwrap();
        Self { issuer, file }
    }

    /// A server with a certificate for a name, that answers everything with `{}`; its port.
    async fn serve(&self, name: &str) -> u16 {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not trust us hangs up.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
            }
        });
        port
    }

    fn client(&self) -> Http {
        Http::new(HttpSettings { cacert: Some(self.file.clone()), ..HttpSettings::default() }).unwrap()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

#[tokio::test]
async fn only_the_trusted_authority_and_the_right_name_are_believed() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let port = ours.serve("localhost").await;
    let url = format!("https://localhost:{port}/v3");
    assert_eq!(ours.client().ask(Method::GET, &url, &[], None).await.unwrap().status, 200);

    let refused = |result: Result<cloud_client::Answer, CloudError>| match result {
        Err(CloudError::Unreachable { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let reason = refused(other.client().ask(Method::GET, &url, &[], None).await);
    assert!(reason.contains("invalid peer certificate: UnknownIssuer"), "{reason}");
    let machine = Http::new(HttpSettings::default());
    if let Ok(machine) = machine {
        let reason = refused(machine.ask(Method::GET, &url, &[], None).await);
        assert!(reason.contains("invalid peer certificate"), "{reason}");
    }
    let elsewhere = ours.serve("keystone.example.org").await;
    let reason = refused(ours.client().ask(Method::GET, &format!("https://localhost:{elsewhere}/"), &[], None).await);
    assert!(reason.contains("certificate not valid for name"), "{reason}");
}

#[tokio::test]
async fn a_file_without_certificates_is_named() {
    let settings = HttpSettings { cacert: Some("/nowhere/ca.pem".into()), ..HttpSettings::default() };
    let error = Http::new(settings).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the certificates in /nowhere/ca.pem: "), "{error}");
}
