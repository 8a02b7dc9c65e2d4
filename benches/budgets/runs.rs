//! What one run costs: of a function, of a program, the first of a process, many at once.

use std::time::{Duration, Instant};

use crate::family::{self, OnOneCore};
use crate::measure::{Contender, Pace, Samples, in_turn};
use crate::resident::Memory;
use crate::support::contenders::{self, WRITER};
use crate::support::roles::FirstUse;
use crate::table::{Budget, Row, Unit};

const GIB: usize = 1 << 30;

pub(crate) fn function(quick: bool) -> Vec<Row> {
    let topic = "function";
    let count = if quick { 40 } else { 800 };
    let measured = |pace: Pace| {
        let fork = Contender::timed("bare fork", contenders::bare_fork);
        in_turn(count, pace, vec![fork, Contender::timed("exeunt", contenders::exeunt_function)])
    };
    let mut rows = Vec::new();
    let mut add = |what: &str, samples: &[Samples]| {
        let row = Row::of(topic, what, &samples[1]).against(&samples[0]);
        rows.push(row.within(Budget::RatioAtMost(2.0)));
    };
    add("function, at rest", &measured(Pace::Rested));
    add("function, one after another", &measured(Pace::InARow));
    let core = OnOneCore::new();
    add("function, at rest, all on one core", &measured(Pace::Rested));
    add("function, one after another, all on one core", &measured(Pace::InARow));
    rows.push(processor_time(if quick { 300 } else { 4000 }));
    drop(core);
    let others = vec![
        Contender::timed("exeunt", contenders::exeunt_function),
        Contender::timed("rusty-fork", contenders::rusty_fork),
        Contender::timed("procspawn", contenders::procspawn),
    ];
    let others = in_turn(count / 4, Pace::Rested, others);
    rows.extend(others[1..].iter().map(|peer| Row::of(topic, "function, at rest", &others[0]).against(peer)));
    rows
}

/// The processor time of all processes for one run: little disturbed by what else the machine does.
fn processor_time(runs: u32) -> Row {
    let of = |work: fn()| {
        let begin = family::processor_time();
        (0..runs).for_each(|_| work());
        (family::processor_time() - begin).as_secs_f64() * 1e9 / f64::from(runs)
    };
    let (fork, exeunt) = (of(contenders::bare_fork), of(contenders::exeunt_function));
    let what = "function, processor time of all processes, on one core";
    Row::new("function", what, Unit::Nanoseconds, exeunt).against_value("bare fork", fork)
}

/// The same with so much memory resident in the test process, each size between two spells of rest.
pub(crate) fn memory(quick: bool) -> Vec<Row> {
    let sizes: &[usize] = if quick { &[1] } else { &[1, 4] };
    let (cycles, runs, forks) = if quick { (1, 20, 3) } else { (3, 150, 5) };
    // Runs first: after a fork every page that is written to has to be taken back.
    let spell = |exeunt: &mut Samples, fork: &mut Samples| {
        exeunt.take(runs, contenders::exeunt_function);
        fork.take(forks, contenders::bare_fork);
    };
    let mut rows = Vec::new();
    for size in sizes {
        let [mut at_rest, mut loaded] = ["exeunt, nothing resident", "exeunt"].map(Samples::new);
        let [mut fork_at_rest, mut fork_loaded] =
            ["bare fork, nothing resident", "bare fork"].map(Samples::new);
        for _ in 0..cycles {
            spell(&mut at_rest, &mut fork_at_rest);
            let memory = Memory::resident(size * GIB);
            spell(&mut loaded, &mut fork_loaded);
            drop(memory);
        }
        let resident = format!("{size} GiB resident in the test process");
        let row = || Row::of("memory", format!("function, {resident}"), &loaded);
        rows.push(row().against(&at_rest).within(Budget::RatioAtMost(1.2)));
        rows.push(row().against(&fork_loaded));
        rows.push(Row::of("memory", format!("bare fork, {resident}"), &fork_loaded).against(&fork_at_rest));
    }
    rows
}

pub(crate) fn program(quick: bool) -> Vec<Row> {
    let count = if quick { 20 } else { 400 };
    let mut rows = Vec::new();
    for (name, path, arguments) in
        [("`true`", "/bin/true", &[][..]), ("a small Rust program", WRITER, &["0"][..])]
    {
        for (pace, how) in [(Pace::Rested, "at rest"), (Pace::InARow, "one after another")] {
            let contenders = vec![
                Contender::timed("`Command::output`", || contenders::output(path, arguments)),
                Contender::timed("exeunt", || contenders::exeunt_program(path, arguments)),
                Contender::timed("assert_cmd", || contenders::assert_cmd(path, arguments)),
            ];
            let samples = in_turn(count, pace, contenders);
            let row = || Row::of("program", format!("{name}, {how}"), &samples[1]);
            rows.push(row().against(&samples[0]).within(Budget::RatioAtMost(1.1)));
            rows.push(row().against(&samples[2]));
        }
    }
    rows
}

pub(crate) fn first_use(quick: bool) -> Vec<Row> {
    let mut first = Samples::new("first run");
    let mut start = Samples::new("launcher start");
    let mut self_exec = Samples::new("starting the executable again");
    for _ in 0..if quick { 5 } else { 60 } {
        let sample = FirstUse::measure();
        first.add(sample.first);
        start.add(sample.first.saturating_sub(sample.second));
        self_exec.add(sample.self_exec);
    }
    vec![
        Row::of("first", "first run of a process, the start of the launcher included", &first)
            .against(&self_exec)
            .within(Budget::RatioAtMost(2.5)),
        Row::of("first", "of that more than a second run", &start).against(&self_exec),
    ]
}

/// Runs a second, from so many threads at once.
pub(crate) fn many(quick: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, peer_name, peer, work) in [
        ("functions", "bare fork", contenders::bare_fork as fn(), contenders::exeunt_function as fn()),
        (
            "`true`",
            "`Command::output`",
            || {
                contenders::output("/bin/true", &[]);
            },
            || {
                contenders::exeunt_program("/bin/true", &[]);
            },
        ),
    ] {
        for threads in [1_usize, 16, 64] {
            let runs = if quick { 64 } else { 512 };
            let contenders =
                [peer, work].map(|work| Contender::timing_itself("", move || at_once(threads, runs, work)));
            let samples = in_turn(if quick { 1 } else { 3 }, Pace::Rested, contenders.into());
            let [theirs, ours] = [0, 1].map(|index| runs as f64 / samples[index].median().as_secs_f64());
            let what = format!("{name}, {threads} at once");
            rows.push(Row::new("many", what, Unit::PerSecond, ours).against_value(peer_name, theirs));
        }
    }
    rows
}

fn at_once(threads: usize, runs: usize, work: fn()) -> Duration {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..runs / threads).for_each(|_| work()));
        }
    });
    begin.elapsed()
}
