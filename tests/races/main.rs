//! Races between a target and the test process, run again and again for a while. CI can run them
//! longer: `EXEUNT_RACE_MS=60000 cargo test --test races`.

use std::time::{Duration, Instant};

use exeunt::prelude::*;

/// Calls `round` until the time for a race is over.
fn for_a_while(round: impl Fn()) {
    let time = std::env::var("EXEUNT_RACE_MS").ok().and_then(|text| text.parse().ok()).unwrap_or(2000);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(time) {
        round();
    }
}

#[test]
fn a_mark_that_is_made_at_once_opens_its_gate() {
    for_a_while(|| {
        assert_exit(|| {
            probe::mark("ready");
            loop {
                std::thread::park();
            }
        })
        .timeout(secs(10))
        .signal_when(SIGTERM, Ready::mark("ready"))
        .killed_by(SIGTERM);
    });
}

#[test]
fn a_file_in_directories_that_come_with_it_opens_its_gate() {
    for_a_while(|| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a/b/c/ready");
        assert_exit_with(file.clone(), |file| {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
            loop {
                std::thread::park();
            }
        })
        .timeout(secs(10))
        .signal_when(SIGTERM, Ready::file(file))
        .killed_by(SIGTERM);
    });
}
