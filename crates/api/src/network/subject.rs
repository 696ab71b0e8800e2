//! What a request to the network service is about, by its path: the name in the audit trail.

use hyper::Method;

use crate::audit::Subject;

/// Of a request below `/network`: a region, `v2.0`, the rest.
pub(crate) fn subject(method: &Method, parts: &[&str]) -> Subject {
    let (region, rest) = match parts {
        [region, "v2.0", rest @ ..] => (Some((*region).to_owned()), rest),
        [region, ..] => (Some((*region).to_owned()), &[][..]),
        [] => (None, &[][..]),
    };
    let of = |action: String, target_type: &str, id: Option<&str>| Subject {
        region: region.clone(),
        action,
        target_type: Some(target_type.to_owned()),
        target_id: id.map(str::to_owned),
    };
    let verb = match *method {
        Method::POST => "create",
        Method::PUT | Method::PATCH => "update",
        Method::DELETE => "delete",
        _ => "get",
    };
    match rest {
        ["quotas", project, ..] => of(format!("{verb}_quota"), "quota", Some(project)),
        ["baryon", kind @ ("trace" | "drops" | "status"), rest @ ..] => {
            let id = rest.first().copied();
            of(format!("{verb}_baryon_{kind}"), if id.is_some() { "port" } else { "region" }, id)
        }
        _ => match intent::operations_at(rest) {
            Some((operations, length, _)) => {
                let below = rest.get(length..).unwrap_or_default();
                let member = operations.info().member;
                match below {
                    [] => of(format!("{verb}_{member}"), member, None),
                    [id] => of(format!("{verb}_{member}"), member, Some(id)),
                    [id, "tags", ..] => of(intent::tags::action(operations.info()), member, Some(id)),
                    [id, name, ..] => match intent::action(operations.info().path, name) {
                        Some(_) => of((*name).to_owned(), member, Some(id)),
                        None => of("unknown".to_owned(), member, Some(id)),
                    },
                }
            }
            None => Subject { region, action: "unknown".to_owned(), ..Subject::default() },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_the_names_of_policy_rules() {
        let name = |method: Method, path: &str| {
            let parts: Vec<_> = path.split('/').collect();
            let subject = subject(&method, &parts);
            assert_eq!(subject.region.as_deref(), Some("R"));
            format!(
                "{} {} {}",
                subject.action,
                subject.target_type.unwrap_or_default(),
                subject.target_id.unwrap_or_default()
            )
        };
        for (method, path, expected) in [
            (Method::POST, "R/v2.0/ports", "create_port port "),
            (Method::PUT, "R/v2.0/security-groups/x", "update_security_group security_group x"),
            (Method::DELETE, "R/v2.0/baryon/attachments/x", "delete_attachment attachment x"),
            (Method::GET, "R/v2.0/networks", "get_network network "),
            (Method::PUT, "R/v2.0/routers/x/add_router_interface", "add_router_interface router x"),
            (Method::PUT, "R/v2.0/routers/x/explode", "unknown router x"),
            (Method::DELETE, "R/v2.0/networks/x/tags/t", "update_network_tags network x"),
            (Method::PUT, "R/v2.0/quotas/p", "update_quota quota p"),
            (Method::GET, "R/v2.0/baryon/status", "get_baryon_status region "),
            (Method::POST, "R/v2.0/what/ever", "unknown  "),
            (Method::POST, "R", "unknown  "),
        ] {
            assert_eq!(name(method, path), expected, "{path}");
        }
    }
}
