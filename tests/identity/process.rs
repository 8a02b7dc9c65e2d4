//! What a target finds of its process: three descriptors, an empty mask, default dispositions and a
//! group of its own, whatever the test process has.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;

use exeunt::prelude::*;

use crate::support::fails_with;

/// Panics unless descriptors 0, 1 and 2 are the only ones. The one by which they are listed is shown
/// as a link to this process's own list.
fn has_three_descriptors() {
    let listed: Vec<_> = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut open: Vec<_> = listed
        .iter()
        .filter(|path| fs::read_link(path).is_ok_and(|target| !target.ends_with("fd")))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    open.sort();
    assert_eq!(open, ["0", "1", "2"], "descriptors that are open");
}

/// A descriptor that a process started from here inherits unless somebody prevents it.
fn inheritable() -> OwnedFd {
    let file = OwnedFd::from(File::open("/dev/null").unwrap());
    // SAFETY: numbers only.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) }, 0);
    file
}

/// A script that succeeds where its shell has this descriptor.
fn has(fd: &OwnedFd) -> String {
    format!("[ -e /proc/$$/fd/{} ]", fd.as_raw_fd())
}

exeunt::isolated! {
    #[test]
    fn the_descriptors_of_the_test_process_are_not_inherited() {
        let early = inheritable();
        assert_exit(has_three_descriptors).returned();
        let late = inheritable();
        for fd in [&early, &late] {
            let seen = Command::new("sh").args(["-c", &has(fd)]).status().unwrap();
            assert!(seen.success(), "the control: a process that std starts inherits {fd:?}");
            program("sh").args(["-c", &has(fd)]).code(1);
        }
        assert_exit(has_three_descriptors).returned();
        assert_exit(has_three_descriptors).arg("by exec").returned();
        assert_exit(has_three_descriptors).stdin("something").returned();
        assert_exit(has_three_descriptors).ready_when(Ready::delay(ms(1))).allow_early_end().returned();
        let one_more = assert_exit(|| {
            let _file = File::open("/dev/null").unwrap();
            has_three_descriptors();
        });
        fails_with(|| one_more.returned(), &["descriptors that are open", "[\"0\", \"1\", \"2\", \"3\"]"]);
    }
}

#[test]
fn a_program_has_three_descriptors() {
    let plan = |script| program("sh").args(["-c", script]);
    let listing = "ls /proc/$$/fd; :";
    let exit = plan(listing).stdout("0\n1\n2\n");
    fails_with(|| exit.stdout("0\n1\n2\n3\n"), &["of stdout"]);
    plan("exec 3</dev/null; ls /proc/$$/fd; :").stdout("0\n1\n2\n3\n");
}

/// The signals that a line of this thread's `/proc/thread-self/status` names.
fn signals_of(line: &str) -> Vec<i32> {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    signals_in(&status, line)
}

fn signals_in(status: &str, line: &str) -> Vec<i32> {
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':')).expect("the line");
    let set = u64::from_str_radix(found.trim(), 16).unwrap();
    // Those in between the C library keeps for itself.
    let seen = (1..=31).chain(libc::SIGRTMIN()..=64);
    seen.filter(|number| set & (1 << (number - 1)) != 0).collect()
}

/// Panics unless mask and dispositions are as Rust's `main` finds them in a shell.
fn has_the_signals_of_main() {
    assert_eq!(signals_of("SigBlk"), [0; 0], "signals that are blocked");
    assert_eq!(signals_of("SigIgn"), [libc::SIGPIPE], "signals that are ignored");
    // Rust's runtime tells a stack overflow by these two.
    assert_eq!(signals_of("SigCgt"), [libc::SIGBUS, libc::SIGSEGV], "signals that are caught");
}

/// Blocks, ignores and catches signals in this process, as a test runner may have done.
fn make_signals_unusual() {
    extern "C" fn handler(_: libc::c_int) {}
    for number in [libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGCHLD, libc::SIGRTMIN() + 2] {
        // SAFETY: SIG_IGN runs no code.
        unsafe { libc::signal(number, libc::SIG_IGN) };
    }
    // SAFETY: SIG_DFL runs no code.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    // SAFETY: the handler does nothing.
    unsafe { libc::signal(libc::SIGUSR1, handler as *const () as libc::sighandler_t) };
    // SAFETY: an all-zero set is a place to be filled.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `all` is live.
    unsafe { libc::sigfillset(&raw mut all) };
    // SAFETY: `all` was filled above.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, std::ptr::null_mut()) };
}

fn check_the_signals_of_targets() {
    assert_exit(has_the_signals_of_main).returned();
    assert_exit(has_the_signals_of_main).arg("by exec").returned();
    assert_exit_forked(has_the_signals_of_main).returned();
    let status = program("cat").arg("/proc/self/status").success().stdout_text();
    assert_eq!(signals_in(&status, "SigBlk"), [0; 0]);
    assert_eq!(signals_in(&status, "SigIgn"), [0; 0]);
    assert_eq!(signals_in(&status, "SigCgt"), [0; 0]);
}

exeunt::isolated! {
    #[test]
    fn signals_are_as_main_has_them_whatever_the_test_process_did_before() {
        // SAFETY: SIG_IGN runs no code.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        let inherited = Command::new("cat").arg("/proc/self/status").output().unwrap().stdout;
        let inherited = signals_in(&String::from_utf8(inherited).unwrap(), "SigIgn");
        assert!(inherited.contains(&libc::SIGHUP), "the control: what std starts inherits it");
        make_signals_unusual();
        check_the_signals_of_targets();
        // What the test process has is its own affair, and stays.
        assert!(signals_of("SigBlk").contains(&libc::SIGTERM));
        assert!(signals_of("SigIgn").contains(&libc::SIGCHLD));
        assert!(signals_of("SigCgt").contains(&libc::SIGUSR1));
    }

    #[test]
    fn signals_are_as_main_has_them_whatever_the_test_process_did_later() {
        assert_exit(|| ()).success();
        make_signals_unusual();
        check_the_signals_of_targets();
    }
}

#[test]
fn a_function_that_changes_its_signals_is_seen_to() {
    let ignoring = assert_exit(|| {
        // SAFETY: SIG_IGN runs no code.
        unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
        has_the_signals_of_main();
    });
    fails_with(|| ignoring.returned(), &["signals that are ignored", "[13, 15]"]);
    let usual = assert_exit(has_the_signals_of_main).returned();
    fails_with(|| usual.panicked(), &["the function returned"]);
}

#[test]
fn the_process_group_is_the_targets_own() {
    let plan = || {
        assert_exit(|| {
            // SAFETY: no preconditions.
            let group = unsafe { libc::getpgrp() };
            println!("{} {group}", std::process::id());
        })
    };
    // SAFETY: no preconditions.
    let own = unsafe { libc::getpgrp() }.to_string();
    for exit in [plan().success(), plan().arg("by exec").success()] {
        let text = exit.stdout_text();
        let (pid, group) = text.trim().split_once(' ').unwrap();
        assert_eq!(pid, group, "it leads a group");
        assert_ne!(group, own, "and not the test's");
        fails_with(|| exit.stdout(predicate::str::contains(format!(" {own}\n"))), &["of stdout"]);
    }
    let of_a_program =
        program("sh").args(["-c", "read -r stat < /proc/$$/stat; echo \"$$ ${stat##*) }\""]).success();
    let text = of_a_program.stdout_text();
    // The process id, then from /proc/PID/stat the state, the parent and the group.
    let fields: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(fields[0], fields[3]);
    assert_ne!(fields[3], own);
}
