//! `core_dumps`: without it a target leaves no core dump; with it, as far as the system lets it.

use std::io::Write;

use exeunt::prelude::*;

use crate::support::fails_with;

/// The limit of a target, and the highest that it could give itself.
fn limits(allowed: bool) -> (String, String) {
    let exit = program("sh").args(["-c", "ulimit -c; ulimit -H -c"]).core_dumps(allowed).success();
    let text = exit.stdout_text();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap(), lines.next().unwrap())
}

#[test]
fn the_limit_is_zero_unless_core_dumps_are_allowed() {
    let (soft, hard) = limits(false);
    assert_eq!(soft, "0");
    // Only the soft limit is lowered: allowing is possible.
    assert_eq!(limits(true), (hard.clone(), hard));
}

#[test]
fn an_abort_leaves_a_core_dump_only_where_they_are_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let abort = || assert_exit(|| std::process::abort()).current_dir(directory.path());
    let exit = abort().aborted();
    assert_eq!(exit.ending(), &Ending::Signal { signal: SIGABRT, core_dumped: false });
    fails_with(
        || exit.core_dumped(),
        &["expected: killed by a signal that left a core dump", "happened: killed by SIGABRT (6)"],
    );
    let (_, hard) = limits(true);
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    if hard == "0" || pattern.starts_with('|') {
        assert!(
            std::env::var_os("EXEUNT_NO_SKIP").is_none(),
            "core dumps are needed where nothing may be skipped"
        );
        let _ =
            writeln!(std::io::stderr(), "SKIPPED the second half: no core dumps into files on this machine");
        return;
    }
    // Still killed by that signal.
    let exit = abort().core_dumps(true).core_dumped().aborted().killed_by(SIGABRT);
    fails_with(|| exit.success(), &["happened: killed by SIGABRT (6), core dumped"]);
}
