//! What a program's output costs, from 1 KiB to 1 GiB, in time and in memory.

use crate::measure::{Contender, Pace, in_turn};
use crate::support::contenders::{self, WRITER};
use crate::support::roles::OutputMemory;
use crate::table::{Budget, Row, Unit};

const SIZES: [(&str, u64, usize); 4] =
    [("1 KiB", 1 << 10, 200), ("1 MiB", 1 << 20, 100), ("64 MiB", 1 << 26, 10), ("1 GiB", 1 << 30, 3)];

/// What exeunt keeps of a stream where nothing else is said.
const KEPT_KIB: f64 = 16.0 * 1024.0;

pub(crate) fn output(quick: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let sizes = if quick { &SIZES[..2] } else { &SIZES[..] };
    for (name, bytes, count) in sizes {
        let argument = bytes.to_string();
        let argument = [argument.as_str()];
        let contenders = vec![
            Contender::timed("`Command::output`", || contenders::output(WRITER, &argument)),
            Contender::timed("exeunt", || contenders::exeunt_program(WRITER, &argument)),
        ];
        let samples = in_turn(if quick { 10 } else { *count }, Pace::Rested, contenders);
        let rate = |index: usize| *bytes as f64 / 1048576.0 / samples[index].median().as_secs_f64();
        let row = Row::new("output", format!("{name} on stdout"), Unit::MebibytesPerSecond, rate(1))
            .against_value(samples[0].name, rate(0));
        rows.push(if *bytes >= 1 << 30 { row.within(Budget::RatioAtLeast(0.9)) } else { row });
    }
    if let Some((name, bytes, _)) = sizes.last() {
        let memory = OutputMemory::measure(*bytes);
        let grown = (memory.after_kib - memory.before_kib) as f64;
        let what = format!("memory for {name} on stdout, of which 16 MiB are kept");
        rows.push(
            Row::new("output", what, Unit::Kibibytes, grown)
                .against_value("what is kept", KEPT_KIB)
                .within(Budget::RatioAtMost(2.0)),
        );
    }
    rows
}
