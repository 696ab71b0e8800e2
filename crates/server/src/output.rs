//! What commands print. Results go to standard output, everything else to standard error.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
};

use crate::{Error, error::Result};

/// Prints a line. A reader that went away (`baryon status | head -1`) ends the command quietly.
pub(crate) fn line(text: Arguments<'_>) -> Result<()> {
    match writeln!(io::stdout().lock(), "{text}").and_then(|()| io::stdout().flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Error::Told),
        Err(error) => Err(Error::io("write to standard output")(error)),
    }
}

/// `println!` that survives a closed pipe.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

pub(crate) use say;

/// Rows in columns of equal width, the first row in capitals as a heading.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let mut widths: Vec<usize> = heading.iter().map(|text| text.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (width, cell) in widths.iter().zip(cells) {
            let padding = width.saturating_sub(cell.chars().count()) + 2;
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', padding));
        }
        line(format_args!("{}", text.trim_end()))
    };
    print(&mut heading.iter().copied())?;
    rows.iter().try_for_each(|row| print(&mut row.iter().map(String::as_str)))
}
