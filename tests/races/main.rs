//! Races between a target and the test process, run again and again for a while. CI can run them
//! longer: `EXEUNT_RACE_MS=60000 cargo test --test races`.

use std::time::{Duration, Instant};

#[path = "../support/mod.rs"]
mod support;

use exeunt::prelude::*;

use support::fails_with;

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

#[test]
fn the_last_words_of_a_target_that_ends_at_once_open_a_gate() {
    for_a_while(|| {
        program("echo").arg("ready").ready_when(Ready::stdout("ready")).code(0);
        fails_with(
            || program("echo").arg("steady").ready_when(Ready::stdout("ready")).code(0),
            &["not reached: readiness", "the target had ended", "not among the 7 bytes of stdout"],
        );
    });
}

#[test]
fn a_target_that_leaves_by_a_code_was_not_signalled_where_it_had_no_handler() {
    let leave = |micros: u64, signal_after: Duration| {
        assert_exit_with(micros, |micros| {
            // They make its leaving last.
            for _ in 0..20 {
                std::thread::spawn(std::thread::park);
            }
            println!("up");
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_micros(micros) {}
            std::process::exit(0)
        })
        .ready_when(Ready::stdout("up"))
        .signal_after(SIGTERM, signal_after)
    };
    let rounds = std::cell::Cell::new(0);
    for_a_while(|| {
        rounds.set(rounds.get() + 1);
        let micros = 2000 + rounds.get() % 50 * 20;
        match leave(micros, ms(2)).run() {
            Ok(exit) => drop(exit.killed_by(SIGTERM)),
            Err(error) => assert!(error.to_string().contains("the target had ended"), "{error}"),
        }
        let early = leave(micros, ms(2)).allow_early_end().run().unwrap();
        let sent = format!("{:?}", early.timeline()).contains("Delivered");
        assert_eq!(sent, *early.ending() != Ending::Code(0), "{early:?}");
    });
    // And one that has a handler may leave by a code.
    program("sh")
        .args(["-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done"])
        .ready_when(Ready::stdout("up"))
        .signal_after(SIGTERM, ms(0))
        .code(3);
}
