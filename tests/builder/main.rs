//! The plan of a run, one method of `ExitTest` after the other: what the target is given, when the
//! script goes on, and when a run is over.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod races;
