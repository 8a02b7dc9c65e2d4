//! Run after run, nothing grows: neither descriptors nor memory, in the test process or in the launcher.

use std::collections::BTreeMap;

use exeunt::prelude::*;

use crate::process::{descendants, descriptors, launcher, strangers};
use crate::support::report_of;

/// How many runs are made; `EXEUNT_RACE_RUNS` says otherwise.
fn runs() -> usize {
    let text = std::env::var("EXEUNT_RACE_RUNS").ok();
    text.map_or(200, |text| text.parse().expect("EXEUNT_RACE_RUNS is a number"))
}

/// So many runs are made beforehand, until all that is kept for the next run is there.
const WARM_UP: usize = 50;

/// So much more memory may be resident at the end: what an allocator keeps at one moment and not at
/// another. A leak of one small allocation a run comes to more in 10,000 runs.
const SLACK_KIB: u64 = 512;

/// What one process of the harness holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holding {
    descriptors: usize,
    resident_kib: u64,
}

impl Holding {
    fn of(pid: i32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it is alive");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kib = resident.trim().trim_end_matches(" kB");
        Self { descriptors: descriptors(pid).len(), resident_kib: kib.parse().expect("a number") }
    }

    /// What it has more of than before.
    fn growth_since(&self, before: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.descriptors > before.descriptors {
            found.push(format!("{} descriptors instead of {}", self.descriptors, before.descriptors));
        }
        if self.resident_kib > before.resident_kib + SLACK_KIB {
            found.push(format!("{} KiB instead of {}", self.resident_kib, before.resident_kib));
        }
        found
    }
}

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).expect("a process id")
}

/// The processes of the harness by name.
fn harness() -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for process in descendants(own_pid()) {
        *count.entry(process.name()).or_insert(0) += 1;
    }
    count
}

/// One run of a changing kind: all ways to start, to end and to fail.
fn run(number: usize) {
    let code = i32::try_from(number % 256).expect("small");
    match number % 8 {
        0 | 1 => drop(assert_exit_with(code, |code| std::process::exit(code)).code(code)),
        2 => drop(assert_exit(|| std::process::abort()).aborted()),
        3 => drop(program("/no/such/program").run().unwrap_err()),
        4 => drop(assert_exit(|| panic!("on purpose")).env("RUST_BACKTRACE", "0").panicked()),
        5 => drop(program("sh").args(["-c", "sleep 600 & exit 1"]).code(1)),
        6 => {
            let plan = program("sleep").arg("600").ready_when(Ready::delay(ms(0)));
            drop(plan.signal_after(SIGTERM, ms(0)).killed_by(SIGTERM));
        }
        _ => drop(report_of(|| assert_exit(|| probe::mark("made")).cleanup_ran("not made"))),
    }
}

isolated! {
    #[test]
    fn run_after_run_nothing_grows() {
        std::panic::set_hook(Box::new(|_| ()));
        (0..WARM_UP).for_each(run);
        let launcher = launcher();
        let before = (Holding::of(own_pid()), Holding::of(launcher.pid), harness());
        (0..runs()).for_each(run);
        let after = (Holding::of(own_pid()), Holding::of(launcher.pid), harness());
        let _ = std::panic::take_hook();
        assert_eq!(after.0.growth_since(&before.0), [""; 0], "the test process: {before:?} {after:?}");
        assert_eq!(after.1.growth_since(&before.1), [""; 0], "the launcher: {before:?} {after:?}");
        assert!(launcher.is_alive(), "it is the same launcher");
        assert_eq!(strangers(), [""; 0]);
        let most = before.2.values().sum::<usize>() + 2;
        assert!(after.2.values().sum::<usize>() <= most, "idle supervisors: {before:?} {after:?}");
        eprintln!("{} runs: {before:?}, then {after:?}", runs());
    }
}

isolated! {
    #[test]
    fn a_descriptor_and_a_megabyte_that_are_kept_are_noticed() {
        let before = Holding::of(own_pid());
        assert_eq!(before.growth_since(&before), [""; 0]);
        let file = std::fs::File::open("/dev/null").unwrap();
        // Every page is written to, so that it is resident.
        let memory = std::hint::black_box(vec![1_u8; 1024 * 1024]);
        let growth = Holding::of(own_pid()).growth_since(&before);
        assert_eq!(growth.len(), 2, "{growth:?}");
        drop((file, memory));
    }
}
