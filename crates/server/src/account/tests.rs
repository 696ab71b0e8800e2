use super::*;

struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("baryon-account-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_directory_that_the_user_cannot_reach_is_named() {
    let directory = Directory::new();
    let account = Account { uid: NUMBER, gid: NUMBER };
    let data = directory.0.join("data");
    account.require_reach(&data).unwrap();
    fs::set_permissions(&directory.0, Permissions::from_mode(0o700)).unwrap();
    let error = account.require_reach(&data).unwrap_err().to_string();
    let expected = format!(
        "{} cannot be reached by user 65530, whom the role api runs as: {} has mode 0700; chmod o+x that, or give \
         another directory",
        data.display(),
        directory.0.display()
    );
    assert_eq!(error, expected);
    let owner = fs::metadata(&directory.0).unwrap().uid();
    Account { uid: owner, gid: NUMBER }.require_reach(&data).unwrap();
}

#[test]
fn a_user_that_is_not_there_is_named() {
    let error = Account::choose(Some("no-such-user")).unwrap_err().to_string();
    assert!(error.starts_with("api.user = \"no-such-user\""), "{error}");
}

#[test]
fn root_is_no_user_for_the_role_api() {
    if geteuid().is_root() {
        let error = Account::choose(Some("root")).unwrap_err().to_string();
        assert!(error.starts_with("api.user = \"root\" is root, which the process that strangers talk to"), "{error}");
    }
}

#[test]
fn what_was_roots_becomes_the_users_and_links_do_not() {
    if !geteuid().is_root() {
        return;
    }
    let directory = Directory::new();
    let (data, other) = (directory.0.join("data"), directory.0.join("other"));
    fs::create_dir_all(data.join("keys")).unwrap();
    for name in ["version", "lock", "baryon.db", "keys/1"] {
        fs::write(data.join(name), "").unwrap();
    }
    fs::write(&other, "").unwrap();
    std::os::unix::fs::symlink(&other, data.join("link")).unwrap();
    fs::hard_link(&other, data.join("keys/second-name")).unwrap();
    let account = Account { uid: NUMBER, gid: NUMBER };
    // A second time changes nothing.
    for _ in 0..2 {
        account.take_over(&data).unwrap();
        let owner = |name: &str| fs::metadata(data.join(name)).unwrap().uid();
        for name in ["baryon.db", "keys", "keys/1"] {
            assert_eq!(owner(name), NUMBER, "{name}");
        }
        for name in ["version", "lock", "", "link", "keys/second-name"] {
            assert_eq!(owner(name), 0, "{name}");
        }
        let metadata = fs::metadata(&data).unwrap();
        assert_eq!((metadata.gid(), metadata.mode() & 0o7777), (NUMBER, 0o1770));
    }
}
