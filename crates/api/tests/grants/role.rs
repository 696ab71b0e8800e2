//! Roles, and which implies which.

use serde_json::{Value, json};

use super::{Cloud, id};

#[test]
fn a_role_lives_a_whole_life() {
    let cloud = Cloud::start();
    let role = cloud.make("/roles", "role", json!({ "name": "operator of lifts", "colour": "red" }));
    assert_eq!(role["domain_id"], Value::Null);
    assert_eq!(role["description"], Value::Null);
    assert_eq!(role["options"], json!({}));
    assert_eq!(role["colour"], "red", "what Keystone does not know is kept");
    let path = format!("/roles/{}", id(&role));
    assert!(role["links"]["self"].as_str().unwrap().ends_with(&format!("/identity/v3{path}")));
    let changed = cloud.change(&path, "role", json!({ "name": "lift", "description": "up and down" }));
    assert_eq!(cloud.get(&path)["role"], changed);
    assert_eq!(cloud.ids("/roles?name=lift"), [id(&role)]);
    assert_eq!(cloud.ids("/roles?name__startswith=li"), [id(&role)]);
    cloud.done("DELETE", &path);
    assert_eq!(cloud.refused("GET", &path, &Value::Null), (404, format!("Could not find role: {}.", id(&role))));
}

#[test]
fn what_is_no_role_is_named() {
    let cloud = Cloud::start();
    let create = |body: Value| cloud.refused("POST", "/roles", &json!({ "role": body }));
    let invalid = |field: &str, value: &str, reason: &str| {
        (400, format!("Invalid input for field/attribute {field}. Value: {value}. {reason}"))
    };
    assert_eq!(create(json!({})), invalid("role", "{}", "'name' is a required property"));
    assert_eq!(create(json!({ "name": 5 })), invalid("name", "5", "5 is not of type 'string'"));
    assert_eq!(create(json!({ "name": "" })), invalid("name", "", "'' should be non-empty"));
    assert_eq!(create(json!({ "name": "  " })), invalid("name", "  ", "'  ' does not match '[\\\\S]+'"));
    let long = "x".repeat(256);
    assert_eq!(create(json!({ "name": long })), invalid("name", &long, &format!("'{long}' is too long")));
    assert_eq!(
        create(json!({ "name": "x", "options": { "immutable": "yes" } })),
        invalid("immutable", "yes", "'yes' is not of type 'boolean', 'null'")
    );
    assert_eq!(
        create(json!({ "name": "x", "options": { "colour": 1 } })),
        invalid("options", "{'colour': 1}", "Additional properties are not allowed ('colour' was unexpected)")
    );
    assert_eq!(
        create(json!({ "name": "member" })),
        (409, "Conflict occurred attempting to store role - Duplicate entry found with name member.".to_owned())
    );
    assert_eq!(create(json!({ "name": "x", "domain_id": "nope" })), (404, "Could not find domain: nope.".to_owned()));
    assert_eq!(cloud.refused("POST", "/roles", &json!({})), (400, "'role' is a required property".to_owned()));
}

#[test]
fn an_immutable_role_is_first_made_mutable() {
    let cloud = Cloud::start();
    let role = cloud.make("/roles", "role", json!({ "name": "rock", "options": { "immutable": true } }));
    let path = format!("/roles/{}", id(&role));
    let refused = |verb: &str| {
        let id = id(&role);
        (
            403,
            format!(
                "Unable to {verb} immutable role resource: `{id}. Set resource option \"immutable\" to false first."
            ),
        )
    };
    assert_eq!(cloud.refused("PATCH", &path, &json!({ "role": { "name": "sand" } })), refused("update"));
    let both = json!({ "role": { "name": "sand", "options": { "immutable": false } } });
    assert_eq!(cloud.refused("PATCH", &path, &both), refused("update"));
    assert_eq!(cloud.refused("DELETE", &path, &Value::Null), refused("delete"));
    let mutable = cloud.change(&path, "role", json!({ "options": { "immutable": false } }));
    assert_eq!(mutable["options"], json!({ "immutable": false }));
    let reset = cloud.change(&path, "role", json!({ "options": { "immutable": null } }));
    assert_eq!(reset["options"], json!({}));
    cloud.done("DELETE", &path);
}

#[test]
fn a_role_of_a_domain_is_listed_there_only() {
    let cloud = Cloud::start();
    let domain = cloud.named("domain", "west");
    let role = cloud.make("/roles", "role", json!({ "name": "member", "domain_id": domain }));
    assert_eq!(role["domain_id"], json!(domain));
    assert_eq!(cloud.ids(&format!("/roles?domain_id={domain}")), [id(&role)]);
    assert!(!cloud.ids("/roles").contains(&id(&role).to_owned()));
    let second = json!({ "role": { "name": "member", "domain_id": domain } });
    let reason = format!("Duplicate entry found with name member at domain ID {domain}");
    assert_eq!(
        cloud.refused("POST", "/roles", &second),
        (409, format!("Conflict occurred attempting to store role - {reason}."))
    );
    let path = format!("/roles/{}", id(&role));
    assert_eq!(
        cloud.refused("PATCH", &path, &json!({ "role": { "domain_id": "default" } })),
        (400, "Update of `domain_id` is not allowed.".to_owned())
    );
    assert_eq!(
        cloud.refused("PATCH", &path, &json!({ "role": { "id": "other" } })),
        (400, "Cannot change ID".to_owned())
    );
}

#[test]
fn a_role_implies_another_until_it_is_told_not_to() {
    let cloud = Cloud::start();
    let [prior, implied] = ["prior", "implied"].map(|name| cloud.named("role", name));
    let path = format!("/roles/{prior}/implies/{implied}");
    let missing = (404, format!("{prior} does not imply {implied}."));
    assert_eq!(cloud.refused("GET", &path, &Value::Null), missing);
    let answer = cloud.ask("PUT", &path, &Value::Null);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let made = answer.json();
    assert_eq!(made["role_inference"]["prior_role"]["name"], "prior");
    assert_eq!(made["role_inference"]["implies"]["id"], json!(implied));
    assert_eq!(cloud.get(&path), made);
    assert_eq!(cloud.ask("HEAD", &path, &Value::Null).status, 204);
    let listed = cloud.get(&format!("/roles/{prior}/implies"));
    assert_eq!(listed["role_inference"]["implies"], json!([made["role_inference"]["implies"]]));
    let rules = cloud.get("/role_inferences");
    let rule = rules["role_inferences"].as_array().unwrap().iter().find(|rule| rule["prior_role"]["id"] == prior);
    assert_eq!(rule.unwrap()["implies"][0]["name"], "implied");
    assert_eq!(
        cloud.refused("PUT", &path, &Value::Null),
        (409, "Conflict occurred attempting to store implied_role - Duplicate entry.".to_owned())
    );
    cloud.done("DELETE", &path);
    assert_eq!(cloud.refused("DELETE", &path, &Value::Null), missing);
    assert_eq!(
        cloud.refused("PUT", &format!("/roles/{prior}/implies/nope"), &Value::Null),
        (404, "Could not find role: nope.".to_owned())
    );
}

#[test]
fn nothing_implies_admin_itself_or_a_narrower_role() {
    let cloud = Cloud::start();
    let [one, two] = ["one", "two"].map(|name| cloud.named("role", name));
    let domain = cloud.named("domain", "west");
    let of_domain = cloud.make("/roles", "role", json!({ "name": "w", "domain_id": domain }));
    let imply =
        |prior: &str, implied: &str| cloud.ask("PUT", &format!("/roles/{prior}/implies/{implied}"), &Value::Null);
    assert_eq!(imply(&one, &two).status, 201);
    assert_eq!(imply(id(&of_domain), &one).status, 201, "a domain's role may imply one of the cloud");
    for (prior, implied) in [
        (one.as_str(), cloud.role("admin").as_str()),
        (&one, id(&of_domain)),
        (&one, &one),
        // A circle makes one role of several.
        (&two, &one),
    ] {
        let answer = imply(prior, implied);
        assert_eq!((answer.status, answer.message()), (403, format!("{implied} cannot be an implied roles.")));
    }
}
