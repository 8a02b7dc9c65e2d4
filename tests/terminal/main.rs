//! Targets at a terminal: what they get there, what is typed, and how they end by it.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/mod.rs"]
mod support;

mod hang_up;
mod input;
mod keys;
mod plan;
mod shells;
mod streams;
mod window;

use exeunt::{Delivery, Exit, Key, KeyMeaning, What};

/// What the terminal made of each key that was typed, in order.
fn meanings(exit: &Exit) -> Vec<(Key, KeyMeaning)> {
    let events = exit.timeline().iter();
    let keys = events.filter_map(|event| match &event.what {
        What::Delivered { delivery: Delivery::Key { key, meaning } } => Some((*key, *meaning)),
        _ => None,
    });
    keys.collect()
}
