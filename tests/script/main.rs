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

use std::time::Duration;

use exeunt::{Delivery, Exit, What};

/// A time of the plan as `EXEUNT_TIMEOUT_SCALE` makes it, with which these tests hold too.
fn scaled(time: Duration) -> Duration {
    let scale = std::env::var("EXEUNT_TIMEOUT_SCALE").ok().and_then(|text| text.trim().parse().ok());
    time.mul_f64(scale.unwrap_or(1.0))
}

/// A scaled time as a report names it.
fn in_words(time: Duration) -> String {
    let time = scaled(time);
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{} s", time.as_secs_f64())
    }
}

/// What was done to the target, in order.
fn deliveries(exit: &Exit) -> Vec<&Delivery> {
    let events = exit.timeline().iter();
    let done = events.filter_map(|event| match &event.what {
        What::Delivered { delivery } => Some(delivery),
        _ => None,
    });
    done.collect()
}
