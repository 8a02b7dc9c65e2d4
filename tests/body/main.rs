//! What a function's own process shows of the way its body was left: a return, a panic, `exit`,
//! `_exit`, an abort, from its main thread or another, by itself or by a copy that it forked.
//!
//! `forked` does the same in a copy of the test process, and `isolated` looks at `isolated!`, by
//! running this test binary once more.

#[path = "../support/mod.rs"]
mod support;

mod exits;
mod forked;
mod isolated;
mod panics;
mod returns;
mod threads;
