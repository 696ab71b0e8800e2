//! One nftables table of our own, replaced as a whole.
//!
//! The program `nft` is used rather than its netlink protocol: rulesets are written in the words
//! of its manual, where an administrator can read them, and are applied as one transaction. The
//! table lives in the network namespace of the calling thread, which the program inherits.

use std::{
    fmt,
    io::{self, Write},
    process::{Command, Stdio},
    str::FromStr,
};

use crate::{Error, Result};

/// The name of a table of ours in family `inet`, which sees IPv4 and IPv6.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableName(String);

impl FromStr for TableName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if (1..=63).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(good)
        {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::InvalidTableName { name: name.to_owned() })
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes the table hold exactly `body`: its chains and sets, in the language of `nft(8)`. Either
/// all of it is in force afterwards, or the table is as it was.
pub fn apply(table: &TableName, body: &str) -> Result<()> {
    // Declaring the table first makes deleting it valid when there was none.
    let ruleset = format!("table inet {table}\ndelete table inet {table}\ntable inet {table} {{\n{body}\n}}\n");
    run(&format!("apply nftables table '{table}'"), &["-f", "-"], &ruleset).map(drop)
}

/// Deletes the table, if there is one.
pub fn delete_table(table: &TableName) -> Result<()> {
    let ruleset = format!("table inet {table}\ndelete table inet {table}\n");
    run(&format!("delete nftables table '{table}'"), &["-f", "-"], &ruleset).map(drop)
}

/// The text of the table; `None` when there is none.
pub fn list_table(table: &TableName) -> Result<Option<String>> {
    let name = table.to_string();
    match run(&format!("list nftables table '{table}'"), &["list", "table", "inet", &name], "") {
        Ok(text) => Ok(Some(text)),
        Err(Error::ProgramFailed { message, .. }) if message.contains("No such file or directory") => Ok(None),
        Err(error) => Err(error),
    }
}

fn run(operation: &str, arguments: &[&str], input: &str) -> Result<String> {
    let failed = |source| Error::io(operation, source);
    let mut child = spawn(arguments).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::ProgramMissing { program: "nft", package: "nftables" },
        _ => failed(source),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // nft may stop reading at an error; what it says about it is the better message.
        match stdin.write_all(input.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(error)),
            _ => {}
        }
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::ProgramFailed { operation: operation.to_owned(), program: "nft", message })
    }
}

/// Starts `nft` from the search path or, since services often run without the administrator's
/// directories in it, from where Debian puts it.
fn spawn(arguments: &[&str]) -> io::Result<std::process::Child> {
    let start = |program| {
        Command::new(program)
            .args(arguments)
            // The messages are matched and shown: in one language.
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    };
    match start("nft") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => start("/usr/sbin/nft"),
        other => other,
    }
}
