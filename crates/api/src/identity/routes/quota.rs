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
    Route::new("GET", "/projects/{project_id}/quota", ReaderOrProject, "quota:get_limits", Read(quota::limits)),
    Route::new("PUT", "/projects/{project_id}/quota", Admin, "quota:replace_limits", Write(quota::replace)),
    Route::new("PATCH", "/projects/{project_id}/quota", Admin, "quota:update_limits", Write(quota::update)),
    Route::new("GET", "/projects/{project_id}/current_usage", ReaderOrProject, "quota:get_usage", Read(quota::usage)),
];
