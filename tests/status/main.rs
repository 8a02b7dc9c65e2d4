//! What the kernel says of an end, and what each status assertion takes it for: a code is that code
//! and no signal, a signal is that signal and no code, and what still runs has not ended.
//!
//! Each case stands beside its negative control, in which the same assertion fails.

#[path = "../support/mod.rs"]
mod support;

mod codes;
mod signals;
mod unfinished;
