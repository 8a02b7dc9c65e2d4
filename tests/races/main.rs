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

/// While a thread waits in `sigwait`, the kernel has the signal out of its mask, and still when another signal has
/// woken it, until it runs. It looks then like one that would be killed; and as the target ends by a code, the
/// signal would be taken for one that came too late.
#[test]
fn a_signal_that_comes_right_after_another_to_a_thread_in_sigwait_is_delivered() {
    extern "C" fn nothing(_: libc::c_int) {}

    fn waits_for_sigusr1() {
        // SAFETY: the handler does nothing.
        unsafe { libc::signal(libc::SIGTERM, nothing as *const () as libc::sighandler_t) };
        // SAFETY: all zeros is a set, if not yet an empty one.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is this function's own.
        unsafe { libc::sigemptyset(&raw mut set) };
        // SAFETY: as above.
        unsafe { libc::sigaddset(&raw mut set, libc::SIGUSR1) };
        // SAFETY: as above; the mask of before is not asked for.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
        let mut came = 0;
        // SAFETY: the set and the number are this function's own.
        unsafe { libc::sigwait(&raw const set, &raw mut came) };
        std::process::exit(came);
    }

    for_a_while(|| {
        let plan = assert_exit(waits_for_sigusr1).timeout(secs(10)).ready_when(Ready::handler(SIGUSR1));
        plan.signal_after(SIGTERM, ms(0)).signal_after(SIGUSR1, ms(0)).code(SIGUSR1.number());
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

/// The kernel takes a signal for a target that is leaving without a word and drops it, also where more steps
/// follow.
#[test]
fn a_signal_that_came_too_late_was_not_delivered_whatever_step_came_after() {
    fn leaves_with_much_to_tear_down() {
        let memory = std::hint::black_box(vec![1_u8; 64 << 20]);
        println!("up");
        // SAFETY: a number only.
        unsafe { libc::_exit(3 + i32::from(memory[0] == 0)) }
    }

    let rounds = std::cell::Cell::new(0);
    for_a_while(|| {
        rounds.set(rounds.get() + 1);
        let late = Duration::from_micros(rounds.get() % 50 * 100);
        let plan = assert_exit(leaves_with_much_to_tear_down).ready_when(Ready::stdout("up"));
        match plan.signal_after(SIGTERM, late).continue_after(ms(0)).run() {
            Ok(exit) => drop(exit.killed_by(SIGTERM)),
            Err(error) => assert!(error.to_string().contains("the target had ended"), "{error}"),
        }
    });
}
