//! The budgets: what exeunt promises to cost, measured in one run against what it is compared with,
//! in turn, so that a noisy machine spoils both alike.
//!
//! `cargo bench --bench budgets` prints the table; `-- TOPIC...` measures these topics only,
//! `-- --quick` (or `EXEUNT_BENCH_QUICK=1`) just enough to see that it works, and `-- --write-docs`
//! writes the table and the chart into `docs/`. The figures are left in `target/tmp/budgets.json` too.
#![expect(clippy::print_stdout, reason = "the table is what it is run for")]

mod chart;
mod clock;
mod docs;
mod evidence;
mod family;
mod measure;
mod output;
mod resident;
mod runs;
mod signals;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::error::Error;
use std::fs::{self, File};
use std::time::Instant;

use table::Row;

/// A name, and what measures it; told whether to be quick.
type Topic = (&'static str, fn(bool) -> Vec<Row>);

const TOPICS: [Topic; 10] = [
    ("function", runs::function),
    ("memory", runs::memory),
    ("program", runs::program),
    ("first", runs::first_use),
    ("many", runs::many),
    ("output", output::output),
    ("signals", signals::signals),
    ("end", signals::end),
    ("evidence", evidence::evidence),
    ("size", resident::size),
];

fn main() -> Result<(), Box<dyn Error>> {
    support::roles::take_up();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if !has("--bench") {
        // `cargo test --all-targets` comes here, with a build that is not worth measuring.
        println!("budgets: run by `cargo bench`");
        return Ok(());
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|wanted| TOPICS.iter().all(|(name, _)| name != *wanted)) {
        return Err(format!("`{unknown}` is none of {:?}", TOPICS.map(|(name, _)| name)).into());
    }
    let (quick, write_docs) = (support::quick(), has("--write-docs"));
    if write_docs && (quick || !wanted.is_empty()) {
        return Err("the page tells of full runs only".into());
    }
    let mut rows = Vec::new();
    for (name, measure) in TOPICS {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            let begin = Instant::now();
            rows.extend(measure(quick));
            println!("{name}: measured in {:.1} s", begin.elapsed().as_secs_f64());
        }
    }
    println!("\n{}", table::markdown(&rows));
    let directory = env!("CARGO_TARGET_TMPDIR");
    fs::create_dir_all(directory)?;
    serde_json::to_writer_pretty(File::create(format!("{directory}/budgets.json"))?, &rows)?;
    if write_docs {
        docs::write(&rows)?;
    }
    Ok(())
}
