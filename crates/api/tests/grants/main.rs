//! Roles, assignments, the catalogue, limits and who may do what, over HTTP.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;

mod access;
mod assignment;
mod catalog;
mod endpoint_filter;
mod grant;
mod limit;
mod region;
mod role;

use common::{Answer, TestApi};
use serde_json::{Value, json};

/// An API with its administrator's token.
struct Cloud {
    api: TestApi,
    admin: String,
}

impl Cloud {
    fn start() -> Self {
        Self::of(TestApi::start())
    }

    fn of(api: TestApi) -> Self {
        let admin = api.admin();
        Self { api, admin }
    }

    /// Asks as the administrator.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.api.ask(&self.admin, method, &format!("/identity/v3{path}"), body)
    }

    /// What is there.
    fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, &Value::Null);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// Makes something, and returns it.
    fn make(&self, path: &str, member: &str, attributes: Value) -> Value {
        let answer = self.ask("POST", path, &json!({ member: attributes }));
        assert_eq!(answer.status, 201, "{member}: {}", answer.text);
        answer.json()[member].clone()
    }

    /// Makes a role, project, user, group or domain of a name, and returns its id.
    fn named(&self, member: &str, name: &str) -> String {
        id(&self.make(&format!("/{member}s"), member, json!({ "name": name }))).to_owned()
    }

    /// Changes something, and returns it.
    fn change(&self, path: &str, member: &str, attributes: Value) -> Value {
        let answer = self.ask("PATCH", path, &json!({ member: attributes }));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()[member].clone()
    }

    /// Expects 204.
    fn done(&self, method: &str, path: &str) {
        let answer = self.ask(method, path, &Value::Null);
        assert_eq!(answer.status, 204, "{method} {path}: {}", answer.text);
    }

    /// What is refused, with status and message.
    fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.ask(method, path, body);
        assert!(answer.status >= 400, "{method} {path}: {} {}", answer.status, answer.text);
        (answer.status, answer.message())
    }

    /// The ids in a list.
    fn ids(&self, path: &str) -> Vec<String> {
        let json = self.get(path);
        let list = json.as_object().unwrap().values().find_map(Value::as_array).unwrap();
        list.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The id of a role of a name.
    fn role(&self, name: &str) -> String {
        self.ids(&format!("/roles?name={name}")).remove(0)
    }

    /// A token of a user by id.
    fn token(&self, user: &str, password: &str, scope: &Value) -> String {
        let answer = self.login(user, password, scope);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.header("x-subject-token").unwrap().to_owned()
    }

    /// The answer to a login of a user by id.
    fn login(&self, user: &str, password: &str, scope: &Value) -> Answer {
        let user = json!({ "id": user, "password": password });
        let auth = json!({ "identity": { "methods": ["password"], "password": { "user": user } }, "scope": scope });
        self.api.send("POST", "/identity/v3/auth/tokens", &[], Some(&json!({ "auth": auth }).to_string()))
    }
}

/// The id of an object, for paths.
fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}
