//! The attribute tables against the structs, and requests against Neutron's texts.

use serde_json::{Value, json};
use types::ProjectId;

use super::*;

fn check<R: Resource>() {
    let start = resource_start::<R>();
    let body = view::body_of(&start);
    let fields: Vec<_> = body.keys().cloned().collect();
    let mut named: Vec<_> = R::INFO.attributes.iter().map(|attribute| attribute.name.to_owned()).collect();
    named.sort();
    assert_eq!(fields, named, "{}", R::INFO.member);
    let again: R = serde_json::from_value(Value::Object(body)).unwrap();
    assert_eq!(again, start);
}

fn resource_start<R: Resource>() -> R {
    let id = "00000000-0000-0000-0000-000000000001".parse().ok().unwrap();
    R::start(id, ProjectId::random(), Timestamp::now())
}

#[test]
fn every_table_fits_its_struct() {
    struct Check;
    impl registry::ForEach for Check {
        fn of<R: Resource>(&self) {
            check::<R>();
        }
    }
    registry::for_each(&Check);
}

#[test]
fn every_extension_that_an_attribute_names_is_offered_or_its_attribute_is_known_early() {
    for info in registry::RESOURCES {
        assert!(info.since.is_empty() || extension::by_alias(info.since).is_some(), "{}", info.since);
    }
}

fn create_error<R: Resource>(body: Value) -> String {
    let project = ProjectId::random();
    request::create::<R>(body.as_object().unwrap(), &project, false).unwrap_err().to_string()
}

#[test]
fn bad_requests_are_answered_in_neutrons_words() {
    assert_eq!(create_error::<Network>(json!({"nope": 1})), "Unrecognized attribute(s) 'nope'");
    assert_eq!(
        create_error::<Network>(json!({"admin_state_up": "maybe"})),
        "Invalid input for operation: 'maybe' cannot be converted to boolean."
    );
    let long = "x".repeat(256);
    assert_eq!(
        create_error::<Network>(json!({"name": long})),
        format!("Invalid input for name. Reason: '{long}' exceeds maximum length of 255.")
    );
    assert_eq!(
        create_error::<Port>(json!({"name": "x"})),
        "Failed to parse request. Required attribute 'network_id' not specified"
    );
    assert_eq!(
        create_error::<Port>(json!({"network_id": "zzz"})),
        "Invalid input for network_id. Reason: 'zzz' is not a valid UUID."
    );
    assert_eq!(
        create_error::<Port>(json!({"network_id": "f32c2fc0-c3b5-44f2-b5d0-83bf37d6c28d", "mac_address": "zz:zz"})),
        "Invalid input for mac_address. Reason: 'zz:zz' is not a valid MAC address."
    );
    let body = json!({"status": "DOWN"});
    let error = request::update::<Network>(body.as_object().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "Cannot update read-only attribute status");
}

#[test]
fn a_patch_tells_null_from_absent() {
    let id = "f32c2fc0-c3b5-44f2-b5d0-83bf37d6c28d";
    let parse =
        |body: Value| request::create::<Subnet>(body.as_object().unwrap(), &ProjectId::random(), false).unwrap();
    let absent = parse(json!({"network_id": id, "ip_version": 4, "cidr": "10.0.0.7/24"}));
    assert_eq!(absent.patch.gateway_ip, None);
    assert_eq!(absent.patch.cidr.unwrap().unwrap().to_string(), "10.0.0.0/24");
    let null = parse(json!({"network_id": id, "ip_version": "4", "cidr": "10.0.0.0/24", "gateway_ip": null}));
    assert_eq!(null.patch.gateway_ip, Some(None));
}

#[test]
fn constants_take_their_value_and_nothing_else() {
    let parse = |body: Value| request::create::<Router>(body.as_object().unwrap(), &ProjectId::random(), true);
    assert!(parse(json!({"ha": false, "distributed": "False"})).is_ok());
    assert_eq!(parse(json!({"ha": true})).unwrap_err().kind(), "InvalidInput");
}

#[test]
fn lists_are_asked_for_in_neutrons_words() {
    let parse = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        ListQuery::parse(Port::INFO, &pairs)
    };
    let message = |pairs: &[(&str, &str)]| parse(pairs).unwrap_err().to_string();
    assert_eq!(message(&[("limit", "abc")]), "Bad limit request: Limit must be an integer 0 or greater and not 'abc'.");
    assert_eq!(message(&[("sort_key", "nope")]), "['nope'] is invalid attribute for sort_keys");
    assert_eq!(
        message(&[("sort_key", "name"), ("sort_dir", "up")]),
        "['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'"
    );
    let query =
        parse(&[("fixed_ips", "ip_address=10.0.0.1"), ("fixed_ips", "ip_address=10.0.0.2"), ("x", "y")]).unwrap();
    assert_eq!(query.filters.len(), 1);
}

/// A start object as a row: what the store would make of it.
fn row_of<R: Resource>(object: &R) -> Row {
    let body = view::body_of(object);
    let cell = |attribute: &Attribute| match (attribute.kind.column(), &body[attribute.name]) {
        (_, Value::Null) => Cell::Null,
        (Column::Json, value) => Cell::Json(value.to_string()),
        (_, Value::Bool(value)) => Cell::Boolean(*value),
        (_, Value::Number(number)) => Cell::Integer(number.as_i64().unwrap()),
        (_, value) => Cell::Text(value.as_str().unwrap().to_owned()),
    };
    Row::new(R::INFO, R::INFO.attributes.iter().map(cell).collect())
}

fn same_view<R: Resource>() {
    let object = resource_start::<R>();
    let selections =
        [vec![], vec!["id".to_owned(), "tenant_id".to_owned(), "computed".to_owned()], vec!["x".to_owned()]];
    for (is_admin, profile) in [(true, Profile::Full), (false, Profile::Full), (false, Profile::Cbk)] {
        let viewer = view::Viewer::new(R::INFO, is_admin, profile.features());
        for fields in &selections {
            let (mut body, mut row) = (view::body_of(&object), row_of(&object));
            for object in [&mut body as &mut dyn Fields, &mut row] {
                object.set("computed", json!(["\"quoted\"", 1]));
                object.remove("revision_number");
                assert_eq!(object.text("id").map(str::to_owned), Some(resource_start::<R>().id().to_string()));
            }
            viewer.present(&mut body, fields);
            let written = row::write_list(&viewer, &[row.clone(), row], fields);
            let read: Value = serde_json::from_slice(&written).unwrap();
            let body = Value::Object(body);
            assert_eq!(read, json!([body, body]), "{} {is_admin} {profile:?} {fields:?}", R::INFO.member);
            let keys = String::from_utf8(written).unwrap();
            assert_eq!(keys.matches("\"tenant_id\":").count(), 2 * usize::from(body.get("tenant_id").is_some()));
        }
    }
}

#[test]
fn a_list_shows_of_each_object_what_the_object_shows_alone() {
    struct Check;
    impl registry::ForEach for Check {
        fn of<R: Resource>(&self) {
            same_view::<R>();
        }
    }
    registry::for_each(&Check);
}
