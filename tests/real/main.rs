//! Programs that nobody wrote for a test, ended as the world ends them: what do they clean up, and what do
//! they leave? Each is tested the way its user would, without a change to it.
#![allow(unreachable_pub, reason = "the shared modules are written for several test files")]

#[path = "../support/process.rs"]
mod process;
#[path = "../support/programs.rs"]
mod programs;
#[path = "../support/mod.rs"]
mod support;

mod bash;
mod git;
mod http_server;
mod sort;
mod sqlite;

use std::path::Path;

/// The names in a directory, in order.
fn names_in(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().expect("the directory is there").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
