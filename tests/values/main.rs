//! What a function is given by value: that it arrives as it was, or not at all, and that what it
//! cannot be given is refused when it is compiled.

#[path = "../support/mod.rs"]
mod support;

mod arguments;
mod captures;
mod lost;
