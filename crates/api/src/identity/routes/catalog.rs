//! Regions, services and endpoints.

use crate::identity::{
    catalog,
    route::{
        Access::{Admin, Authenticated},
        Handler::Read,
        Route,
    },
};

pub(super) static ROUTES: &[Route] = &[
    Route::new("GET", "/regions", Authenticated, "identity:list_regions", Read(catalog::regions)),
    Route::new("GET", "/regions/{region_id}", Authenticated, "identity:get_region", Read(catalog::region)),
    Route::new("GET", "/services", Admin, "identity:list_services", Read(catalog::services)),
    Route::new("GET", "/services/{service_id}", Admin, "identity:get_service", Read(catalog::service)),
    Route::new("GET", "/endpoints", Admin, "identity:list_endpoints", Read(catalog::endpoints)),
    Route::new("GET", "/endpoints/{endpoint_id}", Admin, "identity:get_endpoint", Read(catalog::endpoint)),
];
