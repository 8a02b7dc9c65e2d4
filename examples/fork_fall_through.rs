//! Clean-up that runs twice, since a forked child goes on into the code of its parent.
//!
//! ```sh
//! cargo run --example fork_fall_through
//! ```
//!
//! A child is forked to do some work and then to leave by `exit`. In some languages `exit` is an exception,
//! and somebody above catches all exceptions; here a panic that is caught stands for it. So the child
//! returns into `main` and cleans up what is its parent's. `cleanup_ran` holds, `cleanup_ran_once` does not,
//! and its report names both processes.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::error::Error;
use std::panic;

use exeunt::prelude::*;

/// Forks a child for `work`, and waits for it.
fn in_a_child(work: fn()) {
    // SAFETY: the process has one thread.
    match unsafe { libc::fork() } {
        0 => work(),
        // SAFETY: a child of this process; no status is asked for.
        child => _ = unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) },
    }
}

fn clean_up() {
    probe::mark("lock released");
}

/// The report of an assertion that fails, which is not shown as a panic as well.
fn report_of(assertion: impl FnOnce() -> Exit + panic::UnwindSafe) -> Result<String, &'static str> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let ended = panic::catch_unwind(assertion);
    panic::set_hook(hook);
    let failure = ended.err().ok_or("the assertion holds, where it should fail")?;
    Ok(*failure.downcast::<String>().map_err(|_| "a panic without a text")?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let right = assert_exit(|| {
        // SAFETY: no preconditions.
        in_a_child(|| unsafe { libc::_exit(0) });
        clean_up();
    });
    right.cleanup_ran_once("lock released").returned();
    println!("a child that leaves by `_exit`: the lock is released once\n");

    let wrong = assert_exit(|| {
        let _ = panic::catch_unwind(|| in_a_child(|| panic!("leave")));
        clean_up();
    });
    let exit = wrong.cleanup_ran("lock released");
    let report = report_of(|| exit.cleanup_ran_once("lock released"))?;
    println!("a child whose `exit` is caught, with an assertion that the lock is released once:\n");
    println!("{report}");
    Ok(())
}
