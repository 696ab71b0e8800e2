//! `/auth`: tokens and what they may be asked for.

use crate::identity::{
    auth,
    route::{
        Access::{Anyone, Authenticated},
        Handler::{Read, Steps, Write},
        Route,
    },
};

pub(super) static ROUTES: &[Route] = &[
    Route::new("POST", "/auth/tokens", Anyone, "identity:create_token", Steps(|visit| Box::pin(auth::issue(visit)))),
    Route::new("GET", "/auth/tokens", Authenticated, "identity:validate_token", Read(auth::validate)),
    Route::new("DELETE", "/auth/tokens", Authenticated, "identity:revoke_token", Write(auth::revoke)),
    Route::new("GET", "/auth/projects", Authenticated, "identity:get_auth_projects", Read(auth::projects)),
    Route::new("GET", "/auth/domains", Authenticated, "identity:get_auth_domains", Read(auth::domains)),
    Route::new("GET", "/auth/system", Authenticated, "identity:get_auth_system", Read(auth::system)),
    Route::new("GET", "/auth/catalog", Authenticated, "identity:get_auth_catalog", Read(auth::catalog)),
];
