//! Who may depend on whom, checked on the manifests, and what every source file must keep to.
//!
//! The rooms of the architecture stay apart only if a wall is noticed when it is broken: an edge that the table below does
//! not list fails, and so does a crate that it does not know. Widening the table is a design decision and shows as one.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A crate of ours, the crates of ours that its code may use, and those that only its tests may use beyond them.
struct Room {
    name: &'static str,
    may_use: &'static [&'static str],
    tests_may_use: &'static [&'static str],
}

const fn room(name: &'static str, may_use: &'static [&'static str], tests_may_use: &'static [&'static str]) -> Room {
    Room { name, may_use, tests_may_use }
}

/// `types ← model ← {store, compiler, api}`; `logical ← {compiler, drivers, workers}`; `store ← intent ← api`;
/// `reconcile → store, compiler, logical`; `server` wires all.
const ROOMS: &[Room] = &[
    room("types", &[], &[]),
    room("model", &["types"], &[]),
    room("logical", &["types"], &["testkit"]),
    room("store", &["types", "model"], &[]),
    room("intent", &["types", "model", "store"], &[]),
    // Asks the Keystone and the Nova of a cloud that is there already; knows nothing of ours.
    room("cloud-client", &["types"], &[]),
    room("api", &["types", "model", "store", "intent", "cloud-client"], &[]),
    room("compiler", &["types", "model", "logical"], &["testkit"]),
    // Of intent it takes only the traits that intent declares and reconcile implements.
    room("reconcile", &["types", "model", "store", "compiler", "logical", "intent"], &["testkit"]),
    room("hostnet", &["types"], &[]),
    room("driver-ebpf", &["types", "logical", "hostnet"], &["testkit"]),
    room("host-services", &["types", "logical"], &["testkit", "hostnet"]),
    room("testkit", &["types", "logical", "hostnet"], &[]),
    room(
        "server",
        &[
            "types",
            "model",
            "store",
            "intent",
            "logical",
            "compiler",
            "reconcile",
            "driver-ebpf",
            "host-services",
            "hostnet",
            "cloud-client",
            "api",
        ],
        &["testkit"],
    ),
    room(
        "baryon-tests",
        &["types", "model", "store", "intent", "api", "logical", "driver-ebpf", "hostnet", "testkit"],
        &[],
    ),
    room("baryon-bench", &["types", "hostnet", "testkit"], &[]),
];

/// Other people's crates that belong to one room: the pure rooms see neither SQL nor an executor, and the kernel's
/// interfaces have one door each.
const KEPT_APART: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("libbpf-rs", &["driver-ebpf"]),
    ("libbpf-sys", &["driver-ebpf"]),
    ("hyper", &["api", "cloud-client", "host-services", "server"]),
    (
        "tokio",
        &[
            "store",
            "intent",
            "cloud-client",
            "api",
            "host-services",
            "hostnet",
            "driver-ebpf",
            "reconcile",
            "server",
            "baryon-tests",
        ],
    ),
    ("rand", &["intent", "api", "server", "store", "host-services", "testkit"]),
];

/// The kernel's edge is the only place where `unsafe` may be written.
const MAY_BE_UNSAFE: &[&str] = &["driver-ebpf"];

const MAX_LINES: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_path_buf()
}

struct Package {
    name: String,
    dir: PathBuf,
    manifest: toml::Table,
}

impl Package {
    /// The names in the tables called `kind`, also those under `[target.'...']`.
    fn dependencies(&self, kind: &str) -> BTreeSet<String> {
        let names = |table: &toml::Table| -> Vec<String> {
            table
                .get(kind)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
                // A renamed dependency hides behind its alias: look at the real name.
                .map(|(name, spec)| spec.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned())
                .collect()
        };
        let mut found: BTreeSet<String> = names(&self.manifest).into_iter().collect();
        if let Some(targets) = self.manifest.get("target").and_then(toml::Value::as_table) {
            found.extend(targets.values().filter_map(toml::Value::as_table).flat_map(names));
        }
        found
    }
}

fn packages() -> Vec<Package> {
    let mut dirs: Vec<PathBuf> = fs::read_dir(root().join("crates"))
        .expect("crates/ exists")
        .map(|entry| entry.expect("crates/ can be listed").path())
        .filter(|dir| dir.join("Cargo.toml").exists())
        .collect();
    dirs.extend([root().join("tests"), root().join("bench")]);
    dirs.sort();
    dirs.into_iter()
        .map(|dir| {
            let text = fs::read_to_string(dir.join("Cargo.toml")).expect("a manifest can be read");
            let manifest: toml::Table = text.parse().unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
            let name = manifest["package"]["name"].as_str().expect("a package has a name").to_owned();
            Package { name, dir, manifest }
        })
        .collect()
}

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "c" || e == "h" || e == "py") {
            into.push(path);
        }
    }
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn crates_use_only_what_their_room_may() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let mut problems = Vec::new();
    for package in &packages {
        let Some(room) = ROOMS.iter().find(|r| r.name == package.name) else {
            problems.push(format!("crate {} is not in the table of rooms", package.name));
            continue;
        };
        for (kind, tests_too) in [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)] {
            for used in package.dependencies(kind).iter().filter(|d| ours.contains(d.as_str())) {
                let used = used.as_str();
                let allowed = room.may_use.contains(&used) || (tests_too && room.tests_may_use.contains(&used));
                if !allowed {
                    problems.push(format!("{} may not use {used} ({kind})", package.name));
                }
            }
        }
    }
    for room in ROOMS {
        if !ours.contains(room.name) {
            problems.push(format!("the table lists {}, which does not exist", room.name));
        }
    }
    assert_none(&problems);
}

#[test]
fn the_table_has_no_cycle() {
    // A room whose allowed rooms are all resolved is resolved; a cycle never gets there.
    let mut resolved: BTreeSet<&str> = BTreeSet::new();
    while let Some(next) =
        ROOMS.iter().find(|r| !resolved.contains(r.name) && r.may_use.iter().all(|u| resolved.contains(u)))
    {
        resolved.insert(next.name);
    }
    let left: Vec<String> =
        ROOMS.iter().filter(|r| !resolved.contains(r.name)).map(|r| format!("{} is in a cycle", r.name)).collect();
    assert_none(&left);
}

#[test]
fn crates_of_others_stay_in_their_rooms() {
    let mut problems = Vec::new();
    for package in packages() {
        for used in package.dependencies("dependencies") {
            if let Some((_, rooms)) = KEPT_APART.iter().find(|(name, _)| *name == used)
                && !rooms.contains(&package.name.as_str())
            {
                problems.push(format!("{} may not use {used}: it belongs to {}", package.name, rooms.join(", ")));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn every_version_is_named_once_in_the_workspace() {
    let mut problems = Vec::new();
    for package in packages() {
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(table) = package.manifest.get(kind).and_then(toml::Value::as_table) else { continue };
            for (name, spec) in table {
                if spec.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    problems.push(format!("{}: {name} does not come from the workspace's table", package.name));
                }
            }
        }
        if package.manifest.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool) != Some(true) {
            problems.push(format!("{} does not take the workspace's lints", package.name));
        }
    }
    assert_none(&problems);
}

#[test]
fn unsafe_code_is_forbidden_outside_the_kernels_edge() {
    let mut problems = Vec::new();
    for package in packages() {
        if MAY_BE_UNSAFE.contains(&package.name.as_str()) {
            continue;
        }
        let mut files = Vec::new();
        sources(&package.dir, &mut files);
        for file in files.iter().filter(|f| is_crate_root(&package.dir, f)) {
            let text = fs::read_to_string(file).expect("a source can be read");
            if !text.contains("#![forbid(unsafe_code)]") {
                problems.push(format!("{} lacks #![forbid(unsafe_code)]", file.display()));
            }
        }
        // Integration tests are roots as well; the workspace's lints deny it there, unless one says otherwise.
        for file in &files {
            let text = fs::read_to_string(file).expect("a source can be read");
            if text.contains(concat!("allow(", "unsafe_code)")) {
                problems.push(format!("{} allows unsafe code", file.display()));
            }
        }
    }
    assert_none(&problems);
}

/// What cargo compiles as a root: the library, the binaries, and the programs of `tests/` and `bench/`.
fn is_crate_root(dir: &Path, file: &Path) -> bool {
    let inside = file.strip_prefix(dir).expect("a source lies in its package");
    let parts: Vec<&str> = inside.iter().filter_map(|p| p.to_str()).collect();
    match parts.as_slice() {
        ["src", "lib.rs" | "main.rs"] | ["build.rs"] | ["src", "bin", _] | ["src", "bin", _, "main.rs"] => true,
        ["src" | "tests", ..] => false,
        [.., "main.rs"] => true,
        _ => false,
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut problems = Vec::new();
    for package in packages() {
        let mut files = Vec::new();
        sources(&package.dir, &mut files);
        for file in files {
            // What bpftool prints of the kernel's types is data, not something that anyone reads.
            if file.file_name().is_some_and(|name| name == "vmlinux.h") {
                continue;
            }
            let lines = fs::read_to_string(&file).expect("a source can be read").lines().count();
            if lines > MAX_LINES {
                problems.push(format!("{} has {lines} lines; {MAX_LINES} is the most", file.display()));
            }
        }
    }
    assert_none(&problems);
}
