//! Which options a domain can have, and Keystone's defaults of them.

use serde_json::{Map, Value, json};

/// The groups.
pub(super) const GROUPS: [&str; 2] = ["identity", "ldap"];

/// Whether there is such a group.
pub(super) fn is_group(group: &str) -> bool {
    GROUPS.contains(&group)
}

/// Whether there is such an option, and it may be shown.
pub(super) fn is_shown(group: &str, option: &str) -> bool {
    defaults(group).contains_key(option)
}

/// Whether there is such an option, and it is a secret.
pub(super) fn is_secret(group: &str, option: &str) -> bool {
    (group, option) == ("ldap", "password")
}

/// What may be shown of a group, as it is where nothing is configured.
pub(super) fn defaults(group: &str) -> Map<String, Value> {
    let options = match group {
        "identity" => identity(),
        "ldap" => ldap(),
        _ => Value::Null,
    };
    match options {
        Value::Object(options) => options,
        _ => Map::new(),
    }
}

fn identity() -> Value {
    json!({ "driver": "sql", "list_limit": null })
}

fn ldap() -> Value {
    let mut all = connection();
    for more in [users(), groups(), transport()] {
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
    }
    all
}

fn connection() -> Value {
    json!({
        "url": "ldap://localhost",
        "user": null,
        "suffix": "cn=example,cn=com",
        "query_scope": "one",
        "page_size": 0,
        "alias_dereferencing": "default",
        "debug_level": null,
        "chase_referrals": null,
    })
}

fn users() -> Value {
    json!({
        "user_tree_dn": null,
        "user_filter": null,
        "user_objectclass": "inetOrgPerson",
        "user_id_attribute": "cn",
        "user_name_attribute": "sn",
        "user_mail_attribute": "mail",
        "user_description_attribute": "description",
        "user_pass_attribute": "userPassword",
        "user_enabled_attribute": "enabled",
        "user_enabled_invert": false,
        "user_enabled_mask": 0,
        "user_enabled_default": "True",
        "user_attribute_ignore": ["default_project_id"],
        "user_default_project_id_attribute": null,
        "user_enabled_emulation": false,
        "user_enabled_emulation_dn": null,
        "user_enabled_emulation_use_group_config": false,
        "user_additional_attribute_mapping": [],
    })
}

fn groups() -> Value {
    json!({
        "group_tree_dn": null,
        "group_filter": null,
        "group_objectclass": "groupOfNames",
        "group_id_attribute": "cn",
        "group_name_attribute": "ou",
        "group_members_are_ids": false,
        "group_member_attribute": "member",
        "group_desc_attribute": "description",
        "group_attribute_ignore": [],
        "group_additional_attribute_mapping": [],
    })
}

fn transport() -> Value {
    json!({
        "tls_cacertfile": null,
        "tls_cacertdir": null,
        "use_tls": false,
        "tls_req_cert": "demand",
        "use_pool": true,
        "pool_size": 10,
        "pool_retry_max": 3,
        "pool_retry_delay": 0.1,
        "pool_connection_timeout": -1,
        "pool_connection_lifetime": 600,
        "use_auth_pool": true,
        "auth_pool_size": 100,
        "auth_pool_connection_lifetime": 60,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_no_option_that_is_shown() {
        assert_eq!((defaults("identity").len(), defaults("ldap").len()), (2, 49));
        assert!(is_secret("ldap", "password") && !is_shown("ldap", "password"));
        assert!(is_shown("ldap", "url") && !is_shown("identity", "url") && defaults("sql").is_empty());
    }
}
