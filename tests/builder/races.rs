//! Races between a target that is quick and the harness that begins to watch it. Each case was missed
//! now and then by a harness that asked before it watched; it takes many rounds to see that.
//!
//! `EXEUNT_RACE_ROUNDS` says how many, for a machine that has the time.

use exeunt::prelude::*;

const DEFAULT_ROUNDS: usize = 40;

fn rounds() -> usize {
    std::env::var("EXEUNT_RACE_ROUNDS")
        .ok()
        .map_or(DEFAULT_ROUNDS, |rounds| rounds.parse().expect("a number"))
}

#[test]
fn a_mark_that_is_the_first_thing_a_target_makes_opens_its_gate() {
    for _ in 0..rounds() {
        let exit = assert_exit(|| {
            probe::mark("first");
            loop {
                std::thread::park();
            }
        });
        exit.signal_when(SIGTERM, Ready::mark("first")).killed_by(SIGTERM);
        let script = r#"echo first >> "$EXEUNT_PROBE"; sleep 1000"#;
        program("sh").args(["-c", script]).signal_when(SIGTERM, Ready::mark("first")).killed_by(SIGTERM);
    }
}

#[test]
fn a_file_in_directories_that_are_made_just_before_it_opens_its_gate() {
    for _ in 0..rounds() {
        let directory = tempfile::tempdir().unwrap();
        let script = r#"mkdir "$0"; mkdir "$0/b"; mkdir "$0/b/c"; : > "$0/b/c/file"; exec sleep 1000"#;
        program("sh")
            .args(["-c", script])
            .arg(directory.path().join("a"))
            .signal_when(SIGTERM, Ready::file(directory.path().join("a/b/c/file")))
            .killed_by(SIGTERM);
    }
}
