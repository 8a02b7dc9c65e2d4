//! Which function runs, where, and with what around it: the one that was written at the call, in a
//! process of its own that has nothing of the test process but its environment and directory.

#[path = "../support/mod.rs"]
mod support;

mod binary;
mod calls;
mod environment;
mod helper_crate;
mod nested;
mod process;
