//! Unified limits and policies.

use crate::identity::{
    limit, policy, registered_limit,
    route::{
        Access::{Admin, Authenticated, LimitReader, SystemReader},
        Handler::{Read, Write},
        Route,
    },
};

pub(super) static ROUTES: &[Route] = &[
    Route::new(
        "GET",
        "/registered_limits",
        Authenticated,
        "identity:list_registered_limits",
        Read(registered_limit::list),
    ),
    Route::new(
        "POST",
        "/registered_limits",
        Admin,
        "identity:create_registered_limits",
        Write(registered_limit::create),
    ),
    Route::new(
        "GET",
        "/registered_limits/{registered_limit_id}",
        Authenticated,
        "identity:get_registered_limit",
        Read(registered_limit::show),
    ),
    Route::new(
        "PATCH",
        "/registered_limits/{registered_limit_id}",
        Admin,
        "identity:update_registered_limit",
        Write(registered_limit::update),
    ),
    Route::new(
        "DELETE",
        "/registered_limits/{registered_limit_id}",
        Admin,
        "identity:delete_registered_limit",
        Write(registered_limit::delete),
    ),
    Route::new("GET", "/limits", Authenticated, "identity:list_limits", Read(limit::list)),
    Route::new("POST", "/limits", Admin, "identity:create_limits", Write(limit::create)),
    Route::new("GET", "/limits/model", Authenticated, "identity:get_limit_model", Read(limit::model)),
    Route::new("GET", "/limits/{limit_id}", LimitReader, "identity:get_limit", Read(limit::show)),
    Route::new("PATCH", "/limits/{limit_id}", Admin, "identity:update_limit", Write(limit::update)),
    Route::new("DELETE", "/limits/{limit_id}", Admin, "identity:delete_limit", Write(limit::delete)),
    Route::new("GET", "/policies", SystemReader, "identity:list_policies", Read(policy::list)),
    Route::new("POST", "/policies", Admin, "identity:create_policy", Write(policy::create)),
    Route::new("GET", "/policies/{policy_id}", SystemReader, "identity:get_policy", Read(policy::show)),
    Route::new("PATCH", "/policies/{policy_id}", Admin, "identity:update_policy", Write(policy::update)),
    Route::new("DELETE", "/policies/{policy_id}", Admin, "identity:delete_policy", Write(policy::delete)),
];
