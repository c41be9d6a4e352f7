//! Data on stdout: tables for people, JSON for programs.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::failure::Failure;

/// Prints one value as a line of JSON.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(Failure::failed)?;
    line(&text)
}

/// Prints a line. A reader that has gone away (`| head`) ends the program quietly.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Failed(String::new())),
        Err(error) => Err(Failure::failed(format!("stdout: {error}"))),
    }
}

/// Prints rows under a header, at most 100 columns wide.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.iter().map(|name| name.to_uppercase()));
    if table.width().is_none_or(|width| width > 100) {
        table.set_width(100);
    }
    for row in rows {
        table.add_row(row);
    }
    let text: Vec<_> = table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    line(&text.join("\n"))
}

/// A dash where there is nothing.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
