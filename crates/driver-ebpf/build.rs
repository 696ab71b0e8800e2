//! Prints the C header of `src/layout.rs` and compiles the programs.

#![allow(missing_docs, unreachable_pub)]

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

use libbpf_cargo::SkeletonBuilder;

#[allow(dead_code, clippy::all)]
mod layout {
    include!("src/layout.rs");
}

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=bpf");
    println!("cargo:rerun-if-changed=src/layout.rs");
    println!("cargo:rerun-if-env-changed=CLANG");

    let header = header()?;
    fs::write(out.join("layout.h"), &header)?;
    // Maps are defined in one file, from these layouts: together they are what a pinned map promises.
    let maps = without_comments(&fs::read_to_string("bpf/maps.h")?);
    fs::write(out.join("layout_hash.rs"), format!("{:?}", format!("{:016x}", fnv(&format!("{header}{maps}")))))?;

    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    SkeletonBuilder::new()
        .source("bpf/datapath.bpf.c")
        .obj(out.join("datapath.bpf.o"))
        .clang(env::var("CLANG").unwrap_or_else(|_| "clang-19".into()))
        .clang_args([
            "-mcpu=v3".to_owned(),
            "-Wall".to_owned(),
            "-Werror".to_owned(),
            "-Wno-missing-declarations".to_owned(),
            format!("-I{}", out.display()),
            format!("-I/usr/include/{arch}-linux-gnu"),
        ])
        .build()?;
    Ok(())
}

/// The C side of `layout.rs`, and the numbers of the drop reasons.
fn header() -> Result<String, Box<dyn Error>> {
    let mut text =
        String::from("/* Made by build.rs from src/layout.rs. */\n#pragma once\n#include <linux/types.h>\n\n");
    for (name, value) in layout::CONSTANTS {
        writeln!(text, "#define {name} {value:#x}u")?;
    }
    for reason in logical::DropReason::ALL {
        writeln!(text, "#define DROP_{} {}", reason.name().to_uppercase().replace('-', "_"), *reason as u8)?;
    }
    writeln!(text, "#define MAX_ROUTERS {}", logical::MAX_ROUTERS)?;
    writeln!(text, "#define NAT_TRIES {}", logical::NAT_TRIES)?;
    writeln!(text, "#define SERVICE_ADDRESS {:#x}u", u32::from(logical::SERVICE_ADDRESS))?;
    writeln!(text, "#define SERVICE_MAC {{ {:?} }}", logical::SERVICE_MAC.0)?;
    text = text.replace("{ [", "{ ").replace("] }", " }");
    for (name, size, fields) in layout::LAYOUTS {
        writeln!(text, "\nstruct {} {{", snake(name))?;
        for (field, kind, _) in *fields {
            let (base, array) = match kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
                Some(array) => {
                    let (base, count) = array.split_once("; ").ok_or_else(|| format!("array {kind}"))?;
                    (base, format!("[{count}]"))
                }
                None => (*kind, String::new()),
            };
            let base = match base.strip_prefix('u') {
                Some(bits) => format!("__u{bits}"),
                None => format!("struct {}", snake(base)),
            };
            writeln!(text, "\t{base} {field}{array};")?;
        }
        writeln!(text, "}};")?;
        writeln!(text, "_Static_assert(sizeof(struct {}) == {size}, \"layout\");", snake(name))?;
        for (field, _, offset) in *fields {
            let name = snake(name);
            writeln!(text, "_Static_assert(__builtin_offsetof(struct {name}, {field}) == {offset}, \"layout\");")?;
        }
    }
    Ok(text)
}

/// `FlowKey` to `flow_key`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// A comment is no part of a layout.
fn without_comments(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// FNV-1a: the same in every build, unlike the standard library's hasher.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
