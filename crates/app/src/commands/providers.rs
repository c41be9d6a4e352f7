//! `providers`.

use longshore_integration::AnyProvider;
use serde::Serialize;

use crate::cli::ProvidersArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{self, or_dash};
use crate::session::Session;

pub(super) fn run(session: &Session, args: &ProvidersArgs) -> Result<(), Failure> {
    let config = &session.config;
    let all: Vec<_> = config
        .integrations()
        .iter()
        .flat_map(|of| of.providers().map(|provider| (of.queue.name, provider)))
        .collect();
    let Some(name) = &args.provider else {
        let rows: Vec<_> = all.iter().map(|known| row(config, known)).collect();
        return match args.json {
            true => output::json(&rows),
            false => table(&rows),
        };
    };
    let known = all.iter().find(|(_, provider)| provider.name == name);
    let known = known.ok_or_else(|| unknown(name, &all))?;
    let (row, page) = (row(config, known), known.1.page);
    if args.json {
        return output::json(&Paged { row, page });
    }
    output::line(page.trim_end())?;
    output::line("\nIn this configuration:\n")?;
    for (what, value) in facts(&row) {
        output::line(&format!("- {what}: {value}"))?;
    }
    Ok(())
}

/// A provider, as it is shown.
#[derive(Serialize)]
struct Row {
    provider: &'static str,
    queue: &'static str,
    on: bool,
    origin: Option<String>,
    criticality: Option<&'static str>,
    sla_percent: Option<f64>,
    owner: Option<String>,
}

/// A provider with its page, in Markdown.
#[derive(Serialize)]
struct Paged {
    #[serde(flatten)]
    row: Row,
    page: &'static str,
}

/// A provider, whether it is on or not, and the queue whose jobs call it.
type Known = (&'static str, AnyProvider);

fn row(config: &Config, (queue, provider): &Known) -> Row {
    let origin = (provider.origin)(config.sections());
    let listed = config.listed(provider.name);
    Row {
        provider: provider.name,
        queue,
        on: origin.is_some(),
        origin,
        criticality: listed.map(|listed| listed.criticality.as_str()),
        sla_percent: listed.and_then(|listed| listed.sla_percent),
        owner: listed.and_then(|listed| listed.owner.clone()),
    }
}

fn facts(row: &Row) -> [(&'static str, String); 5] {
    let is_on = match &row.origin {
        Some(origin) => format!("on, at {origin}"),
        None => "off".to_owned(),
    };
    [
        ("configured", is_on),
        ("queue", row.queue.to_owned()),
        ("criticality", or_dash(row.criticality.map(str::to_owned))),
        ("SLA", sla(row)),
        ("owner", or_dash(row.owner.clone())),
    ]
}

fn sla(row: &Row) -> String {
    or_dash(row.sla_percent.map(|percent| format!("{percent} %")))
}

fn table(rows: &[Row]) -> Result<(), Failure> {
    let header = ["provider", "queue", "on", "criticality", "SLA", "owner"];
    let cells = rows.iter().map(|row| {
        vec![
            row.provider.to_owned(),
            row.queue.to_owned(),
            if row.on { "yes" } else { "no" }.to_owned(),
            or_dash(row.criticality.map(str::to_owned)),
            sla(row),
            or_dash(row.owner.clone()),
        ]
    });
    output::table(&header, cells.collect())
}

fn unknown(name: &str, all: &[Known]) -> Failure {
    let known: Vec<_> = all.iter().map(|(_, provider)| provider.name).collect();
    let cure = match output::nearest(name, &known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the providers are {}", known.join(", ")),
    };
    Failure::input(format!("there is no provider `{name}`: {cure}"))
}
