//! `mappings`: which users are which customers, out and in, for a move between payment providers.

mod csv;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};

use longshore_operator::Mapping;

use super::signals;
use crate::cli::{ExportMappings, ImportMappings, MappingsCommand, Shown};
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::session::Session;

pub(super) async fn run(session: &Session, command: MappingsCommand) -> Result<(), Failure> {
    match command {
        MappingsCommand::Export(args) => export(session, args).await,
        MappingsCommand::Count(args) => count(session, &args).await,
        MappingsCommand::Import(args) => import(session, &args).await,
    }
}

/// JSON Lines or CSV on stdout, in no order.
async fn export(session: &Session, args: ExportMappings) -> Result<(), Failure> {
    let operator = session.operator().await?;
    let mut out = std::io::stdout().lock();
    let mut written = match args.csv {
        true => out.write_all(csv::HEADER.as_bytes()),
        false => Ok(()),
    };
    operator
        .export_mappings(&session.signed(""), |mapping| {
            if written.is_ok() {
                written = match args.csv {
                    true => out.write_all(csv::line(&mapping).as_bytes()),
                    false => serde_json::to_writer(&mut out, &mapping)
                        .map_err(std::io::Error::from)
                        .and_then(|()| writeln!(out)),
                };
            }
        })
        .await?;
    written.map_err(Failure::failed)
}

/// How many are where.
async fn count(session: &Session, args: &Shown) -> Result<(), Failure> {
    let counts = session.operator().await?.count_mappings().await?;
    if args.json {
        return output::json(&counts);
    }
    let rows = counts.into_iter();
    let rows = rows.map(|row| vec![row.map.to_owned(), row.provider, row.count.to_string()]);
    output::table(&["map", "provider", "count"], rows.collect())
}

/// Reads and checks every line before the first is imported.
async fn import(session: &Session, args: &ImportMappings) -> Result<(), Failure> {
    let file: Box<dyn Read> = match args.file.as_str() {
        "-" => Box::new(std::io::stdin()),
        path => {
            Box::new(File::open(path).map_err(|error| Failure::input(format!("{path}: {error}")))?)
        }
    };
    let mappings = read(
        file,
        args.csv || args.file.to_ascii_lowercase().ends_with(".csv"),
    )?;
    let operator = session.operator().await?;
    if !args.replace {
        let others = operator.mapped_otherwise(&mappings).await?;
        if !others.is_empty() {
            return Err(Failure::input(format!(
                "{} would be replaced, so nothing was imported: use --replace to replace them",
                counted(others.len() as u64, "mapping")
            )));
        }
    }
    let signed = session.signed("");
    let importing = operator.import_mappings(&mappings, &signed);
    let imported = signals::unless_stopped(importing).await?;
    if !matches!(imported, Some(Ok(_))) {
        output::note(
            "the first of the mappings may have been imported, the rest were not; importing the same file again is safe",
        );
    }
    let imported = imported.ok_or_else(|| Failure::failed("stopped by a signal"))??;
    if args.json {
        return session.done_json(&imported);
    }
    output::done(&format!(
        "{} added, {} replaced, {} were the same",
        imported.added, imported.replaced, imported.same
    ))
}

/// Every line of a file, once all of them are known to be mappings.
fn read(file: Box<dyn Read>, is_csv: bool) -> Result<Vec<Mapping>, Failure> {
    let mut mappings: Vec<Mapping> = Vec::new();
    let mut seen = HashSet::new();
    for (n, line) in BufReader::new(file).lines().enumerate() {
        let wrong = |what: String| Failure::input(format!("line {}: {what}", n + 1));
        let line = line.map_err(|error| wrong(error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let mapping: Mapping = match is_csv {
            true if n == 0 => {
                csv::check_header(&line).map_err(wrong)?;
                continue;
            }
            true => csv::read(&line).map_err(wrong)?,
            false => serde_json::from_str(&line)
                .map_err(|error| wrong(format!("is no mapping: {error}")))?,
        };
        mapping.check().map_err(wrong)?;
        if !seen.insert((mapping.map.clone(), mapping.key.clone())) {
            return Err(wrong("key: has a line already; keep one".to_owned()));
        }
        mappings.push(mapping);
    }
    Ok(mappings)
}
