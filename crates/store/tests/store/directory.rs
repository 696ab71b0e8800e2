//! Data directories of other versions and other programs.

use store::{Store, StoreError};

use crate::Directory;

#[test]
fn a_database_of_a_newer_program_is_refused_untouched() {
    let directory = Directory::new();
    drop(directory.open());
    let connection = rusqlite::Connection::open(directory.file()).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let error = Store::open(&directory.file()).unwrap_err();
    assert!(matches!(error, StoreError::OtherVersion { found: 999, .. }));
    assert!(error.to_string().starts_with("the data directory is of another version: "), "{error}");
}

#[test]
fn a_file_of_another_program_is_refused() {
    let directory = Directory::new();
    std::fs::write(directory.file(), "not a database at all, but long enough to look for a header in it".repeat(20))
        .unwrap();
    assert!(matches!(Store::open(&directory.file()), Err(StoreError::NotOurs { .. })));
    let other = Directory::new();
    let connection = rusqlite::Connection::open(other.file()).unwrap();
    connection.execute_batch("CREATE TABLE things (id INTEGER)").unwrap();
    drop(connection);
    assert!(matches!(Store::open(&other.file()), Err(StoreError::NotOurs { .. })));
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = Directory::new();
    std::fs::write(directory.0.join("file"), "").unwrap();
    let error = Store::open(&directory.0.join("file/below/baryon.db")).unwrap_err();
    assert!(matches!(error, StoreError::Directory { .. }), "{error}");
}
