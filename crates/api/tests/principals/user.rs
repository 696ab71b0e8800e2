//! Users.

use serde_json::{Value, json};

use super::{Cloud, id};

#[test]
fn a_user_keeps_attributes_of_its_own_and_shows_no_password() {
    let cloud = Cloud::start();
    let user = cloud.user(json!({
        "name": " u ", "domain_id": "default", "password": "secret", "email": "u@example.org", "description": "d",
        "project_id": "x", "enabled": false,
    }));
    for (name, value) in [("name", "u"), ("email", "u@example.org"), ("description", "d"), ("project_id", "x")] {
        assert_eq!(user[name], value, "{name}");
    }
    assert!(user.get("default_project_id").is_none() && user.get("password").is_none(), "{user}");
    assert_eq!(
        (&user["enabled"], &user["password_expires_at"], &user["options"]),
        (&json!(false), &Value::Null, &json!({}))
    );
    let path = format!("/users/{}", id(&user));
    let change = json!({ "name": "v", "email": "v@example.org", "default_project_id": "some-project" });
    let changed = cloud.change(&path, json!({ "user": change }))["user"].clone();
    assert_eq!(
        (&changed["name"], &changed["email"], &changed["description"]),
        (&json!("v"), &json!("v@example.org"), &json!("d"))
    );
    // A default project need not exist, in Keystone's words: it is a convenience.
    assert_eq!(changed["default_project_id"], "some-project");
    assert!(
        cloud.change(&path, json!({ "user": { "default_project_id": null } }))["user"]
            .get("default_project_id")
            .is_none()
    );
    assert_eq!(cloud.get(&path).json()["user"]["email"], "v@example.org");
}

#[test]
fn what_does_not_fit_a_user_is_named() {
    let cloud = Cloud::start();
    let create = |body: Value| cloud.refused("POST", "/users", &json!({ "user": body }));
    cloud.user(json!({ "name": "u", "domain_id": "default" }));
    let conflict =
        "Conflict occurred attempting to store user - Duplicate entry found with name u at domain ID default.";
    assert_eq!(create(json!({ "name": "u" })), (409, conflict.to_owned()));
    assert_eq!(create(json!({ "name": "x", "domain_id": "nope" })), (404, "Could not find domain: nope.".to_owned()));
    let text = "User's default project ID cannot be a domain ID: default";
    assert_eq!(create(json!({ "name": "x", "default_project_id": "default" })), (400, text.to_owned()));
    let (status, text) = create(json!({ "name": "x", "options": { "lock_pasword": true } }));
    assert!(
        status == 400 && text.ends_with("Additional properties are not allowed ('lock_pasword' was unexpected)"),
        "{text}"
    );
    let user = cloud.user(json!({ "name": "y", "domain_id": "default" }));
    let update = |body: Value| cloud.refused("PATCH", &format!("/users/{}", id(&user)), &json!({ "user": body }));
    assert_eq!(update(json!({ "id": "other" })), (400, "Cannot change ID".to_owned()));
    assert_eq!(update(json!({ "domain_id": "other" })), (400, "Cannot change Domain ID".to_owned()));
    assert_eq!(update(json!({ "name": "u" })).0, 409);
    assert_eq!(cloud.refused("GET", "/users/nope", &Value::Null), (404, "Could not find user: nope.".to_owned()));
}

#[test]
fn users_are_listed_by_name_domain_state_and_expiry() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    cloud.user(json!({ "name": "Ada", "domain_id": domain["id"] }));
    cloud.user(json!({ "name": "bob", "domain_id": domain["id"], "enabled": false }));
    let of_domain = format!("domain_id={}", id(&domain));
    let find = |query: &str| cloud.names(&format!("/users?{of_domain}&{query}"));
    assert_eq!(find(""), ["Ada", "bob"]);
    assert_eq!(find("name=bob"), ["bob"]);
    assert_eq!(find("name__contains=d"), ["Ada"]);
    assert_eq!(find("name__icontains=A"), ["Ada"]);
    assert_eq!(find("name__startswith=a"), Vec::<String>::new());
    assert_eq!(find("name__istartswith=a"), ["Ada"]);
    assert_eq!(find("name__endswith=b"), ["bob"]);
    assert_eq!(find("enabled=false"), ["bob"]);
    assert_eq!(find("enabled"), ["Ada"]);
    assert_eq!(find("password_expires_at=gt:2020-01-01T00:00:00Z"), Vec::<String>::new());
    assert_eq!(find("idp_id=somebody"), Vec::<String>::new());
    assert_eq!(cloud.names("/users?domain_id=no%20id"), Vec::<String>::new());
}

#[test]
fn a_user_sees_itself_its_projects_and_its_groups_and_nobody_else() {
    let cloud = Cloud::start();
    let project = cloud.project(json!({ "name": "p", "domain_id": "default" }));
    let [user, other] = ["u", "o"].map(|name| {
        let user = cloud.user(json!({ "name": name, "domain_id": "default", "password": "p" }));
        cloud.grant(&format!("/projects/{}", id(&project)), id(&user), "member");
        user
    });
    let group = cloud.group(json!({ "name": "g", "domain_id": "default" }));
    cloud.done("PUT", &format!("/groups/{}/users/{}", id(&group), id(&user)));
    let token = cloud.token(&user, "p", &json!("unscoped"));
    let get = |path: String| cloud.api.get(&token, &format!("/identity/v3{path}"));
    assert_eq!(get(format!("/users/{}", id(&user))).json()["user"]["name"], "u");
    assert_eq!(get(format!("/users/{}/projects", id(&user))).json()["projects"][0]["name"], "p");
    let groups = get(format!("/users/{}/groups", id(&user))).json();
    assert_eq!(
        (&groups["groups"][0]["name"], &groups["groups"][0]["membership_expires_at"]),
        (&json!("g"), &Value::Null)
    );
    for (path, action) in [("", "get_user"), ("/projects", "list_user_projects"), ("/groups", "list_groups_for_user")] {
        let refused = get(format!("/users/{}{path}", id(&other)));
        let text = format!("You are not authorized to perform the requested action: identity:{action}.");
        assert_eq!((refused.status, refused.message()), (403, text));
    }
}

#[test]
fn a_user_without_a_password_cannot_log_in_by_one() {
    let cloud = Cloud::start();
    let user = cloud.user(json!({ "name": "u", "domain_id": "default", "password": "p" }));
    let path = format!("/users/{}", id(&user));
    assert_eq!(cloud.login(&user, "p", &Value::Null).status, 201);
    cloud.change(&path, json!({ "user": { "password": null } }));
    assert_eq!(cloud.login(&user, "p", &Value::Null).status, 401);
    assert_eq!(cloud.login(&user, "", &Value::Null).status, 401);
    cloud.change(&path, json!({ "user": { "password": "q" } }));
    assert_eq!(cloud.login(&user, "q", &Value::Null).status, 201);
}

#[test]
fn a_default_project_is_the_scope_of_a_token_that_asks_for_none() {
    let cloud = Cloud::start();
    let domain = cloud.domain(json!({ "name": "d" }));
    let project = cloud.project(json!({ "name": "p", "domain_id": domain["id"] }));
    let user = cloud.user(json!({
        "name": "u", "domain_id": domain["id"], "password": "p", "default_project_id": project["id"],
    }));
    let token = |user: &Value| cloud.login(user, "p", &Value::Null).json()["token"].clone();
    assert!(token(&user).get("project").is_none(), "no role there yet");
    cloud.grant(&format!("/projects/{}", id(&project)), id(&user), "member");
    assert_eq!(token(&user)["project"]["id"], project["id"]);
}
