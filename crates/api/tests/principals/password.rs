//! Rules for passwords.

use std::{sync::Arc, time::Duration};

use api::{NullWorld, PasswordPattern, SecurityCompliance};
use serde_json::{Value, json};

use super::{Cloud, TestApi, id};
use crate::common::Answer;

fn cloud(rules: SecurityCompliance) -> Cloud {
    Cloud::of(TestApi::with(|config| config.security = rules, Arc::new(NullWorld)))
}

fn user(cloud: &Cloud, password: &str) -> Value {
    cloud.user(json!({ "name": "u", "domain_id": "default", "password": password }))
}

/// A user's own change of password.
fn change(cloud: &Cloud, user: &Value, from: &str, to: &str) -> Answer {
    let body = json!({ "user": { "original_password": from, "password": to } });
    cloud.api.ask("", "POST", &format!("/identity/v3/users/{}/password", id(user)), &body)
}

fn refused(cloud: &Cloud, user: &Value, from: &str, to: &str) -> (u16, String) {
    let answer = change(cloud, user, from, to);
    (answer.status, answer.message())
}

#[test]
fn a_new_password_voids_the_tokens_of_the_old_one() {
    let cloud = cloud(SecurityCompliance::default());
    let user = user(&cloud, "one");
    let token = cloud.token(&user, "one", &Value::Null);
    assert_eq!(change(&cloud, &user, "wrong", "two").status, 401);
    assert_eq!(change(&cloud, &user, "one", "two").status, 204);
    assert_eq!(cloud.api.get(&token, "/identity/v3/auth/projects").status, 401);
    assert_eq!(cloud.login(&user, "one", &Value::Null).status, 401);
    assert_eq!(cloud.login(&user, "two", &Value::Null).status, 201);
    assert_eq!(change(&cloud, &user, "two", "two").status, 204, "any password is new enough by default");
}

#[test]
fn former_passwords_do_not_come_back_unless_an_administrator_says_so() {
    let cloud = cloud(SecurityCompliance { unique_last_password_count: 3, ..SecurityCompliance::default() });
    let user = user(&cloud, "p0");
    assert_eq!(change(&cloud, &user, "p0", "p1").status, 204);
    let text = "The new password cannot be identical to a previous password. The total number which includes the new \
                password must be unique is 3.";
    for former in ["p0", "p1"] {
        assert_eq!(refused(&cloud, &user, "p1", former), (400, text.to_owned()), "{former}");
    }
    assert_eq!(change(&cloud, &user, "p1", "p2").status, 204);
    assert_eq!(refused(&cloud, &user, "p2", "p0").0, 400, "two before the present one are remembered");
    assert_eq!(change(&cloud, &user, "p2", "p3").status, 204);
    assert_eq!(change(&cloud, &user, "p3", "p0").status, 204, "three before it are not");
    cloud.change(&format!("/users/{}", id(&user)), json!({ "user": { "password": "p0" } }));
    assert_eq!(cloud.login(&user, "p0", &Value::Null).status, 201);
}

#[test]
fn a_password_that_was_chosen_must_be_used_for_a_while() {
    let day = Duration::from_secs(86_400);
    let cloud = cloud(SecurityCompliance { minimum_password_age: 2 * day, ..SecurityCompliance::default() });
    let user = user(&cloud, "one");
    assert_eq!(change(&cloud, &user, "one", "two").status, 204, "an administrator chose the first one");
    let text = "You cannot change your password at this time due to the minimum password age. Once you change your \
                password, it must be used for 2 day(s) before it can be changed. Please try again in 1 day(s) or contact \
                your administrator to reset your password.";
    assert_eq!(refused(&cloud, &user, "two", "three"), (400, text.to_owned()));
}

#[test]
fn an_expired_password_is_good_for_nothing_but_to_be_changed() {
    let cloud = cloud(SecurityCompliance { change_password_upon_first_use: true, ..SecurityCompliance::default() });
    let user = user(&cloud, "one");
    assert!(user["password_expires_at"].is_string(), "{user}");
    let login = cloud.login(&user, "one", &Value::Null);
    let text = format!("The password is expired and needs to be changed for user: {}.", id(&user));
    assert_eq!((login.status, login.message()), (401, text));
    let wrong = cloud.login(&user, "wrong", &Value::Null);
    assert_eq!(
        wrong.message(),
        "The request you have made requires authentication.",
        "who does not know it hears nothing"
    );
    assert_eq!(cloud.names("/users?password_expires_at=lt:2999-01-01T00:00:00Z"), ["u"]);
    assert_eq!(change(&cloud, &user, "one", "two").status, 204);
    assert_eq!(cloud.login(&user, "two", &Value::Null).status, 201);
    let exempt = cloud.user(json!({
        "name": "v", "domain_id": "default", "password": "p", "options": { "ignore_change_password_upon_first_use": true },
    }));
    assert_eq!(cloud.login(&exempt, "p", &Value::Null).status, 201);
}

#[test]
fn passwords_expire_and_those_of_some_users_do_not() {
    let rules = SecurityCompliance { password_expires: Some(Duration::from_secs(1)), ..SecurityCompliance::default() };
    let cloud = cloud(rules);
    let user = user(&cloud, "p");
    let exempt = cloud.user(json!({
        "name": "v", "domain_id": "default", "password": "p", "options": { "ignore_password_expiry": true },
    }));
    assert_eq!(cloud.login(&user, "p", &Value::Null).status, 201);
    assert_eq!(exempt["password_expires_at"], Value::Null);
    let token = cloud.login(&user, "p", &Value::Null).json();
    assert_eq!(token["token"]["user"]["password_expires_at"], user["password_expires_at"]);
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(cloud.login(&user, "p", &Value::Null).status, 401);
    assert_eq!(cloud.login(&exempt, "p", &Value::Null).status, 201);
}

#[test]
fn passwords_look_as_they_must() {
    let pattern = PasswordPattern::new(r"^(?=.*\d)(?=.*[a-z]).{4,}$", "letters and digits, four at least").unwrap();
    let cloud = cloud(SecurityCompliance { password_pattern: Some(pattern), ..SecurityCompliance::default() });
    let text = (400, "The password does not match the requirements: letters and digits, four at least.".to_owned());
    let weak = json!({ "user": { "name": "u", "password": "abcd" } });
    assert_eq!(cloud.refused("POST", "/users", &weak), text);
    let user = user(&cloud, "abc1");
    assert_eq!(refused(&cloud, &user, "abc1", "1234"), text);
    assert_eq!(cloud.refused("PATCH", &format!("/users/{}", id(&user)), &json!({ "user": { "password": "x" } })), text);
    assert_eq!(change(&cloud, &user, "abc1", "abc2").status, 204);
    let read = cloud.get("/domains/default/config/security_compliance/password_regex_description").json();
    assert_eq!(read["config"], json!({ "password_regex_description": "letters and digits, four at least" }));
}

#[test]
fn a_locked_password_is_changed_by_administrators_only() {
    let cloud = cloud(SecurityCompliance::default());
    let user = cloud.user(json!({
        "name": "u", "domain_id": "default", "password": "one", "options": { "lock_password": true },
    }));
    let text = "You cannot change your password at this time due to password policy disallowing password changes. Please \
                contact your administrator to reset your password.";
    assert_eq!(refused(&cloud, &user, "one", "two"), (400, text.to_owned()));
    let path = format!("/users/{}", id(&user));
    cloud.change(&path, json!({ "user": { "password": "two" } }));
    let freed = cloud.change(&path, json!({ "user": { "options": { "lock_password": null } } }));
    assert_eq!(freed["user"]["options"], json!({}));
    assert_eq!(change(&cloud, &user, "two", "three").status, 204);
}
