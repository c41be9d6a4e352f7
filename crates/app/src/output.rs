//! Data on stdout: tables for people, JSON for programs. Notes for people go to stderr, beside the logs.

use std::io::{self, IsTerminal, Write};

use longshore_operator::ThisProgram;
use serde::Serialize;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

use crate::failure::Failure;

/// How wide a table is on a terminal that does not say how wide it is.
const WIDTH: usize = 100;

/// The last column is not cut below this, whatever the others take.
const LAST_AT_LEAST: usize = 20;

/// What is longer is garbage, and no id.
const WORD_AT_MOST: usize = 40;

/// Prints one value as a line of JSON.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(Failure::failed)?;
    data(&text)
}

/// Prints a line, with its commands as this program has them. A reader that has gone away (`| head`) has read enough: that is
/// no failure.
pub fn line(text: &str) -> Result<(), Failure> {
    data(&ThisProgram::get().commands(text))
}

/// Prints a line as it is.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    match write(&format!("{text}\n")) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(format!("stdout: {error}"))),
    }
}

/// Prints what was done, as a line. Where stdout does not take it, stderr does: an effect is never untold.
pub(crate) fn done(text: &str) -> Result<(), Failure> {
    done_data(&ThisProgram::get().commands(text))
}

fn done_data(text: &str) -> Result<(), Failure> {
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
    done_data(&serde_json::to_string(value).map_err(Failure::failed)?)
}

/// Writes to stdout, and says whether all of it got there.
pub(crate) fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Says something on stderr, with its commands as this program has them. When nobody can hear it, so be it: `eprintln!` would panic.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", ThisProgram::get().commands(text));
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
/// one piece to be copied, and whoever reads a pipe wants it all. What a terminal has no room for beside each other goes
/// on below, each value behind its name.
pub fn table(header: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    line(&table_lines(header, rows).join("\n"))
}

/// A table: its header, then each row. A row has more than one line where the terminal is narrow.
pub(crate) fn table_lines(header: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
    lines(header, rows, width())
}

fn lines(header: &[&str], rows: Vec<Vec<String>>, width: usize) -> Vec<String> {
    let upper = header.iter().map(|name| name.to_uppercase()).collect();
    let mut rows: Vec<Vec<String>> = std::iter::once(upper).chain(rows).collect();
    for cell in rows.iter_mut().flatten() {
        *cell = plain(cell);
    }
    let columns: Vec<_> = (0..header.len()).map(|n| Column::of(&rows, n)).collect();
    let beside = beside(&columns, width);
    let mut lines = rows.iter().map(|row| {
        let shown = row.len().min(beside);
        let mut line = first_line(&columns[..shown], row, header.len(), width);
        line.truncate(line.trim_end().len());
        (line, row)
    });
    let head = lines.next().map(|(line, _)| line);
    let below = lines.map(|(line, row)| {
        let names = header.iter().zip(row).skip(beside);
        std::iter::once(line)
            .chain(continued(names, width))
            .collect::<Vec<_>>()
            .join("\n")
    });
    head.into_iter().chain(below).collect()
}

/// How many columns a line has room for; the others go on below it.
fn beside(columns: &[Column], width: usize) -> usize {
    let mut taken = 0usize;
    let fits = columns.iter().enumerate().take_while(|(n, column)| {
        let last = n + 1 == columns.len();
        let least = if last { column.least } else { column.width };
        taken = taken.saturating_add(least + if *n > 0 { 2 } else { 0 });
        taken <= width
    });
    fits.count().max(1)
}

fn first_line(columns: &[Column], row: &[String], all: usize, width: usize) -> String {
    let mut line = String::new();
    for (n, (column, cell)) in columns.iter().zip(row).enumerate() {
        if n > 0 {
            line += "  ";
        }
        match n + 1 == all && n > 0 {
            true => {
                let left = width.saturating_sub(line.width());
                line += &cut(cell, left.max(column.least));
            }
            false => line += &column.cell(cell),
        }
    }
    line
}

/// What a row has no room for, as `name value`. What is not there is not named.
fn continued<'a>(
    cells: impl Iterator<Item = (&'a &'a str, &'a String)>,
    width: usize,
) -> Vec<String> {
    const INDENT: &str = "    ";
    let mut lines: Vec<String> = Vec::new();
    for (name, cell) in cells.filter(|(_, cell)| !matches!(cell.as_str(), "" | "-")) {
        let room = width.saturating_sub(INDENT.len() + name.width() + 1);
        let said = format!("{name} {}", cut_text(cell, room.max(LAST_AT_LEAST)));
        match lines.last_mut() {
            Some(line) if line.width() + 2 + said.width() <= width => {
                *line += "  ";
                *line += &said;
            }
            _ => lines.push(format!("{INDENT}{said}")),
        }
    }
    lines
}

struct Column {
    width: usize,
    /// What the column needs where it is the last one, which may be cut.
    least: usize,
    of_numbers: bool,
}

impl Column {
    fn of(rows: &[Vec<String>], n: usize) -> Self {
        let cells = || rows.iter().filter_map(|row| row.get(n));
        let numbers = |cell: &String| cell.parse::<u64>().is_ok();
        // A cell beyond that, such as an id that is garbage, sticks out of its own row only.
        let widest = |most: usize, of: fn(&str) -> usize| {
            let widths = cells().map(|cell| of(cell));
            widths.filter(|width| *width <= most).max().unwrap_or(0)
        };
        Self {
            width: widest(WORD_AT_MOST, str::width),
            least: widest(WORD_AT_MOST, |cell| match is_word(cell) {
                true => cell.width(),
                false => cell.width().min(LAST_AT_LEAST),
            }),
            of_numbers: rows.len() > 1 && cells().skip(1).all(numbers),
        }
    }

    fn cell(&self, text: &str) -> String {
        let pad = " ".repeat(self.width.saturating_sub(text.width()));
        match self.of_numbers {
            true => pad + text,
            false => text.to_owned() + &pad,
        }
    }
}

/// Whether it is something that is copied, such as an id. Nobody copies half a sentence.
fn is_word(cell: &str) -> bool {
    !cell.contains(' ') && cell.width() <= WORD_AT_MOST
}

/// A text cut, and a word left as it is.
fn cut_text(cell: &str, most: usize) -> String {
    match is_word(cell) {
        true => cell.to_owned(),
        false => cut(cell, most),
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

/// A text within so many columns of a terminal, where some characters take two and others none.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = text.chars().take_while(|c| {
        let width = c.width().unwrap_or(0);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    });
    let mut cut: String = fits.collect();
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
    fn what_has_no_room_goes_on_below_behind_its_name() {
        let id = "0".repeat(26);
        let rows = vec![
            row(&["nightly", "12", "-", &id]),
            row(&["x", "1", "a\tb", "-"]),
        ];
        let lines = lines(&["name", "count", "rate", "last job"], rows, 40);
        assert_eq!(lines[0], "NAME     COUNT  RATE");
        assert_eq!(lines[1], format!("nightly     12  -\n    last job {id}"));
        assert_eq!(lines[2], "x            1  a b");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        let rows = vec![row(&["山田", "x"]), row(&["abcd", "y"])];
        let lines = lines(&["n", "m"], rows, 80);
        assert_eq!(lines[1..], ["山田  x", "abcd  y"]);
        assert_eq!(cut("山田太郎", 6), "山田…");
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
