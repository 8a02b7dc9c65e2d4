//! The table of what was measured: rows, their budgets, and how they are written down.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use crate::measure::Samples;

/// In what a figure is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Nanoseconds,
    PerSecond,
    MebibytesPerSecond,
    Kibibytes,
}

impl Unit {
    fn show(self, value: f64) -> String {
        let digits = |value: f64| {
            let places = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
            format!("{value:.places$}")
        };
        match self {
            Self::Nanoseconds if value < 1e3 => format!("{value:.0} ns"),
            Self::Nanoseconds if value < 1e6 => format!("{} µs", digits(value / 1e3)),
            Self::Nanoseconds if value < 1e9 => format!("{} ms", digits(value / 1e6)),
            Self::Nanoseconds => format!("{} s", digits(value / 1e9)),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::MebibytesPerSecond => format!("{} MiB/s", digits(value)),
            Self::Kibibytes if value < 1024.0 => format!("{value:.0} KiB"),
            Self::Kibibytes => format!("{} MiB", digits(value / 1024.0)),
        }
    }
}

/// A bound on one of a row's figures, in the row's unit where it has one.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Budget {
    RatioAtMost(f64),
    RatioAtLeast(f64),
    AtMost(f64),
    P99AtMost(f64),
}

/// What something was compared with.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// The row's value divided by this one.
    pub(crate) ratio: f64,
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) topic: &'static str,
    pub(crate) what: String,
    pub(crate) unit: Unit,
    /// The median, where there is more than one sample.
    pub(crate) value: f64,
    pub(crate) p99: Option<f64>,
    pub(crate) peer: Option<Peer>,
    pub(crate) budgets: Vec<Budget>,
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

impl Row {
    pub(crate) fn new(topic: &'static str, what: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self { topic, what: what.into(), unit, value, p99: None, peer: None, budgets: Vec::new() }
    }

    /// Median and 99th percentile.
    pub(crate) fn of(topic: &'static str, what: impl Into<String>, samples: &Samples) -> Self {
        let row = Self::new(topic, what, Unit::Nanoseconds, nanoseconds(samples.median()));
        Self { p99: Some(nanoseconds(samples.p99())), ..row }
    }

    pub(crate) fn against(self, samples: &Samples) -> Self {
        self.against_value(samples.name, nanoseconds(samples.median()))
    }

    pub(crate) fn against_value(mut self, name: impl Into<String>, value: f64) -> Self {
        self.peer = Some(Peer { name: name.into(), value, ratio: self.value / value });
        self
    }

    pub(crate) fn within(mut self, budget: Budget) -> Self {
        self.budgets.push(budget);
        self
    }

    fn keeps(&self, budget: Budget) -> bool {
        let ratio = self.peer.as_ref().map_or(f64::NAN, |peer| peer.ratio);
        match budget {
            Budget::RatioAtMost(limit) => ratio <= limit,
            Budget::RatioAtLeast(limit) => ratio >= limit,
            Budget::AtMost(limit) => self.value <= limit,
            Budget::P99AtMost(limit) => self.p99.is_some_and(|p99| p99 <= limit),
        }
    }

    fn show_budget(&self, budget: Budget) -> String {
        let limit = match budget {
            Budget::RatioAtMost(limit) => format!("≤ {limit:.2} x"),
            Budget::RatioAtLeast(limit) => format!("≥ {limit:.2} x"),
            Budget::AtMost(limit) => format!("≤ {}", self.unit.show(limit)),
            Budget::P99AtMost(limit) => format!("p99 ≤ {}", self.unit.show(limit)),
        };
        format!("{limit}: {}", if self.keeps(budget) { "kept" } else { "**missed**" })
    }
}

/// The table in Markdown.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut out = String::from("| what | median | p99 | compared with | that one's | ratio | budget |\n");
    out.push_str("|---|--:|--:|---|--:|--:|---|\n");
    for row in rows {
        let p99 = row.p99.map_or_else(String::new, |p99| row.unit.show(p99));
        let (name, value, ratio) = row.peer.as_ref().map_or_else(Default::default, |peer| {
            (peer.name.clone(), row.unit.show(peer.value), format!("{:.2}", peer.ratio))
        });
        let budgets: Vec<String> = row.budgets.iter().map(|budget| row.show_budget(*budget)).collect();
        let (what, median) = (&row.what, row.unit.show(row.value));
        let budgets = budgets.join("; ");
        writeln!(out, "| {what} | {median} | {p99} | {name} | {value} | {ratio} | {budgets} |")
            .expect("a String takes everything");
    }
    out
}
