//! Roles, what they imply, and who has them where.

use crate::identity::{
    assignment, grant, implied_role, role,
    route::{
        Access::{Admin, Manager, Reader, RoleReader, SystemReader, SystemReaderOrManager},
        Handler::{Read, Write},
        Route,
    },
};

/// The grants of an actor on a target: a list, and one by one by role. `$after` marks those that the
/// projects below inherit.
macro_rules! grants {
    ($($place:literal $(+ $after:literal)?),* $(,)?) => {
        &[$(
            Route::new(
                "GET", concat!($place, "/roles/{role_id}" $(, $after)?), Reader, "identity:check_grant",
                Read(grant::check),
            ),
            Route::new(
                "PUT", concat!($place, "/roles/{role_id}" $(, $after)?), Manager, "identity:create_grant",
                Write(grant::create),
            ),
            Route::new(
                "DELETE", concat!($place, "/roles/{role_id}" $(, $after)?), Manager, "identity:revoke_grant",
                Write(grant::revoke),
            ),
        )*]
    };
}

/// Grants on projects and domains.
pub(super) static GRANTS: &[Route] = grants![
    "/projects/{project_id}/users/{user_id}",
    "/projects/{project_id}/groups/{group_id}",
    "/domains/{domain_id}/users/{user_id}",
    "/domains/{domain_id}/groups/{group_id}",
    "/OS-INHERIT/projects/{project_id}/users/{user_id}" + "/inherited_to_projects",
    "/OS-INHERIT/projects/{project_id}/groups/{group_id}" + "/inherited_to_projects",
    "/OS-INHERIT/domains/{domain_id}/users/{user_id}" + "/inherited_to_projects",
    "/OS-INHERIT/domains/{domain_id}/groups/{group_id}" + "/inherited_to_projects",
];

const fn granted(path: &'static str) -> Route {
    Route::new("GET", path, Reader, "identity:list_grants", Read(grant::list))
}

pub(super) static ROUTES: &[Route] = &[
    Route::new("GET", "/roles", SystemReaderOrManager, "identity:list_roles", Read(role::list)),
    Route::new("POST", "/roles", Admin, "identity:create_role", Write(role::create)),
    Route::new("GET", "/roles/{role_id}", RoleReader, "identity:get_role", Read(role::show)),
    Route::new("PATCH", "/roles/{role_id}", Admin, "identity:update_role", Write(role::update)),
    Route::new("DELETE", "/roles/{role_id}", Admin, "identity:delete_role", Write(role::delete)),
    Route::new(
        "GET",
        "/roles/{prior_role_id}/implies",
        SystemReader,
        "identity:list_implied_roles",
        Read(implied_role::list),
    ),
    Route::new(
        "GET",
        "/roles/{prior_role_id}/implies/{implied_role_id}",
        SystemReader,
        "identity:get_implied_role",
        Read(implied_role::show),
    ),
    Route::new(
        "PUT",
        "/roles/{prior_role_id}/implies/{implied_role_id}",
        Admin,
        "identity:create_implied_role",
        Write(implied_role::create),
    ),
    Route::new(
        "DELETE",
        "/roles/{prior_role_id}/implies/{implied_role_id}",
        Admin,
        "identity:delete_implied_role",
        Write(implied_role::delete),
    ),
    Route::new(
        "GET",
        "/role_inferences",
        SystemReader,
        "identity:list_role_inference_rules",
        Read(implied_role::inferences),
    ),
    Route::new("GET", "/role_assignments", Reader, "identity:list_role_assignments", Read(assignment::list)),
    granted("/projects/{project_id}/users/{user_id}/roles"),
    granted("/projects/{project_id}/groups/{group_id}/roles"),
    granted("/domains/{domain_id}/users/{user_id}/roles"),
    granted("/domains/{domain_id}/groups/{group_id}/roles"),
    granted("/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/inherited_to_projects"),
    granted("/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects"),
    Route::new(
        "GET",
        "/system/users/{user_id}/roles",
        SystemReader,
        "identity:list_system_grants_for_user",
        Read(grant::list),
    ),
    Route::new(
        "GET",
        "/system/users/{user_id}/roles/{role_id}",
        SystemReader,
        "identity:check_system_grant_for_user",
        Read(grant::check),
    ),
    Route::new(
        "PUT",
        "/system/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:create_system_grant_for_user",
        Write(grant::create),
    ),
    Route::new(
        "DELETE",
        "/system/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:revoke_system_grant_for_user",
        Write(grant::revoke),
    ),
    Route::new(
        "GET",
        "/system/groups/{group_id}/roles",
        SystemReader,
        "identity:list_system_grants_for_group",
        Read(grant::list),
    ),
    Route::new(
        "GET",
        "/system/groups/{group_id}/roles/{role_id}",
        SystemReader,
        "identity:check_system_grant_for_group",
        Read(grant::check),
    ),
    Route::new(
        "PUT",
        "/system/groups/{group_id}/roles/{role_id}",
        Admin,
        "identity:create_system_grant_for_group",
        Write(grant::create),
    ),
    Route::new(
        "DELETE",
        "/system/groups/{group_id}/roles/{role_id}",
        Admin,
        "identity:revoke_system_grant_for_group",
        Write(grant::revoke),
    ),
];
