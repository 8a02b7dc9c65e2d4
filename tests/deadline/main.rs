//! The deadline: what is still running then is ended by the harness, which says so and never takes its
//! own SIGKILL for the target's ending; and nothing outlives a run, however that or the runner ends.
//!
//! `EXEUNT_RACE_RUNS` says how often the races around a deadline are run.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod durations;
mod forced;
mod left_behind;
mod race;
mod runner;

use std::time::Duration;

use exeunt::prelude::*;

/// How soon after its deadline, or the target's end, a run is over. It takes milliseconds; whoever waits
/// for what a target left waits ten minutes.
const PROMPTLY: Duration = secs(10);
