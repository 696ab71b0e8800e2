use serde_json::json;

use super::*;

fn file(text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("baryon-clouds-{}.yaml", uuid::Uuid::new_v4()));
    std::fs::write(&path, text).unwrap();
    path
}

const REGION: &str = "RegionOne";

#[test]
fn what_we_write_is_what_we_read() {
    let account =
        Account { cloud: "baryon-admin", username: "admin", password: "a \"b\" #c: 'd' \\", project: "admin" };
    let authority = PathBuf::from("/etc/baryon/tls/ca.pem");
    let path = file(&render("http://127.0.0.1:9696/identity/v3", &[REGION.to_owned()], Some(&authority), &[account]));
    let cloud = Cloud::read(&path, "baryon-admin").unwrap();
    assert_eq!(cloud.password, "a \"b\" #c: 'd' \\");
    assert_eq!(cloud.region.as_deref(), Some("RegionOne"));
    assert_eq!((cloud.cacert.as_deref(), cloud.verify), (Some(authority.as_path()), true));
    assert_eq!(cloud.tokens_url(), "http://127.0.0.1:9696/identity/v3/auth/tokens");
    let error = Cloud::read(&path, "other").unwrap_err().to_string();
    assert!(error.ends_with("has no cloud other; it has: baryon-admin"), "{error}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn several_regions_are_listed_for_clients_and_the_first_is_the_default() {
    let account = || Account { cloud: "c", username: "u", password: "p", project: "p" };
    let regions = ["cbk", "fes"].map(str::to_owned);
    let text = render("http://x/v3", &regions, None, &[account()]);
    assert!(text.contains("    region_name: \"cbk\"\n    regions: [\"cbk\",\"fes\"]\n"), "{text}");
    let path = file(&text);
    assert_eq!(Cloud::read(&path, "c").unwrap().region.as_deref(), Some("cbk"));
    std::fs::remove_file(path).unwrap();
    assert!(!render("http://x/v3", &regions[..1], None, &[account()]).contains("regions:"));
}

#[test]
fn an_instance_on_this_host_is_asked_at_its_own_listener() {
    let account = Account { cloud: "c", username: "u", password: "p", project: "p" };
    let path = file(&render("https://cloud.example.org/identity/v3", &[REGION.to_owned()], None, &[account]));
    let mut cloud = Cloud::read(&path, "c").unwrap();
    assert_eq!(cloud.tokens_url(), "https://cloud.example.org/identity/v3/auth/tokens");
    cloud.local_url = Some("http://127.0.0.1:9696".to_owned());
    assert_eq!(cloud.tokens_url(), "http://127.0.0.1:9696/identity/v3/auth/tokens");
    assert_eq!(
        cloud.reachable("https://cloud.example.org/network/RegionOne"),
        "http://127.0.0.1:9696/network/RegionOne"
    );
    assert_eq!(cloud.reachable("https://elsewhere.example.org/network"), "https://elsewhere.example.org/network");
    // With TLS by the name that is in the certificate.
    cloud.local_url = Some("https://127.0.0.1:9696".to_owned());
    assert_eq!(cloud.tokens_url(), "https://cloud.example.org/identity/v3/auth/tokens");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn foreign_files_are_understood_or_refused_in_one_line() {
    let path =
        file("clouds:\n  a: {auth: {auth_url: http://x/identity}, verify: false}\ncache: {expiration: {server: 5}}\n");
    let error = Cloud::read(&path, "a").unwrap_err().to_string();
    assert!(error.contains("cloud a has no auth.username"), "{error}");
    std::fs::remove_file(path).unwrap();
    let path = file("clouds: [1, 2\n");
    let error = Cloud::read(&path, "a").unwrap_err().to_string();
    assert!(error.contains("is no clouds.yaml") && error.lines().count() == 1, "{error}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn passwords_do_not_show_in_debug_output() {
    let path = file(&render(
        "http://x/v3",
        &["r".to_owned()],
        None,
        &[Account { cloud: "c", username: "u", password: "secret", project: "p" }],
    ));
    assert!(!format!("{:?}", Cloud::read(&path, "c").unwrap()).contains("secret"));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn endpoints_are_known_by_their_regions() {
    let endpoint =
        |region: &str, interface: &str, url: &str| json!({"region": region, "interface": interface, "url": url});
    let body = json!({"token": {"catalog": [
        {"type": "identity", "endpoints": [endpoint("a", "public", "i")]},
        {"type": "network", "endpoints": [endpoint("a", "admin", "n0"), endpoint("a", "public", "n1"), endpoint("b", "public", "n2")]},
    ]}});
    let of = |region: &str, url: &str| (region.to_owned(), url.to_owned());
    assert_eq!(network_endpoints(&body), [of("a", "n1"), of("b", "n2")]);
    assert_eq!(network_endpoints(&json!({"token": {}})), []);
}

#[test]
fn refusals_keep_the_services_words() {
    let neutron =
        json!({"NeutronError": {"type": "PortNotFound", "message": "Port x could not be found.", "detail": ""}});
    assert_eq!(refused(StatusCode::NOT_FOUND, &neutron).to_string(), "Port x could not be found.");
    let keystone = json!({"error": {"code": 401, "message": "The request you have made requires authentication.", "title": "Unauthorized"}});
    assert_eq!(
        refused(StatusCode::UNAUTHORIZED, &keystone).to_string(),
        "The request you have made requires authentication."
    );
    assert_eq!(refused(StatusCode::BAD_GATEWAY, &Value::Null).to_string(), "the API answered 502 Bad Gateway");
}
