//! New keys for stored secrets, under running processes and after a rotation that was cut off.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use api::NullWorld;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{PASSWORD, TestApi};
use serde_json::{Value, json};
use store::{StoreError, identity::SealedTable};

/// The keys that ciphertexts name, and how many ciphertexts there are.
fn named(api: &TestApi) -> (BTreeSet<u32>, usize) {
    let found = api.store.read_blocking(|read| read.identity().sealed_after(None, 10_000));
    let found = found.map_err(|error: StoreError| error).unwrap();
    let key = |secret: &store::identity::Sealed| {
        let bytes = match secret.place.table {
            SealedTable::DomainOptions => STANDARD.decode(&secret.stored).unwrap(),
            _ => secret.stored.clone(),
        };
        u32::from_be_bytes(bytes[1..5].try_into().unwrap())
    };
    (found.iter().map(key).collect(), found.len())
}

fn key_files(directory: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("secret-")).collect()
}

fn make(api: &TestApi, token: &str, path: &str, body: &Value) -> Value {
    let made = api.ask(token, "POST", path, body);
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

#[test]
fn rotated_secret_keys_move_every_secret_and_go_when_nothing_names_them() {
    let api = TestApi::start();
    let admin = api.admin();
    let user = api.login("admin", PASSWORD, &Value::Null).json()["token"]["user"]["id"].clone();
    let credentials = "/identity/v3/credentials";
    // More than one batch of them.
    for number in 0..205 {
        let body = json!({ "credential": { "user_id": user, "type": "cert", "blob": format!("PEM {number}") } });
        make(&api, &admin, credentials, &body);
    }
    let ec2 = format!("/identity/v3/users/{}/credentials/OS-EC2", user.as_str().unwrap());
    make(&api, &admin, &ec2, &json!({ "tenant_id": api.made.admin_project }));
    make(&api, &admin, "/identity/v3/OS-OAUTH1/consumers", &json!({ "consumer": {} }));
    let config = json!({ "config": { "ldap": { "url": "ldap://x", "password": "hidden" } } });
    assert_eq!(api.ask(&admin, "PUT", "/identity/v3/domains/default/config", &config).status, 201);
    assert_eq!(named(&api), (BTreeSet::from([1]), 208));
    let before = (api.get(&admin, credentials).json(), api.get(&admin, &ec2).json());

    // What a rotation leaves that was killed when it had made its key; a process uses it already.
    let keys = api.directory.join("keys");
    fs::write(keys.join("secret-2.key"), [7; 32]).unwrap();
    fs::set_permissions(keys.join("secret-2.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let other = TestApi::over(api.directory.clone(), |_| {}, Arc::new(NullWorld));
    let body = json!({ "credential": { "user_id": user, "type": "cert", "blob": "of key 2" } });
    make(&other, &admin, credentials, &body);
    assert_eq!(named(&api), (BTreeSet::from([1, 2]), 209));

    let (rotation, seen) = std::thread::scope(|scope| {
        let rotation = scope.spawn(|| api::rotate_secret_keys(&keys, &other.store).unwrap());
        let mut seen = 0;
        while !rotation.is_finished() {
            // Both read all the time, and one writes with whatever key it has.
            for api in [&api, &other] {
                assert_eq!(api.get(&admin, &format!("{credentials}?limit=3")).status, 200);
                assert_eq!(
                    api.get(&admin, &ec2).json()["credentials"][0]["secret"],
                    before.1["credentials"][0]["secret"]
                );
            }
            let body = json!({ "credential": { "user_id": user, "type": "cert", "blob": format!("late {seen}") } });
            if seen < 20 {
                make(&api, &admin, credentials, &body);
                seen += 1;
            }
        }
        (rotation.join().unwrap(), seen)
    });
    assert_eq!((rotation.new, rotation.unreadable), (3, 0));
    assert_eq!((rotation.removed, rotation.kept), (vec![1, 2], vec![]));
    assert!(rotation.moved >= 209, "{}", rotation.moved);
    assert_eq!(named(&api), (BTreeSet::from([3]), 209 + seen));
    assert_eq!(key_files(&keys), BTreeSet::from(["secret-3.key".to_owned()]));
    for api in [&api, &other] {
        let found = api.get(&admin, credentials).json()["credentials"].as_array().unwrap().clone();
        let all = before.0["credentials"].as_array().unwrap();
        let blobs: BTreeSet<_> = found.iter().map(|one| one["blob"].as_str().unwrap()).collect();
        assert!(blobs.contains("of key 2"));
        assert!(all.iter().all(|one| blobs.contains(one["blob"].as_str().unwrap())));
    }
}

#[test]
fn a_damaged_secret_stays_and_is_counted_and_keeps_its_key() {
    let api = TestApi::start();
    let admin = api.admin();
    let user = api.login("admin", PASSWORD, &Value::Null).json()["token"]["user"]["id"].clone();
    for blob in ["good", "damaged"] {
        let body = json!({ "credential": { "user_id": user, "type": "cert", "blob": blob } });
        make(&api, &admin, "/identity/v3/credentials", &body);
    }
    let damage = |tx: &mut store::Tx<'_>| {
        let mut secret = tx.identity().sealed_after(None, 1)?.remove(0);
        *secret.stored.last_mut().unwrap() ^= 1;
        tx.identity().put_sealed(&secret)
    };
    api.store.write_blocking::<_, StoreError, _>(damage).unwrap();
    let keys = api.directory.join("keys");
    let rotation = api::rotate_secret_keys(&keys, &api.store).unwrap();
    // The key stays for as long as something names it: a backup may bring the row back whole.
    assert_eq!((rotation.moved, rotation.unreadable), (1, 1));
    assert_eq!((rotation.removed, rotation.kept), (vec![], vec![1]));
    assert_eq!(named(&api).0, BTreeSet::from([1, 2]));
}
