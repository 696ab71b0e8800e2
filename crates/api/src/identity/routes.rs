//! The table of the identity API, a file per part of it.

mod assignment;
mod auth;
mod catalog;
mod credential;
mod limit;
mod principal;
mod quota;

use super::route::Route;

/// Every part.
static TABLES: [&[Route]; 8] = [
    auth::ROUTES,
    credential::ROUTES,
    principal::ROUTES,
    assignment::ROUTES,
    assignment::GRANTS,
    catalog::ROUTES,
    limit::ROUTES,
    quota::ROUTES,
];

/// Every endpoint below `/identity/v3`, in the order in which they are tried.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    TABLES.into_iter().flatten()
}
