//! What counts as evidence that clean-up ran: marks, complete lines of output, checks; after the first
//! signal where there was one. And drop guards and exit hooks, for each way to end.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod checks;
mod flushed;
mod guards;
mod hooks;
mod labels;
mod lines;
mod many_marks;
mod marks;
mod once;
mod order;
mod signalled;
mod unset;

/// Ends this process at once, without exit hooks.
fn exit_now(code: i32) -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::_exit(code) }
}

/// Kills this process.
fn kill_oneself() -> ! {
    // SAFETY: no preconditions.
    unsafe { libc::raise(libc::SIGKILL) };
    unreachable!("SIGKILL cannot be caught")
}

fn wait_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

/// Forks this process, which has one thread.
fn fork() -> i32 {
    // SAFETY: the process has one thread.
    unsafe { libc::fork() }
}

fn wait_for(child: i32) {
    // SAFETY: a child of this process; no status is asked for.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
}
