//! Programs of other languages that the tests run: C ones are compiled here, Python ones are run by
//! the interpreter itself and not by whatever wrapper is called `python3`.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use exeunt::{ExitTest, program};

use crate::support::{fixture, needs};

/// A program of `fixtures/c`. Some of them share `work.h`.
#[track_caller]
pub fn c_program(source: &str) -> Option<ExitTest> {
    let name = source.strip_suffix(".c").expect("a C file");
    Some(program(compiled(source, name, &[])?))
}

/// Compiles `source` of `fixtures/c` to a program of this name, once per test process.
#[track_caller]
pub fn compiled(source: &str, name: &str, flags: &[&str]) -> Option<PathBuf> {
    static COMPILED: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let compiler = needs("cc")?;
    let mut known = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(path) = known.get(name) {
        return Some(path.clone());
    }
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Other test processes may be compiling the same file: each has a name of its own until it is done.
    let unfinished = place.join(format!("{name}-{}", std::process::id()));
    let output = Command::new(compiler)
        .args(["-O1", "-Wall", "-Werror", "-pthread"])
        .args(flags)
        .arg("-o")
        .arg(&unfinished)
        .arg(fixture("c").join(source))
        .output()
        .expect("the compiler runs");
    assert!(output.status.success(), "{source}: {}", String::from_utf8_lossy(&output.stderr));
    let finished = place.join(name);
    std::fs::rename(&unfinished, &finished).expect("a name for the program");
    known.insert(name.to_owned(), finished.clone());
    Some(finished)
}

/// Python without what the machine's installation adds: it starts in a few milliseconds.
#[track_caller]
pub fn python() -> Option<ExitTest> {
    Some(program(interpreter()?).args(["-I", "-S"]))
}

/// Python's interpreter itself, and not a wrapper of it.
#[track_caller]
pub fn interpreter() -> Option<&'static Path> {
    static INTERPRETER: OnceLock<PathBuf> = OnceLock::new();
    let found = needs("python3")?;
    Some(INTERPRETER.get_or_init(|| {
        let output = Command::new(found)
            .args(["-c", "import sys; sys.stdout.write(sys.executable)"])
            .output()
            .expect("python3 runs");
        PathBuf::from(String::from_utf8(output.stdout).expect("a path"))
    }))
}

/// A program of `fixtures/python`.
#[track_caller]
pub fn python_program(script: &str) -> Option<ExitTest> {
    Some(python()?.arg(fixture("python").join(script)))
}
