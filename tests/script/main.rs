//! What a script does to a target besides sending it a signal: groups, queues, stops, streams that end or are
//! not read, and the end by force.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod backtraces;
mod escalation;
mod groups;
mod plan;
mod signals;
mod stdin;
mod steps;
mod stopped;
mod unread;

use exeunt::{Delivery, Exit, What};

/// What was done to the target, in order.
fn deliveries(exit: &Exit) -> Vec<&Delivery> {
    let events = exit.timeline().iter();
    let done = events.filter_map(|event| match &event.what {
        What::Delivered { delivery } => Some(delivery),
        _ => None,
    });
    done.collect()
}
