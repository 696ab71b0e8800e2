//! The first two users, and the file with which they log in.
//!
//! The file is written before the users are made: a crash between the two leaves passwords that
//! nobody has yet, which the next start gives to the users. A lost file means lost passwords; then
//! both users get new ones.

use api::{Bootstrap, Bootstrapped};
use store::Store;

use crate::{
    Error,
    client::{Account, Cloud, render},
    config::ApiConfig,
    data_dir::{DataDir, write_whole},
    error::Result,
};

const ADMIN: &str = "baryon-admin";
const DEMO: &str = "baryon-demo";

/// Makes the users and `clouds.yaml`, as far as they are missing.
pub(super) async fn ensure(
    store: &Store,
    data_dir: &DataDir,
    api: &ApiConfig,
    regions: &[String],
) -> Result<Bootstrapped> {
    let file = data_dir.clouds();
    let lost = !file.exists();
    let (admin_password, demo_password) = if lost {
        (password(), password())
    } else {
        let password_of = |name| -> Result<String> {
            let cloud = Cloud::read(&file, name).map_err(|error| {
                Error::Usage(format!("{error}; repair it, or remove it: then both users get new passwords"))
            })?;
            Ok(cloud.password().to_owned())
        };
        (password_of(ADMIN)?, password_of(DEMO)?)
    };
    let text = render(
        &format!("{}/identity/v3", api.base_url()),
        regions,
        api.ca_certificate.as_deref(),
        &[
            Account { cloud: ADMIN, username: "admin", password: &admin_password, project: "admin" },
            Account { cloud: DEMO, username: "demo", password: &demo_password, project: "demo" },
        ],
    );
    if lost || std::fs::read_to_string(&file).is_ok_and(|old| old != text) {
        write_whole(&file, &text, 0o600).map_err(Error::io(format!("write {}", file.display())))?;
    }
    let wanted = Bootstrap { regions: regions.to_vec(), admin_password, demo_password, reset_passwords: lost };
    Ok(api::bootstrap(store, wanted).await?)
}

/// 122 random bits.
fn password() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
