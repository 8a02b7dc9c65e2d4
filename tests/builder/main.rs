//! The plan of a run, one method of `ExitTest` after the other: what the target is given, when the
//! script goes on, and when a run is over.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod core_dumps;
mod deadlines;
mod from_command;
mod gates;
mod given;
mod observed;
mod ports_and_files;
mod script;

use std::time::Duration;

use exeunt::{Exit, What};

/// When the signals of the script were sent, in order.
fn sent(exit: &Exit) -> Vec<Duration> {
    let events = exit.timeline().iter();
    events.filter(|event| matches!(event.what, What::Delivered { .. })).map(|event| event.at).collect()
}

/// When the readiness gate opened.
fn ready_at(exit: &Exit) -> Option<Duration> {
    let ready = exit.timeline().iter().find(|event| matches!(event.what, What::Ready { .. }));
    ready.map(|event| event.at)
}
