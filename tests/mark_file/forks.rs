//! What a fork of the target does with its copies of guards and exit hooks says nothing of the
//! target's own.

use exeunt::prelude::*;

use crate::support::fails_with;

/// Runs `body` in a fork and waits for it.
fn in_a_fork(body: impl FnOnce()) {
    // SAFETY: the process has one thread.
    let child = unsafe { libc::fork() };
    if child == 0 {
        body();
        leave_at_once();
    }
    // SAFETY: a child of this process; no status is asked for.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
}

fn leave_at_once() -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(7) }
}

#[test]
fn a_guard_whose_copy_a_fork_drops_is_not_dropped() {
    let exit = assert_exit(|| {
        let guard = probe::on_drop("guard");
        in_a_fork(|| drop(probe::on_drop("own")));
        let mut guard = Some(guard);
        in_a_fork(|| drop(guard.take()));
        leave_at_once()
    })
    .code(7)
    .not_dropped("guard")
    .cleanup_skipped("guard")
    .dropped("own")
    .cleanup_ran("own");
    fails_with(
        || exit.clone().dropped("guard"),
        &["1 guard was armed, 0 dropped (and 1 copy dropped by a fork"],
    );
    fails_with(|| exit.clone().cleanup_ran("guard"), &["there is no evidence that it did"]);
    fails_with(|| exit.not_dropped("own"), &["1 guard was armed, 1 dropped"]);
}

#[test]
fn an_exit_hook_that_a_fork_runs_did_not_run_in_the_target() {
    let exit = assert_exit(|| {
        probe::at_exit("hook");
        in_a_fork(|| std::process::exit(0));
        in_a_fork(|| {
            probe::at_exit("own");
            std::process::exit(0)
        });
        leave_at_once()
    })
    .code(7)
    .cleanup_skipped("hook")
    .cleanup_ran("own");
    fails_with(|| exit.clone().cleanup_ran("hook"), &["there is no evidence that it did"]);
    fails_with(|| exit.cleanup_skipped("own"), &["it ran: a mark was made"]);
    assert_exit(|| probe::at_exit("hook")).cleanup_ran("hook").code(0);
}
