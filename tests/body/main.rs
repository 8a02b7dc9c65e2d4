//! What a function's own process shows of the way its body was left: a return, a panic, `exit`,
//! `_exit`, an abort, from its main thread or another, by itself or by a copy that it forked.

#[path = "../support/mod.rs"]
mod support;

mod exits;
mod panics;
mod returns;
mod threads;
