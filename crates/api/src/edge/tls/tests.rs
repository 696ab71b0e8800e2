use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;

fn pair(names: &[&str], last_year: i32) -> PemPair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 2);
    PemPair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

fn error(pair: &PemPair) -> String {
    Certificate::parse(pair).unwrap_err().to_string()
}

#[test]
fn what_is_no_pair_is_refused_by_name() {
    let (one, other) = (pair(&["a.example"], 2090), pair(&["a.example"], 2090));
    let none = |text: &str| text.to_owned();
    assert_eq!(error(&PemPair { key: other.key.clone(), ..one.clone() }), "the key is not that of the certificate");
    assert!(
        error(&PemPair { certificate: none("text"), ..one.clone() }).starts_with("the certificate has no PEM block")
    );
    assert_eq!(error(&PemPair { key: none("text"), ..one.clone() }), "the key has no PEM block PRIVATE KEY");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    assert_eq!(
        error(&PemPair { certificate: broken, ..one.clone() }),
        "the certificate cannot be read: it has no date of expiry"
    );
    let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_owned();
    let text = error(&PemPair { key: broken, ..one.clone() });
    assert!(text.starts_with("the key cannot be used: "), "{text}");
    assert!(!format!("{one:?}").contains("PRIVATE"));
}

#[test]
fn a_certificate_says_for_whom_and_until_when() {
    let certificate = Certificate::parse(&pair(&["cloud.example", "192.0.2.1", "2001:db8::1"], 2090)).unwrap();
    assert_eq!(certificate.not_after().to_string(), "2090-01-02T00:00:00Z");
    for host in ["cloud.example", "192.0.2.1", "2001:db8::1", "[2001:db8::1]"] {
        assert!(certificate.is_for(host), "{host}");
    }
    for host in ["else.example", "192.0.2.2", ""] {
        assert!(!certificate.is_for(host), "{host}");
    }
}

#[test]
fn a_bad_pair_leaves_the_good_one_and_is_told() {
    let tls = Tls::new(Certificate::parse(&pair(&["a.example"], 2090)).unwrap());
    assert!(tls.render().contains("baryon_tls_certificate_expiry_seconds 3786998400\n"), "{}", tls.render());
    let old = pair(&["a.example"], 2021);
    assert_eq!(tls.replace(&old), Err(TlsError::Expired("2021-01-02T00:00:00Z".parse().unwrap())));
    assert_eq!(tls.status()["failure"], "the certificate expired at 2021-01-02T00:00:00Z");
    assert_eq!(tls.status()["not_after"], "2090-01-02T00:00:00Z");
    assert!(tls.render().contains("baryon_tls_certificate_reload_failures_total 1\n"));
    tls.replace(&pair(&["a.example"], 2091)).unwrap();
    assert_eq!(tls.status()["failure"], Value::Null);
    assert_eq!(tls.status()["not_after"], "2091-01-02T00:00:00Z");
    assert!(tls.render().contains("baryon_tls_certificate_reloads_total 1\n"));
}
