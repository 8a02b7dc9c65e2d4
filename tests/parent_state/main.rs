//! What a target has of the test process: its environment and its directory, and nothing else. Neither
//! its threads and their locks, nor its signals, exit hooks, descriptors or closed streams.
//!
//! What belongs to the whole process is changed in a process of the test's own (`isolated!`).
//! `EXEUNT_RACE_RUNS` says how long the endurance test is.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod descriptors;
mod endurance;
mod hooks;
mod many_at_once;
mod signals;
mod streams;
mod surroundings;
mod threads;

use std::sync::atomic::{AtomicBool, Ordering};

/// Does `work` again and again in a thread of its own while `body` runs, also where that panics.
fn meanwhile(work: impl Fn() + Sync, body: impl FnOnce()) {
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                work();
            }
        });
        let _stop = Stop(&done);
        body();
    });
}
