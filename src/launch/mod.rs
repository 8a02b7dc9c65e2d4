//! From a plan to a running target: which process runs it, and what is held of it here.
//!
//! In flows a [`Job`], out comes a [`Live`] run: a control socket, the ends of the streams and the
//! path of the mark file. `launcher` and `supervisor` are the two processes in between, `target` a
//! supervisor's spare fork, `function` the beginning of a function's own code, `wire` the messages.
//!
//! All of it needs Linux; elsewhere every start is refused with an error that says so.

#[cfg(target_os = "linux")]
mod clear;
#[cfg(target_os = "linux")]
mod constructed;
#[cfg(target_os = "linux")]
mod crew;
#[cfg(target_os = "linux")]
mod family;
#[cfg(target_os = "linux")]
mod function;
#[cfg(target_os = "linux")]
mod home;
#[cfg(target_os = "linux")]
mod job;
#[cfg(target_os = "linux")]
mod launcher;
#[cfg(target_os = "linux")]
mod look;
mod panic_message;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod programs;
#[cfg(target_os = "linux")]
mod streams;
mod subject;
#[cfg(target_os = "linux")]
mod supervisor;
#[cfg(target_os = "linux")]
mod target;
#[cfg(target_os = "linux")]
mod temp;
#[cfg(target_os = "linux")]
mod uncaptured;
#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(target_os = "linux")]
pub(crate) mod wire;

use std::sync::atomic::AtomicBool;

#[cfg(target_os = "linux")]
pub(crate) use job::{Forked, Job, Link, Live, fork_now, function_by_address, start, start_error};
pub(crate) use panic_message::panic_message;
#[cfg(target_os = "linux")]
pub(crate) use streams::Ends;
pub(crate) use subject::{EnvironmentChanges, Input, Streams, Subject, describe};
#[cfg(target_os = "linux")]
pub(crate) use temp::TempDir;
#[cfg(not(target_os = "linux"))]
pub(crate) use unsupported::{Forked, fork_now, function_by_address, run};

/// Set in a process that `isolated!` started.
pub(crate) static ISOLATED: AtomicBool = AtomicBool::new(false);

#[cfg(target_os = "linux")]
pub(crate) use constructed::constructed;
#[cfg(target_os = "linux")]
use constructed::{LAUNCHER_NAME, PRIVATE_VARIABLES, REFUSED, SUPERVISOR_NAME};
