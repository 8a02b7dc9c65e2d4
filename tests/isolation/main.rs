//! What a run leaves behind: nothing that is alive, whatever the target started and however the run, or
//! the whole test process, ended; and nothing in the test process itself.
//!
//! The processes that targets start report themselves through a pipe, with their start time, and hold a
//! lock as long as they live. So "gone" is seen twice, and never by an id alone.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod concurrency;
mod descendants;
mod footprint;
mod leftovers;
mod parents;
mod sigchld;
mod test_process;
