//! Security groups.

use std::collections::HashMap;

use model::{
    Fields, ListQuery, Patch, Request, RequestError, Resource, SecurityGroup, SecurityGroupPatch, SecurityGroupRule,
    Timestamp, query::Filter, security_group::DEFAULT, view,
};
use serde_json::{Value, json};
use store::{Read, Scope, Tx};
use types::{Direction, IpVersion, ProjectId, SecurityGroupId, SecurityGroupRuleId};

use crate::{
    Context, Error,
    note::{action, note},
    operations::Behaviour,
    quota,
};

/// The behaviour of security groups.
pub(crate) struct SecurityGroups;

impl Behaviour for SecurityGroups {
    type Of = SecurityGroup;

    fn not_found(id: &str) -> Error {
        Error::SecurityGroupNotFound { id: id.to_owned() }
    }

    fn setup_needed(read: &Read<'_>, context: &Context) -> Result<bool, Error> {
        Ok(find_default(read, context, &context.project_id)?.is_none())
    }

    fn set_up(tx: &mut Tx<'_>, context: &Context) -> Result<(), Error> {
        ensure_default(tx, context, &context.project_id).map(drop)
    }

    fn create(
        tx: &mut Tx<'_>,
        context: &Context,
        project: ProjectId,
        request: Request<SecurityGroupPatch>,
    ) -> Result<SecurityGroup, Error> {
        ensure_default(tx, context, &project)?;
        let mut group = SecurityGroup::start(SecurityGroupId::random(), project, Timestamp::now());
        request.patch.apply(&mut group);
        if group.name == DEFAULT {
            return Err(Error::SecurityGroupDefaultAlreadyExists {});
        }
        // It comes with a rule for each IP version.
        quota::enforce_all(tx, context, &group.project_id, &[(SecurityGroupRule::INFO, 2)])?;
        tx.insert(&context.region, &group)?;
        insert_rules(tx, context, &group, None)?;
        Ok(group)
    }

    fn update(
        tx: &mut Tx<'_>,
        context: &Context,
        old: SecurityGroup,
        request: Request<SecurityGroupPatch>,
    ) -> Result<SecurityGroup, Error> {
        let mut new = old.clone();
        request.patch.apply(&mut new);
        if old.is_default && new.name != old.name {
            return Err(Error::SecurityGroupCannotUpdateDefault {});
        }
        if !old.is_default && new.name == DEFAULT && old.name != DEFAULT {
            return Err(Error::SecurityGroupDefaultAlreadyExists {});
        }
        if new.stateful != old.stateful && !tx.ports_in_group(&context.region, old.id)?.is_empty() {
            return Err(Error::SecurityGroupInUse { id: old.id });
        }
        Ok(tx.update_touched(&context.region, &old, new)?)
    }

    fn delete(tx: &mut Tx<'_>, context: &Context, group: SecurityGroup) -> Result<(), Error> {
        if !tx.ports_in_group(&context.region, group.id)?.is_empty() {
            return Err(Error::SecurityGroupInUse { id: group.id });
        }
        // Administrators may: that is how a project's leftovers go. A project that still lives gets
        // another one at its next request.
        if group.is_default && !context.is_admin {
            return Err(Error::SecurityGroupCannotRemoveDefault {});
        }
        // Its own rules, and those of other groups that let its members in.
        for by in ["security_group_id", "remote_group_id"] {
            let rules: Vec<SecurityGroupRule> = tx.find(&context.region, &[(by, json!(group.id))])?;
            for rule in rules {
                tx.delete::<SecurityGroupRule>(&context.region, rule.id)?;
            }
        }
        tx.delete::<SecurityGroup>(&context.region, group.id)?;
        Ok(())
    }

    fn complete<F: Fields>(read: &Read<'_>, context: &Context, objects: &mut [F]) -> Result<(), Error> {
        let ids: Vec<Value> = objects.iter().filter_map(|object| object.value("id")).collect();
        let mut rules = rules_of(read, context, ids)?;
        for object in objects {
            let own = object.text("id").and_then(|id| rules.remove(id));
            object.set("security_group_rules", Value::Array(own.unwrap_or_default()));
        }
        Ok(())
    }
}

/// The rules of groups, as a group shows them.
fn rules_of(read: &Read<'_>, context: &Context, ids: Vec<Value>) -> Result<HashMap<String, Vec<Value>>, Error> {
    let info = SecurityGroupRule::INFO;
    let Some(attribute) = info.attribute("security_group_id").filter(|_| !ids.is_empty()) else {
        return Ok(HashMap::new());
    };
    let query = ListQuery { filters: vec![Filter::OneOf { attribute, values: ids }], ..ListQuery::default() };
    let viewer = context.viewer(info);
    let mut rules: HashMap<String, Vec<Value>> = HashMap::new();
    for mut body in read.list_bodies(info, &context.region, Scope::All, &query)? {
        let group = body.get("security_group_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        viewer.present(&mut body, &[]);
        // Rules have no tags of their own; inside a group the real service shows the key.
        body.insert("tags".to_owned(), json!([]));
        rules.entry(group).or_default().push(Value::Object(body));
    }
    Ok(rules)
}

fn find_default(read: &Read<'_>, context: &Context, project: &ProjectId) -> Result<Option<SecurityGroup>, Error> {
    let equal = [("project_id", json!(project)), ("name", json!(DEFAULT))];
    Ok(read.find::<SecurityGroup>(&context.region, &equal)?.into_iter().find(|group| group.is_default))
}

/// The default group of a project, which is made when it is first needed.
pub(crate) fn ensure_default(
    tx: &mut Tx<'_>,
    context: &Context,
    project: &ProjectId,
) -> Result<SecurityGroupId, Error> {
    if let Some(group) = find_default(tx, context, project)? {
        return Ok(group.id);
    }
    if project.as_str().is_empty() {
        return Err(RequestError::Required { name: "project_id" }.into());
    }
    let mut group = SecurityGroup::start(SecurityGroupId::random(), project.clone(), Timestamp::now());
    DEFAULT.clone_into(&mut group.name);
    "Default security group".clone_into(&mut group.description);
    group.is_default = true;
    // Upstream counts its rules, and lets the group itself go beyond the limit.
    quota::enforce_all(tx, context, project, &[(SecurityGroupRule::INFO, 4)])?;
    tx.insert(&context.region, &group)?;
    insert_rules(tx, context, &group, Some(group.id))?;
    let info = SecurityGroup::INFO;
    note(tx, action("create", info), info, None, Some(&view::body_of(&group)));
    Ok(group.id)
}

/// The rules that a new group has: everything out, and from the members of `members` everything in.
fn insert_rules(
    tx: &mut Tx<'_>,
    context: &Context,
    group: &SecurityGroup,
    members: Option<SecurityGroupId>,
) -> Result<(), Error> {
    for ethertype in [IpVersion::V4, IpVersion::V6] {
        let mut rule =
            SecurityGroupRule::start(SecurityGroupRuleId::random(), group.project_id.clone(), group.created_at);
        rule.security_group_id = group.id;
        rule.direction = Direction::Egress;
        rule.ethertype = ethertype;
        rule.description = None;
        tx.insert(&context.region, &rule)?;
        if members.is_some() {
            rule.id = SecurityGroupRuleId::random();
            rule.direction = Direction::Ingress;
            rule.remote_group_id = members;
            tx.insert(&context.region, &rule)?;
        }
    }
    Ok(())
}
