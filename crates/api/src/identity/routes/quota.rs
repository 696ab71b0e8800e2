//! Quota and usage across regions.

use crate::identity::{
    quota,
    route::{
        Access::{Admin, ReaderOrProject},
        Handler::{Read, Write},
        Route,
    },
};

pub(super) static ROUTES: &[Route] = &[
    Route::new(
        "GET",
        "/projects/{project_id}/quota",
        ReaderOrProject,
        "identity:get_project_quota",
        Read(quota::limits),
    ),
    Route::new("PUT", "/projects/{project_id}/quota", Admin, "identity:replace_project_quota", Write(quota::replace)),
    Route::new("PATCH", "/projects/{project_id}/quota", Admin, "identity:update_project_quota", Write(quota::update)),
    Route::new(
        "GET",
        "/projects/{project_id}/current_usage",
        ReaderOrProject,
        "identity:get_project_usage",
        Read(quota::usage),
    ),
];
