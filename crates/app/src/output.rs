//! Data on stdout: tables for people, JSON for programs. Notes for people go to stderr, beside the logs.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// How wide a table is on a terminal that does not say how wide it is.
const WIDTH: usize = 100;

/// The last column is not cut below this, whatever the others take.
const LAST_AT_LEAST: usize = 20;

/// Prints one value as a line of JSON.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(Failure::failed)?;
    line(&text)
}

/// Prints a line. A reader that has gone away (`| head`) has read enough: that is no failure.
pub fn line(text: &str) -> Result<(), Failure> {
    match write(&format!("{text}\n")) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(format!("stdout: {error}"))),
    }
}

/// Prints what was done, as a line. Where stdout does not take it, stderr does: an effect is never untold.
pub(crate) fn done(text: &str) -> Result<(), Failure> {
    write(&format!("{text}\n")).or_else(|error| {
        note(&format!("it was done, and stdout does not take it: {text}"));
        match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(Failure::failed(format!("stdout: {error}"))),
        }
    })
}

/// Prints what was done, as a line of JSON. Where stdout does not take it, stderr does.
pub(crate) fn done_json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    done(&serde_json::to_string(value).map_err(Failure::failed)?)
}

/// Writes to stdout, and says whether all of it got there.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Says something on stderr. When nobody can hear it, so be it: `eprintln!` would panic.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Asks for a yes, where there is somebody to ask; elsewhere it is refused. `would`: "this would replay 3 dead letters".
pub(crate) fn confirm(question: &str, would: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::input(format!("{would}: add --yes")));
    }
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question}? [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::failed)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::input("nothing was changed")),
    }
}

/// Says why a command failed, on stderr. A failure without a text has been said already.
pub(crate) fn failed(failure: &Failure) {
    let text = failure.to_string();
    if !text.is_empty() {
        note(&format!("error: {text}"));
    }
}

/// Prints rows under a header. Only the last column is ever cut, and only at the edge of a terminal: an id must stay in
/// one piece to be copied, and whoever reads a pipe wants it all.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    line(&table_lines(header, rows).join("\n"))
}

/// The lines of a table: its header, then one for each row.
pub(crate) fn table_lines(header: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
    lines(header, rows, width())
}

fn lines(header: &[&str], rows: Vec<Vec<String>>, width: usize) -> Vec<String> {
    let header = header.iter().map(|name| name.to_uppercase()).collect();
    let mut rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    for cell in rows.iter_mut().flatten() {
        *cell = plain(cell);
    }
    let last = rows[0].len().saturating_sub(1);
    let columns: Vec<_> = (0..last).map(|n| Column::of(&rows, n)).collect();
    rows.iter()
        .map(|row| {
            let mut line: String = columns
                .iter()
                .zip(row)
                .map(|(column, cell)| column.cell(cell) + "  ")
                .collect();
            let left = width.saturating_sub(line.chars().count());
            line += &cut(
                row.get(last).map_or("", String::as_str),
                left.max(LAST_AT_LEAST),
            );
            line.truncate(line.trim_end().len());
            line
        })
        .collect()
}

struct Column {
    width: usize,
    of_numbers: bool,
}

impl Column {
    fn of(rows: &[Vec<String>], n: usize) -> Self {
        let cells = || rows.iter().filter_map(|row| row.get(n));
        let widths = cells().map(|cell| cell.chars().count());
        let numbers = |cell: &String| cell.parse::<u64>().is_ok();
        Self {
            // A cell beyond that, such as an id that is garbage, sticks out of its own row only.
            width: widths.filter(|width| *width <= 40).max().unwrap_or(0),
            of_numbers: rows.len() > 1 && cells().skip(1).all(numbers),
        }
    }

    fn cell(&self, text: &str) -> String {
        let width = self.width;
        match self.of_numbers {
            true => format!("{text:>width$}"),
            false => format!("{text:<width$}"),
        }
    }
}

fn width() -> usize {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return usize::MAX;
    }
    terminal_size::terminal_size_of(stdout).map_or(WIDTH, |(width, _)| usize::from(width.0))
}

/// A cell before the last one, where that may be long: cut on a terminal alone.
pub(crate) fn cell(text: &str, most: usize) -> String {
    match io::stdout().is_terminal() {
        true => cut(text, most),
        false => text.to_owned(),
    }
}

/// A text from elsewhere on one line: what would steer a terminal is replaced.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// At most so many characters of a text.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// The known word that was likely meant by an unknown one. A wrong offer is worse than the list of what there is.
pub(crate) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let alike = |known: &str| strsim::jaro_winkler(known, unknown);
    let best = known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(best) >= 0.9).then_some(*best)
}

/// A text, and why what it is about cannot be read as a whole, if it cannot.
pub(crate) fn marked(text: String, broken: Option<&str>) -> String {
    match broken {
        None => text,
        Some(why) if text.is_empty() || text == "-" => format!("broken: {why}"),
        Some(why) => format!("{text} (broken: {why})"),
    }
}

/// A dash where there is nothing.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// `1 dead letter`, `2 dead letters`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn only_the_last_column_is_cut() {
        let id = "0".repeat(26);
        let rows = vec![
            row(&[&id, "7", &"why ".repeat(30)]),
            row(&["x", "12", "no"]),
        ];
        let lines = lines(&["id", "count", "reason"], rows, 55);
        assert_eq!(lines[0], format!("{:<26}  COUNT  REASON", "ID"));
        assert_eq!(lines[1], format!("{id}      7  why why why why why…"));
        assert_eq!(lines[2], format!("{:<26}     12  no", "x"));
    }

    #[test]
    fn a_slip_is_answered_with_the_word_and_a_guess_with_the_list() {
        let kinds = ["send_email", "send_sms", "create_customer"];
        assert_eq!(nearest("send_emial", &kinds), Some("send_email"));
        assert_eq!(nearest("fax", &kinds), None);
    }

    #[test]
    fn garbage_sticks_out_of_its_own_row_only() {
        let id = "a".repeat(300);
        let rows = vec![row(&[&id, "no id"]), row(&["x", "why"])];
        let lines = lines(&["id", "reason"], rows, 100);
        assert_eq!(lines[1], format!("{id}  no id"));
        assert_eq!(lines[2], "x   why");
    }

    #[test]
    fn a_table_is_as_wide_as_it_may_be_and_a_row_is_a_line() {
        let rows = vec![
            row(&["id", &"ø".repeat(200)]),
            row(&["id", "a\nb\x1b[31mc"]),
        ];
        let lines = lines(&["id", "reason"], rows, 60);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].chars().count(), 60);
        assert_eq!(lines[2], "id  a b\u{fffd}[31mc");
    }
}
