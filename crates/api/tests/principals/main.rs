//! Domains, projects, users and groups over HTTP.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;

mod access;
mod domain;
mod domain_config;
mod group;
mod lockout;
mod password;
mod project;
mod tag;
mod user;

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

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null)
    }

    /// Makes something, and returns it.
    fn make(&self, collection: &str, member: &str, attributes: Value) -> Value {
        let answer = self.ask("POST", &format!("/{collection}"), &json!({ member: attributes }));
        assert_eq!(answer.status, 201, "{member}: {}", answer.text);
        answer.json()[member].clone()
    }

    fn project(&self, attributes: Value) -> Value {
        self.make("projects", "project", attributes)
    }

    fn user(&self, attributes: Value) -> Value {
        self.make("users", "user", attributes)
    }

    fn group(&self, attributes: Value) -> Value {
        self.make("groups", "group", attributes)
    }

    fn domain(&self, attributes: Value) -> Value {
        self.make("domains", "domain", attributes)
    }

    /// Changes something, and returns it.
    fn change(&self, path: &str, body: Value) -> Value {
        let answer = self.ask("PATCH", path, &body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// What is refused, with status and message.
    fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.ask(method, path, body);
        assert!(answer.status >= 400, "{method} {path}: {} {}", answer.status, answer.text);
        (answer.status, answer.message())
    }

    /// Expects 204.
    fn done(&self, method: &str, path: &str) {
        let answer = self.ask(method, path, &Value::Null);
        assert_eq!(answer.status, 204, "{method} {path}: {}", answer.text);
    }

    /// The ids in a list.
    fn ids(&self, path: &str) -> Vec<String> {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let json = answer.json();
        let lists = json.as_object().unwrap().values().find_map(Value::as_array).unwrap().clone();
        lists.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The names in a list, sorted.
    fn names(&self, path: &str) -> Vec<String> {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let json = answer.json();
        let list = json.as_object().unwrap().values().find_map(Value::as_array).unwrap().clone();
        let mut names: Vec<_> = list.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn role(&self, name: &str) -> String {
        self.ids(&format!("/roles?name={name}")).remove(0)
    }

    /// Gives a role on a project or a domain.
    fn grant(&self, target: &str, user: &str, role: &str) {
        self.done("PUT", &format!("{target}/users/{user}/roles/{}", self.role(role)));
    }

    /// The answer to a login of a user by id.
    fn login(&self, user: &Value, password: &str, scope: &Value) -> Answer {
        let user = json!({ "id": user["id"], "password": password });
        let mut auth = json!({ "identity": { "methods": ["password"], "password": { "user": user } } });
        if !scope.is_null() {
            auth["scope"] = scope.clone();
        }
        self.api.send("POST", "/identity/v3/auth/tokens", &[], Some(&json!({ "auth": auth }).to_string()))
    }

    /// A token of a user by id.
    fn token(&self, user: &Value, password: &str, scope: &Value) -> String {
        let answer = self.login(user, password, scope);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.header("x-subject-token").unwrap().to_owned()
    }
}

/// The id of an object, for paths.
fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

#[test]
fn a_change_must_change_something() {
    let cloud = Cloud::start();
    let user = cloud.user(json!({ "name": "u", "domain_id": "default" }));
    let group = cloud.group(json!({ "name": "g", "domain_id": "default" }));
    for (path, member) in [
        (format!("/users/{}", id(&user)), "user"),
        (format!("/groups/{}", id(&group)), "group"),
        ("/domains/default".to_owned(), "domain"),
    ] {
        let text = format!("Invalid input for field/attribute {member}. Value: {{}}. {{}} should be non-empty");
        assert_eq!(cloud.refused("PATCH", &path, &json!({ member: {} })), (400, text));
    }
}

#[test]
fn lists_come_in_pages_that_follow_one_another() {
    let cloud = Cloud::start();
    for n in 0..5 {
        cloud.user(json!({ "name": format!("page-{n}"), "domain_id": "default" }));
    }
    let all = cloud.ids("/users?name__startswith=page-");
    let mut path = "/users?name__startswith=page-&limit=2".to_owned();
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let answer = cloud.get(&path).json();
        seen.extend(answer["users"].as_array().unwrap().iter().map(|user| id(user).to_owned()));
        pages += 1;
        let Some(next) = answer["links"]["next"].as_str() else {
            assert!(answer.get("truncated").is_none());
            break;
        };
        assert_eq!(answer["truncated"], true);
        path = next.split_once("/identity/v3").unwrap().1.to_owned();
    }
    assert_eq!((seen, pages), (all, 3));
    let refused = cloud.refused("GET", "/users?marker=nothing", &Value::Null);
    assert_eq!(refused, (404, "Marker nothing could not be found.".to_owned()));
    let refused = cloud.refused("GET", "/users?limit=many", &Value::Null);
    assert_eq!(refused.1, "Invalid input for field/attribute limit. Value: many. 'many' is not of type 'integer'");
}
