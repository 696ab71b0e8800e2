use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;

struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("baryon-tls-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn files(&self) -> PairFiles {
        PairFiles { certificate: self.0.join("cert.pem"), key: self.0.join("key.pem") }
    }

    /// Another pair, by renames as a certificate's client does it.
    fn renew(&self) -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let files = self.files();
        for (file, text) in [(&files.key, &key), (&files.certificate, &certificate)] {
            crate::data_dir::write_whole(file, text, 0o600).unwrap();
        }
        (certificate, key)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn each_fault_is_named_with_its_file() {
    let directory = Directory::new();
    let files = directory.files();
    let error = || files.read().map(|_| ()).unwrap_err().to_string();
    let name = |file: &Path| file.display().to_string();
    assert_eq!(
        error(),
        format!(
            "cannot read {}, which api.tls_certificate names: No such file or directory (os error 2)",
            name(&files.certificate)
        )
    );
    directory.renew();
    files.read_valid().unwrap();
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(
        error(),
        format!(
            "{} may be read by others (mode 0640), and who has read it can pretend to be this service: chmod 600 it",
            name(&files.key)
        )
    );
    fs::set_permissions(&files.key, fs::Permissions::from_mode(0o400)).unwrap();
    files.read_valid().unwrap();
    let certificate = fs::read_to_string(&files.certificate).unwrap();
    directory.renew();
    fs::write(&files.certificate, certificate).unwrap();
    assert_eq!(
        error(),
        format!(
            "api.tls_certificate {} with api.tls_key {}: the key is not that of the certificate",
            name(&files.certificate),
            name(&files.key)
        )
    );
    fs::write(&files.certificate, "x".repeat(300 << 10)).unwrap();
    assert!(error().ends_with("it is longer than 262144 bytes"), "{}", error());
    assert_eq!(
        check_authority(&files.key).unwrap_err().to_string(),
        format!("{}, which api.ca_certificate names, holds no PEM block CERTIFICATE", name(&files.key))
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_is_taken_when_it_has_lasted_for_a_look() {
    let directory = Directory::new();
    directory.renew();
    let mut watch = Watch::new(directory.files());
    assert!(tokio::time::timeout(10 * LOOK, watch.changed()).await.is_err(), "nothing has changed");
    let (certificate, key) = directory.renew();
    assert_eq!(watch.changed().await.unwrap(), PemPair { certificate, key });
    assert!(tokio::time::timeout(10 * LOOK, watch.changed()).await.is_err(), "once only");
    fs::remove_file(&directory.files().key).unwrap();
    assert!(matches!(watch.changed().await, Err(PairError::Read { key: "api.tls_key", .. })));
}
