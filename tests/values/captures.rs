//! A closure that captures something does not compile, and the compiler says what to use: fixtures
//! are compiled here against the crate that this test is linked with.
//!
//! The check is made when code is generated, so that the fixtures are compiled to object code. Which
//! of the crate's builds lies where is cargo's affair: the one is taken with which a fixture compiles
//! that must.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use exeunt::prelude::*;

use crate::support::fails_with;

/// Everything that a function may be.
const FINE: &str = r#"
use exeunt::prelude::*;

const CODE: i32 = 3;
static OTHER: i32 = 4;
struct Unit;

fn leaves() {
    std::process::exit(5)
}

fn passed_on<F: FnOnce()>(f: F) {
    assert_exit(f).success();
}

pub fn main() {
    let local = std::env::args().count() as i32;
    let unit = Unit;
    assert_exit(|| std::process::exit(CODE + OTHER)).success();
    assert_exit(leaves).success();
    assert_exit(move || drop(unit)).success();
    passed_on(|| ());
    assert_exit_with(local, |local| std::process::exit(local)).success();
    assert_exit_forked(|| std::process::exit(local)).success();
}
"#;

/// A closure that captures, on the line of each mark.
const CAPTURING: &str = r#"
use exeunt::prelude::*;

fn passed_on<F: FnOnce()>(f: F) {
    assert_exit(f).success(); // CAPTURES
}

pub fn main() {
    let code = std::env::args().count() as i32;
    let text = String::from("moved");
    let mut count = 0;
    let pointer: fn() = || ();
    let borrowed = &code;
    assert_exit(|| std::process::exit(code)).success(); // CAPTURES
    assert_exit(move || drop(text)).success(); // CAPTURES
    assert_exit(|| count += 1).success(); // CAPTURES
    assert_exit(pointer).success(); // CAPTURES
    assert_exit_with(1, |more: i32| std::process::exit(borrowed + more)).success(); // CAPTURES
    passed_on(|| std::process::exit(*borrowed));
}
"#;

const MESSAGE: &str = "this closure captures variables";

/// What compiles fixtures: the compiler, where cargo left the crates, and the build of this crate.
struct Compiler {
    directory: tempfile::TempDir,
    program: PathBuf,
    crates: PathBuf,
    exeunt: PathBuf,
}

impl Compiler {
    /// The compiler that cargo uses and the newest build of this crate with which `FINE` compiles.
    fn find() -> Self {
        let own = env::current_exe().unwrap();
        let crates = own.parent().unwrap().to_owned();
        let mut builds: Vec<PathBuf> = fs::read_dir(&crates)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("libexeunt-") && name.ends_with(".rlib")
            })
            .collect();
        builds
            .sort_by_key(|path| std::cmp::Reverse(path.metadata().and_then(|data| data.modified()).unwrap()));
        let mut said = format!("no build of exeunt lies in {}", crates.display());
        for exeunt in builds {
            let directory = tempfile::tempdir().unwrap();
            let compiler = Self { directory, program: rustc(), crates: crates.clone(), exeunt };
            let exit = compiler.compile(FINE);
            if *exit.ending() == Ending::Code(0) {
                return compiler;
            }
            said = exit.stderr_text();
        }
        panic!("what must compile does not:\n{said}")
    }

    fn compile(&self, text: &str) -> Exit {
        let source = self.directory.path().join("fixture.rs");
        fs::write(&source, text).unwrap();
        let mut external = OsString::from("exeunt=");
        external.push(&self.exeunt);
        let mut dependencies = OsString::from("dependency=");
        dependencies.push(&self.crates);
        program(&self.program)
            .args(["--edition=2024", "--crate-type=lib", "--emit=obj", "--cap-lints=allow", "--out-dir=."])
            .args(env::var("RUSTFLAGS").unwrap_or_default().split_whitespace())
            .arg("--extern")
            .arg(external)
            .arg("-L")
            .arg(dependencies)
            .arg("fixture.rs")
            .current_dir(self.directory.path())
            .timeout(secs(120))
            .run()
            .unwrap()
    }
}

/// The compiler beside the cargo that runs the tests, else the one that the variables or `PATH` name.
fn rustc() -> PathBuf {
    let beside_cargo = env::var_os("CARGO").map(|cargo| Path::new(&cargo).with_file_name("rustc"));
    env::var_os("RUSTC")
        .map(PathBuf::from)
        .or(beside_cargo.filter(|path| path.is_file()))
        .unwrap_or_else(|| PathBuf::from("rustc"))
}

/// Asserts that the fixture does not compile, for its captures and nothing else.
#[track_caller]
fn is_refused(exit: &Exit, text: &str) {
    let exit = exit.clone().code(1);
    let said = exit.stderr_text();
    let lines = text.lines().enumerate().filter(|(_, line)| line.ends_with("// CAPTURES"));
    let lines: Vec<usize> = lines.map(|(at, _)| at + 1).collect();
    assert_eq!(said.matches(MESSAGE).count(), lines.len(), "one error for each that captures:\n{said}");
    for line in lines {
        assert!(said.contains(&format!("fixture.rs:{line}:")), "line {line} is not named:\n{said}");
    }
}

#[test]
fn a_closure_that_captures_does_not_compile_and_the_message_says_what_to_use() {
    let compiler = Compiler::find();
    let refused = compiler.compile(CAPTURING);
    is_refused(&refused, CAPTURING);
    let refused = refused
        .stderr(predicate::str::contains("`assert_exit_with(values, |values| ...)`"))
        .stderr(predicate::str::contains("`assert_exit_forked(|| ...)` inside `isolated!`"))
        // Where the closure is passed on, its own place is named too.
        .stderr(predicate::str::contains("{closure@fixture.rs:19:15: 19:17}"));
    fails_with(|| refused.success(), &["happened: exit code 1", MESSAGE]);
}

#[test]
fn what_captures_nothing_compiles() {
    let compiler = Compiler::find();
    let compiled = compiler.compile(FINE).success().stderr("");
    fails_with(|| is_refused(&compiled, FINE), &["expected: exit code 1", "happened: exit code 0"]);
    // Another error is not taken for this one.
    let broken = compiler.compile("use exeunt::no_such_thing; // CAPTURES");
    fails_with(
        || is_refused(&broken, "use exeunt::no_such_thing; // CAPTURES"),
        &["one error for each that captures", "no_such_thing"],
    );
}
