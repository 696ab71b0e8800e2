//! The configuration of domains.

use serde_json::{Value, json};

use super::{Cloud, id};

fn custom() -> Value {
    json!({
        "identity": { "driver": "ldap" },
        "ldap": { "url": "ldap://example.org:389/", "user_tree_dn": "ou=Users,dc=example,dc=org" },
    })
}

#[test]
fn a_configuration_is_made_shown_changed_and_deleted() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    let path = format!("/domains/{}/config", id(&domain));
    let text = |what: &str| format!("Could not find {what} in domain configuration for domain {}.", id(&domain));
    assert_eq!(cloud.refused("GET", &path, &Value::Null), (404, text("any options")));
    let made = cloud.ask("PUT", &path, &json!({ "config": custom() }));
    assert_eq!((made.status, made.json()), (201, json!({ "config": custom() })));
    assert_eq!(cloud.get(&path).json()["config"], custom());
    assert_eq!(cloud.get(&format!("{path}/identity")).json()["config"], json!({ "identity": { "driver": "ldap" } }));
    assert_eq!(cloud.get(&format!("{path}/identity/driver")).json()["config"], json!({ "driver": "ldap" }));
    let group = json!({ "config": { "identity": { "driver": "sql", "list_limit": 5 } } });
    assert_eq!(cloud.change(&format!("{path}/identity"), group)["config"]["identity"]["list_limit"], 5);
    let option = cloud.change(&format!("{path}/identity/driver"), json!({ "config": { "driver": "x" } }));
    assert_eq!(option["config"]["identity"], json!({ "driver": "x", "list_limit": 5 }));
    assert_eq!(option["config"]["ldap"], custom()["ldap"]);
    cloud.done("DELETE", &format!("{path}/identity/driver"));
    let gone = cloud.refused("GET", &format!("{path}/identity/driver"), &Value::Null);
    assert_eq!(gone, (404, text("option driver in group identity")));
    assert_eq!(cloud.refused("DELETE", &format!("{path}/identity/driver"), &Value::Null), gone);
    cloud.done("DELETE", &format!("{path}/identity"));
    assert_eq!(cloud.refused("GET", &format!("{path}/identity"), &Value::Null), (404, text("group identity")));
    let again = cloud.ask("PUT", &path, &json!({ "config": { "identity": { "driver": "sql" } } }));
    assert_eq!((again.status, &again.json()["config"]), (200, &json!({ "identity": { "driver": "sql" } })));
    cloud.done("DELETE", &path);
    assert_eq!(cloud.get(&path).status, 404);
    assert_eq!(
        cloud.refused("GET", "/domains/nope/config", &Value::Null),
        (404, "Could not find domain: nope.".to_owned())
    );
}

#[test]
fn what_cannot_be_configured_is_named() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    let path = format!("/domains/{}/config", id(&domain));
    let put = |config: Value| cloud.refused("PUT", &path, &json!({ "config": config }));
    let text = |reason: &str| (403, format!("Invalid domain specific configuration: {reason}."));
    assert_eq!(put(json!({})), text("No options specified"));
    assert_eq!(
        put(json!({ "sql": { "x": 1 } })),
        text("Group sql is not supported for domain specific configurations")
    );
    assert_eq!(
        put(json!({ "ldap": {} })),
        text("The value of group ldap specified in the config should be a dictionary of options")
    );
    assert_eq!(
        put(json!({ "ldap": { "x": 1 } })),
        text("Option x in group ldap is not supported for domain specific configurations")
    );
    assert_eq!(cloud.ask("PUT", &path, &json!({ "config": custom() })).status, 201);
    let patch =
        |below: &str, config: Value| cloud.refused("PATCH", &format!("{path}{below}"), &json!({ "config": config }));
    assert_eq!(
        patch("/identity", custom()),
        text("Trying to update group identity, so that, and only that, group must be specified in the config")
    );
    assert_eq!(
        patch("/identity", json!({ "ldap": { "url": "x" } })),
        text("request to update group identity, but config provided contains group ldap instead")
    );
    assert_eq!(
        patch("/ldap/url", json!({ "suffix": "x" })),
        text("Trying to update option url in group ldap, but config provided contains option suffix instead")
    );
    assert_eq!(
        patch("/ldap/url", json!({ "suffix": "x", "url": "y" })),
        text(
            "Trying to update option url in group ldap, so that, and only that, option must be specified  in the config"
        )
    );
    assert_eq!(patch("/ldap/suffix", json!({ "suffix": "x" })).0, 404, "an update makes nothing new there");
}

#[test]
fn a_secret_is_taken_and_never_shown_nor_kept_in_the_clear() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    let path = format!("/domains/{}/config", id(&domain));
    let secret = "a-very-secret-word";
    let made = cloud.ask("PUT", &path, &json!({ "config": { "ldap": { "url": "ldap://x", "password": secret } } }));
    assert_eq!(made.json(), json!({ "config": { "ldap": { "url": "ldap://x" } } }));
    let changed = cloud.change(&format!("{path}/ldap/password"), json!({ "config": { "password": secret } }));
    assert_eq!(changed, made.json());
    let hidden = cloud.refused("GET", &format!("{path}/ldap/password"), &Value::Null);
    assert_eq!(hidden.0, 404);
    for entry in std::fs::read_dir(&cloud.api.directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn defaults_are_shown_whole_by_group_and_by_option() {
    let cloud = Cloud::start();
    let config = |path: &str| cloud.get(&format!("/domains/config{path}/default")).json()["config"].clone();
    let whole = config("");
    assert_eq!(whole["identity"], json!({ "driver": "sql", "list_limit": null }));
    assert_eq!(config("/ldap"), json!({ "ldap": whole["ldap"] }));
    for (option, value) in whole["ldap"].as_object().unwrap() {
        assert_eq!(config(&format!("/ldap/{option}")), json!({ option: value }));
    }
    let refused = cloud.refused("GET", "/domains/config/ldap/password/default", &Value::Null);
    let text = "Invalid domain specific configuration: Reading the default for option password in group ldap is not supported.";
    assert_eq!(refused, (403, text.to_owned()));
    let demo = cloud.api.demo();
    assert_eq!(cloud.api.get(&demo, "/identity/v3/domains/config/default").status, 403);
}

#[test]
fn everybody_may_read_what_passwords_must_look_like() {
    let cloud = Cloud::start();
    let demo = cloud.api.demo();
    let get = |path: &str| cloud.api.get(&demo, &format!("/identity/v3/domains/{path}"));
    let none = json!({ "security_compliance": { "password_regex": null, "password_regex_description": null } });
    assert_eq!(get("default/config/security_compliance").json()["config"], none);
    assert_eq!(
        get("default/config/security_compliance/password_regex").json()["config"],
        json!({ "password_regex": null })
    );
    assert_eq!(get("default/config/security_compliance/lockout_duration").status, 403);
    assert_eq!(get("other/config/security_compliance").status, 403);
}
