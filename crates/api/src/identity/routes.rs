//! The table of the identity API, a file per part of it.

mod assignment;
mod auth;
mod catalog;
mod principal;

use super::route::Route;

/// Every part.
static TABLES: [&[Route]; 4] = [auth::ROUTES, principal::ROUTES, assignment::ROUTES, catalog::ROUTES];

/// Every endpoint below `/identity/v3`, in the order in which they are tried.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    TABLES.into_iter().flatten()
}
