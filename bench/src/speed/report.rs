//! What was measured, as a table and as JSON.

use std::fmt;

use serde_json::{Value, json};

/// What one measurement found.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) measure: &'static str,
    pub(crate) title: String,
    pub(crate) runs: usize,
    pub(crate) rows: Vec<Row>,
}

/// One figure.
#[derive(Debug)]
pub(crate) struct Row {
    who: String,
    value: f64,
    unit: &'static str,
    ratio: Option<f64>,
    budget: Option<Budget>,
}

/// What was promised, and whether it holds.
#[derive(Debug)]
struct Budget {
    text: String,
    holds: bool,
}

impl Row {
    pub(crate) fn new(who: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            who: who.into(),
            value,
            unit,
            ratio: None,
            budget: None,
        }
    }

    /// Beside it stands this ratio; a budget that follows is the ratio's.
    pub(crate) fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// The ratio, or else the value, is to be this or more.
    pub(crate) fn at_least(self, limit: f64) -> Self {
        let holds = self.judged() >= limit;
        self.budget("≥", limit, holds)
    }

    /// The ratio, or else the value, is to be this or less.
    pub(crate) fn at_most(self, limit: f64) -> Self {
        let holds = self.judged() <= limit;
        self.budget("≤", limit, holds)
    }

    fn judged(&self) -> f64 {
        self.ratio.unwrap_or(self.value)
    }

    fn budget(mut self, sign: &str, limit: f64, holds: bool) -> Self {
        let text = format!("{sign} {}", short(limit));
        self.budget = Some(Budget { text, holds });
        self
    }
}

impl Section {
    /// For each budget whether it holds.
    pub(crate) fn budgets(&self) -> impl Iterator<Item = bool> {
        self.rows
            .iter()
            .filter_map(|row| Some(row.budget.as_ref()?.holds))
    }
}

/// At most 100 columns.
impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = match self.runs {
            1 => "1 run".to_owned(),
            runs => format!("median of {runs} runs"),
        };
        writeln!(f, "\n{}: {} ({runs})", self.measure, self.title)?;
        for row in &self.rows {
            let ratio = row.ratio.map(|ratio| format!("ratio {}", figure(ratio)));
            let budget = row.budget.as_ref().map(|budget| match budget.holds {
                true => format!("{} holds", budget.text),
                false => format!("{} MISSED", budget.text),
            });
            let line = format!(
                "  {:<46} {:>9} {:<10} {:<12} {}",
                row.who,
                figure(row.value),
                row.unit,
                ratio.unwrap_or_default(),
                budget.unwrap_or_default()
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Every figure as an object.
pub(crate) fn json(sections: &[Section]) -> Value {
    let objects = sections.iter().flat_map(|section| {
        section.rows.iter().map(|row| {
            let mut object = json!({
                "measure": section.measure,
                "who": row.who,
                "value": row.value,
                "unit": row.unit,
                "runs": section.runs,
            });
            if let Some(ratio) = row.ratio {
                object["ratio"] = ratio.into();
            }
            if let Some(budget) = &row.budget {
                object["budget"] = budget.text.clone().into();
                object["holds"] = budget.holds.into();
            }
            object
        })
    });
    objects.collect()
}

/// The middle one; of two, the lower.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len().saturating_sub(1) / 2;
    figures.get(middle).copied().unwrap_or(f64::NAN)
}

/// The value that so many in a hundred do not exceed.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

/// Three digits or more, thousands apart.
fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => thousands(value),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A limit as people write it.
fn short(limit: f64) -> String {
    match limit >= 1000.0 {
        true => thousands(limit),
        false => limit.to_string(),
    }
}

/// A count as people write it.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
