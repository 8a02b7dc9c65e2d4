//! What runs change in the test process: nothing.
#![expect(clippy::print_stdout, reason = "the targets print")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Instant;

use exeunt::prelude::*;

use crate::process::{PATIENCE, Process, descendants, descriptors, strangers};
use crate::support::fails_with;

/// All of a process that a test runner or a user could miss: each fact by its name.
fn footprint() -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut note = |name: &str, fact: &dyn Debug| facts.insert(name.to_owned(), format!("{fact:?}"));
    // Of the thread that runs the test, for masks are a thread's.
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    for (name, value) in status.lines().filter_map(|line| line.split_once(':')) {
        // Signals that are pending, blocked, ignored, caught; no sizes and no counts.
        if (name.starts_with("Sig") && name != "SigQ")
            || ["Name", "ShdPnd", "Threads", "Umask", "NoNewPrivs"].contains(&name)
        {
            note(name, &value.trim());
        }
    }
    for number in 1..=libc::SIGRTMAX() {
        note(&format!("handler of signal {number}"), &handler(number));
    }
    note("limits", &std::fs::read_to_string("/proc/self/limits").unwrap());
    note("environment", &std::env::vars_os().collect::<Vec<_>>());
    note("directory", &std::env::current_dir().unwrap());
    note("descriptors", &descriptors("self"));
    note("processes that are not the harness's", &strangers());
    // SAFETY: no preconditions.
    note("process group", &unsafe { libc::getpgrp() });
    // SAFETY: zero means this process.
    note("session", &unsafe { libc::getsid(0) });
    facts
}

/// The facts that changed, before and after.
fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let changed = after.iter().filter(|(name, fact)| before.get(*name) != Some(fact));
    changed.map(|(name, fact)| format!("{name}: {fact}, before {:?}", before.get(name))).collect()
}

/// The handler of a signal, its flags and its mask.
fn handler(number: i32) -> (usize, i32, Vec<i32>) {
    // SAFETY: an all-zero sigaction is a place to be filled.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is changed; `action` is live. For the two that libc keeps it fails, and all is zero.
    unsafe { libc::sigaction(number, std::ptr::null(), &raw mut action) };
    let is_member = |number: &i32| {
        // SAFETY: the set was filled above.
        unsafe { libc::sigismember(&raw const action.sa_mask, *number) == 1 }
    };
    (action.sa_sigaction, action.sa_flags, (1..=64).filter(is_member).collect())
}

/// Runs of every sort: functions, programs, with stdin, scripts, deadlines, failures.
fn all_sorts_of_runs() {
    assert_exit(|| println!("text")).returned();
    assert_exit(|| ()).arg("argument").returned();
    assert_exit_with(1, |code| std::process::exit(code)).code(1);
    assert_exit_forked(|| ()).returned();
    assert_exit(|| panic!("no reason")).panicked();
    assert_exit(|| std::process::abort()).aborted();
    program("true").success();
    program("cat").stdin(vec![b'x'; 1_000_000]).success();
    program("sh").args(["-c", "exec <&-; exit 0"]).stdin(vec![b'x'; 1_000_000]).success();
    program("sleep").arg("1000").timeout(ms(50)).timed_out();
    program("sleep").arg("1000").signal_after(SIGTERM, ms(1)).killed_by(SIGTERM);
    program("sh").args(["-c", "sleep 1000 & exit 3"]).code(3);
    program("sh")
        .args(["-c", "echo mark >> \"$EXEUNT_PROBE\"; sleep 1000"])
        .ready_when(Ready::mark("mark"))
        .signal_after(SIGTERM, ms(0))
        .killed_by(SIGTERM);
    program("sh").args(["-c", "kill -9 $PPID; sleep 1000"]).run().unwrap_err();
    // Without its supervisor the target is the launcher's to end, which nobody waits for.
    let own = i32::try_from(std::process::id()).unwrap();
    let targets = descendants(own).into_iter().filter(|process| !process.name().starts_with("exeunt-"));
    let deadline = Instant::now() + PATIENCE;
    targets.for_each(|target| assert!(target.ends_before(deadline), "{target:?} is alive"));
    program("/no/such/program").run().unwrap_err();
    fails_with(|| program("false").success(), &["expected: success"]);
}

isolated! {
    #[test]
    fn runs_leave_the_test_process_as_it_was() {
        let first = footprint();
        program("true").success();
        let before = footprint();
        // The socket to the launcher stays, from the first run on.
        let launcher = changes(&first, &before);
        assert!(launcher.iter().all(|change| change.starts_with("descriptors: ")), "{launcher:#?}");
        for _ in 0..3 {
            all_sorts_of_runs();
            let changed = changes(&before, &footprint());
            assert!(changed.is_empty(), "{changed:#?}");
        }
    }

    #[test]
    fn the_footprint_of_this_file_notices_a_change_of_each_sort() {
        // SAFETY: SIG_IGN runs no code.
        let ignore = || unsafe { libc::signal(libc::SIGUSR1, libc::SIG_IGN) };
        // SAFETY: numbers only.
        let close_to_the_group = || unsafe { libc::umask(0o70) };
        // SAFETY: this process runs one test, and no other thread reads the environment.
        let set_a_variable = || unsafe { std::env::set_var("EXEUNT_TESTS_CHANGED", "1") };
        let sorts: [(&str, &dyn Fn()); 6] = [
            ("handler of signal 10: ", &|| assert_ne!(ignore(), libc::SIG_ERR)),
            ("directory: ", &|| std::env::set_current_dir("/").unwrap()),
            ("environment: ", &set_a_variable),
            ("descriptors: ", &|| std::mem::forget(std::fs::File::open("/dev/null").unwrap())),
            ("Umask: ", &|| assert_ne!(close_to_the_group(), 0o70)),
            ("processes that are not the harness's: ", &|| {
                std::mem::forget(std::process::Command::new("sleep").arg("1000").spawn().unwrap());
            }),
        ];
        for (name, change) in sorts {
            let before = footprint();
            change();
            let changed = changes(&before, &footprint());
            assert!(changed.iter().any(|change| change.starts_with(name)), "{name}{changed:#?}");
        }
        let own = i32::try_from(std::process::id()).unwrap();
        descendants(own).into_iter().for_each(Process::kill);
    }
}
