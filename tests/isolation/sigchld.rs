//! A test process that ignores or blocks SIGCHLD, or reaps children by itself, gets the same verdicts.

use exeunt::prelude::*;

use crate::support::fails_with;

#[track_caller]
fn verdicts_are_right() {
    for _ in 0..3 {
        assert_exit(|| std::process::exit(3)).code(3);
        assert_exit(|| std::process::abort()).aborted();
        assert_exit(|| ()).arg("by exec").returned();
        assert_exit_forked(|| std::process::exit(4)).code(4);
        program("sh").args(["-c", "exit 5"]).code(5);
        program("sleep").arg("1000").signal_after(SIGTERM, ms(1)).killed_by(SIGTERM);
        program("sleep").arg("1000").timeout(ms(50)).timed_out();
        fails_with(|| program("sh").args(["-c", "exit 5"]).success(), &["happened: exit code 5"]);
        fails_with(|| program("/no/such/program").success(), &["could not start `/no/such/program`"]);
        let supervisor_is_killed = || program("sh").args(["-c", "kill -9 $PPID; sleep 1000"]);
        fails_with(|| supervisor_is_killed().killed_by(SIGKILL), &["harness error: "]);
    }
}

/// Whether std can still learn how a child ended: the control to an ignored SIGCHLD.
fn std_learns_of_an_end() -> bool {
    std::process::Command::new("sh")
        .args(["-c", "exit 5"])
        .status()
        .is_ok_and(|status| status.code() == Some(5))
}

fn block(number: i32) {
    // SAFETY: an all-zero set is a place to be filled.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is live.
    unsafe { libc::sigaddset(&raw mut set, number) };
    // SAFETY: `set` was filled above.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
}

isolated! {
    #[test]
    fn verdicts_are_right_where_sigchld_is_ignored_from_the_beginning() {
        assert!(std_learns_of_an_end());
        // SAFETY: SIG_IGN runs no code.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        assert!(!std_learns_of_an_end());
        verdicts_are_right();
    }

    #[test]
    fn verdicts_are_right_where_sigchld_is_ignored_after_the_first_run() {
        assert_exit(|| ()).success();
        // SAFETY: SIG_IGN runs no code.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        verdicts_are_right();
    }

    #[test]
    fn verdicts_are_right_where_sigchld_is_blocked() {
        block(libc::SIGCHLD);
        verdicts_are_right();
    }

    #[test]
    fn verdicts_are_right_where_every_signal_is_blocked_or_ignored() {
        for number in 1..=libc::SIGRTMAX() {
            // SAFETY: SIG_IGN runs no code.
            unsafe { libc::signal(number, libc::SIG_IGN) };
            block(number);
        }
        verdicts_are_right();
    }

    #[test]
    fn verdicts_are_right_where_another_thread_reaps_every_child() {
        std::thread::spawn(|| loop {
            // SAFETY: the status is not asked for.
            if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } < 0 {
                std::thread::yield_now();
            }
        });
        verdicts_are_right();
    }
}
