//! From a plan to a running target: which process runs it, and what is held of it here.
//!
//! In flows a [`Job`](job::Job), out comes a [`Live`](job::Live) run: a control socket, the ends of
//! the streams and the path of the mark file. `launcher` and `supervisor` are the two processes in
//! between, `function` the beginning of a function's own process, `wire` the messages.

mod function;
mod job;
mod launcher;
mod program;
mod supervisor;
mod target;
mod uncaptured;
pub(crate) mod wire;

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::env;

pub(crate) use job::{
    EnvironmentChanges, ISOLATED, Input, Job, Link, Live, Subject, fork_now, function_by_address, start,
    start_error,
};
pub(crate) use program::describe;

/// The names of this crate's processes in `/proc/PID/comm` begin so.
const EXEUNT_PROCESS: &str = "exeunt-";
const LAUNCHER_NAME: &CStr = c"exeunt-launcher";
const SUPERVISOR_NAME: &CStr = c"exeunt-superv";

/// A variable of this crate's was set in this process, and it was not this crate that set it.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Called before `main` in every process that links the crate.
pub(crate) fn constructed() {
    if let Some(nonce) = env::take(c"EXEUNT_LAUNCHER") {
        launcher::become_launcher(&nonce);
        REFUSED.store(true, Ordering::Relaxed);
    }
    if let Some(handshake) = env::take(c"EXEUNT_FUNCTION") {
        target::run_after_exec(&handshake);
        REFUSED.store(true, Ordering::Relaxed);
    }
}
