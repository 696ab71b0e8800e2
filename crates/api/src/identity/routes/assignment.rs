//! Roles, what they imply, and who has them where.

use crate::identity::{
    assignment, role,
    route::{
        Access::Admin,
        Handler::{Read, Write},
        Route,
    },
};

pub(super) static ROUTES: &[Route] = &[
    Route::new("GET", "/roles", Admin, "identity:list_roles", Read(role::list)),
    Route::new("POST", "/roles", Admin, "identity:create_role", Write(role::create)),
    Route::new("GET", "/roles/{role_id}", Admin, "identity:get_role", Read(role::show)),
    Route::new("PATCH", "/roles/{role_id}", Admin, "identity:update_role", Write(role::update)),
    Route::new("DELETE", "/roles/{role_id}", Admin, "identity:delete_role", Write(role::delete)),
    Route::new("GET", "/role_inferences", Admin, "identity:list_role_inference_rules", Read(role::inferences)),
    Route::new("GET", "/role_assignments", Admin, "identity:list_role_assignments", Read(assignment::list)),
    Route::new(
        "GET",
        "/projects/{project_id}/users/{user_id}/roles",
        Admin,
        "identity:list_grants",
        Read(assignment::list_grants),
    ),
    Route::new(
        "GET",
        "/projects/{project_id}/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:check_grant",
        Read(assignment::check),
    ),
    Route::new(
        "PUT",
        "/projects/{project_id}/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:create_grant",
        Write(assignment::grant),
    ),
    Route::new(
        "DELETE",
        "/projects/{project_id}/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:revoke_grant",
        Write(assignment::revoke),
    ),
    Route::new(
        "GET",
        "/domains/{domain_id}/users/{user_id}/roles",
        Admin,
        "identity:list_grants",
        Read(assignment::list_grants),
    ),
    Route::new(
        "GET",
        "/domains/{domain_id}/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:check_grant",
        Read(assignment::check),
    ),
    Route::new(
        "PUT",
        "/domains/{domain_id}/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:create_grant",
        Write(assignment::grant),
    ),
    Route::new(
        "DELETE",
        "/domains/{domain_id}/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:revoke_grant",
        Write(assignment::revoke),
    ),
    Route::new(
        "GET",
        "/system/users/{user_id}/roles",
        Admin,
        "identity:list_system_grants_for_user",
        Read(assignment::list_grants),
    ),
    Route::new(
        "GET",
        "/system/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:check_system_grant_for_user",
        Read(assignment::check),
    ),
    Route::new(
        "PUT",
        "/system/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:create_system_grant_for_user",
        Write(assignment::grant),
    ),
    Route::new(
        "DELETE",
        "/system/users/{user_id}/roles/{role_id}",
        Admin,
        "identity:revoke_system_grant_for_user",
        Write(assignment::revoke),
    ),
];
