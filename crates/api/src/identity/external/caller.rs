//! A token that Keystone validated, as a caller.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cloud_client::{
    ValidToken,
    token::{Named, TokenScope as Told},
};
use store::identity::{AccessRule, ApplicationCredential, Domain, Project, Role, User};
use types::{DomainId, ProjectId};

use crate::identity::{
    Caller, Delegation, Scope,
    token::{Methods, Token, TokenScope},
};

/// The caller that a token stands for.
pub(super) fn of(token: &ValidToken) -> Caller {
    let (scope, token_scope) = match &token.scope {
        Told::Unscoped => (Scope::Unscoped, TokenScope::Unscoped),
        Told::System => (Scope::System, TokenScope::System),
        Told::Domain(told) => (Scope::Domain(domain(told)), TokenScope::Domain(told.id.clone())),
        Told::Project(told, of) => {
            (Scope::Project(project(told, &of.id), domain(of)), TokenScope::Project(told.id.clone()))
        }
    };
    // A cloud with an admin project means the role to count there only.
    let is_lesser_admin = |name: &str| name == "admin" && token.is_admin_project == Some(false);
    let role = |role: &Named<types::RoleId>| Role {
        id: role.id.clone(),
        name: role.name.clone(),
        domain_id: None,
        description: None,
        immutable: None,
        extra: serde_json::Map::new(),
    };
    Caller {
        user: User { id: token.user.id.clone(), ..User::new(token.user_domain.id.clone(), token.user.name.clone()) },
        domain: domain(&token.user_domain),
        scope,
        roles: token.roles.iter().filter(|told| !is_lesser_admin(&told.name)).map(role).collect(),
        token: made(token, token_scope),
        delegation: credential(token).map(Delegation::ApplicationCredential),
    }
}

/// What the token may be used for, if not for everything.
pub(super) fn rules(token: &ValidToken) -> Option<Vec<AccessRule>> {
    let rule = |rule: &cloud_client::AccessRule| AccessRule {
        id: rule.id.clone(),
        service: rule.service.clone(),
        method: rule.method.clone(),
        path: rule.path.clone(),
    };
    token.access_rules.as_ref().map(|rules| rules.iter().map(rule).collect())
}

/// The application credential behind the token, as far as it is known here.
fn credential(token: &ValidToken) -> Option<ApplicationCredential> {
    let (told, Told::Project(project, _)) = (token.application_credential.as_ref()?, &token.scope) else { return None };
    Some(ApplicationCredential {
        id: told.id.clone(),
        user_id: token.user.id.clone(),
        project_id: project.id.clone(),
        name: told.name.clone(),
        description: None,
        // Keystone's to know.
        secret_hash: String::new(),
        expires_at: None,
        unrestricted: None,
        roles: token.roles.iter().map(|role| role.id.clone()).collect(),
        access_rules: rules(token).unwrap_or_default(),
    })
}

fn domain(told: &Named<DomainId>) -> Domain {
    Domain { id: told.id.clone(), ..Domain::new(told.name.clone()) }
}

fn project(told: &Named<ProjectId>, domain: &DomainId) -> Project {
    Project { id: told.id.clone(), ..Project::new(domain.clone(), told.name.clone()) }
}

/// The token in our own form, for whoever asks when it was issued or what its audit id is.
fn made(token: &ValidToken, scope: TokenScope) -> Token {
    let audit_id = |at: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(token.audit_ids.get(at)?).ok()?;
        bytes.try_into().ok()
    };
    let method = |name: &String| match name.as_str() {
        "password" => Methods::PASSWORD,
        "token" => Methods::TOKEN,
        // Keystone's own affair.
        _ => Methods::default(),
    };
    let methods = token.methods.iter().map(method);
    Token {
        user: token.user.id.clone(),
        scope,
        methods: methods.fold(Methods::default(), Methods::and),
        audit_id: audit_id(0).unwrap_or_default(),
        chain_id: audit_id(1),
        issued_at: token.issued_at.as_microsecond(),
        expires_at: token.expires_at.as_microsecond(),
    }
}
