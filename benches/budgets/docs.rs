//! Writes the table and the chart into the documentation.

use std::error::Error;
use std::fs;

use crate::{chart, table, table::Row};

const BEGIN: &str = "<!-- figures: begin -->\n";
const END: &str = "<!-- figures: end -->";

/// Replaces what stands between the markers of `docs/PERFORMANCE.md`, and draws `docs/performance.svg`.
pub(crate) fn write(rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PERFORMANCE.md");
    let text = fs::read_to_string(page)?;
    let (before, rest) = text.split_once(BEGIN).ok_or("the page has no begin marker")?;
    let (_, after) = rest.split_once(END).ok_or("the page has no end marker")?;
    let (machine, figures) = (machine(), table::markdown(rows));
    fs::write(page, format!("{before}{BEGIN}\n{machine}\n\n{figures}\n{END}{after}"))?;
    chart::draw(rows, concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.svg"))
}

/// On what it was measured.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let information = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = information.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    };
    let kind = if field("flags").split(' ').any(|flag| flag == "hypervisor") {
        "virtual machine"
    } else {
        "machine"
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = read("/proc/meminfo");
    let memory = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0);
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.split(['-', '\n']).next().unwrap_or_default();
    let gib = memory / 1024.0 / 1024.0;
    let load = read("/proc/loadavg");
    let load = load.split(' ').nth(1).unwrap_or_default();
    format!(
        "A {kind} with {cores} cores ({}), {gib:.0} GiB of memory, Linux {kernel}. Mean load over the last five \
         minutes of the measurement, the benchmark's own included: {load}.",
        field("model name")
    )
}
