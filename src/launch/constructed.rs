//! By what the crate knows its own processes: their names, and the variables they are started with.

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::env;

use super::{home, target, wire};

/// The names of this crate's processes in `/proc/PID/comm`.
pub(super) const LAUNCHER_NAME: &CStr = c"exeunt-launcher";
pub(super) const SUPERVISOR_NAME: &CStr = c"exeunt-superv";

/// The variables of this crate and of rusty-fork, which no target is to see. The mark file is each
/// run's own.
pub(super) const PRIVATE_VARIABLES: [&str; 5] = [
    wire::LAUNCHER_VARIABLE,
    wire::FUNCTION_VARIABLE,
    wire::PROBE_VARIABLE,
    crate::isolated::VARIABLE,
    "RUSTY_FORK_OCCURS",
];

/// A variable of this crate's was set in this process, and it was not this crate that set it.
pub(super) static REFUSED: AtomicBool = AtomicBool::new(false);

/// Called before `main` in every process that links the crate.
pub(crate) fn constructed() {
    if let Some(nonce) = env::take(c"EXEUNT_LAUNCHER") {
        home::become_launcher(&nonce);
        REFUSED.store(true, Ordering::Relaxed);
    }
    if let Some(handshake) = env::take(c"EXEUNT_FUNCTION") {
        target::run_after_exec(&handshake);
        REFUSED.store(true, Ordering::Relaxed);
    }
}
