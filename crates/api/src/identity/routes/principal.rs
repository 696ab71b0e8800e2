//! Domains, projects and users.

use crate::identity::{
    domain, project,
    route::{
        Access::{Admin, AdminOrDomain, AdminOrProject, AdminOrUser, Anyone},
        Handler::{Read, Steps, Write},
        Route,
    },
    user,
};

pub(super) static ROUTES: &[Route] = &[
    Route::new("GET", "/projects", Admin, "identity:list_projects", Read(project::list)),
    Route::new("POST", "/projects", Admin, "identity:create_project", Write(project::create)),
    Route::new("GET", "/projects/{project_id}", AdminOrProject, "identity:get_project", Read(project::show)),
    Route::new("PATCH", "/projects/{project_id}", Admin, "identity:update_project", Write(project::update)),
    Route::new("DELETE", "/projects/{project_id}", Admin, "identity:delete_project", Write(project::delete)),
    Route::new("GET", "/domains", Admin, "identity:list_domains", Read(domain::list)),
    Route::new("POST", "/domains", Admin, "identity:create_domain", Write(domain::create)),
    Route::new("GET", "/domains/{domain_id}", AdminOrDomain, "identity:get_domain", Read(domain::show)),
    Route::new("PATCH", "/domains/{domain_id}", Admin, "identity:update_domain", Write(domain::update)),
    Route::new("DELETE", "/domains/{domain_id}", Admin, "identity:delete_domain", Write(domain::delete)),
    Route::new("GET", "/users", Admin, "identity:list_users", Read(user::list)),
    Route::new("POST", "/users", Admin, "identity:create_user", Steps(|visit| Box::pin(user::create(visit)))),
    Route::new("GET", "/users/{user_id}", AdminOrUser, "identity:get_user", Read(user::show)),
    Route::new(
        "PATCH",
        "/users/{user_id}",
        Admin,
        "identity:update_user",
        Steps(|visit| Box::pin(user::update(visit))),
    ),
    Route::new("DELETE", "/users/{user_id}", Admin, "identity:delete_user", Write(user::delete)),
    Route::new("GET", "/users/{user_id}/projects", AdminOrUser, "identity:list_user_projects", Read(user::projects)),
    Route::new(
        "POST",
        "/users/{user_id}/password",
        Anyone,
        "identity:change_password",
        Steps(|visit| Box::pin(user::change_password(visit))),
    ),
];
