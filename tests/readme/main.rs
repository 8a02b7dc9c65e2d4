//! README.md says what is so: its tests are those below, its failing run and its table are printed
//! anew and compared.
//!
//! `EXEUNT_UPDATE_README=1 cargo test --test readme -- --test-threads=1` writes the two blocks.

use exeunt::prelude::*;

// The tests of README.md; their lines are shown there, and the failing run names one of them.

#[test]
fn greets_and_leaves_with_3() {
    assert_exit(|| {
        println!("hello");
        std::process::exit(3);
    })
    .code(3)
    .stdout("hello\n");
}

#[test]
fn the_server_lets_go_of_its_lock_when_told_to_leave() {
    let directory = tempfile::tempdir().unwrap();
    cargo_bin!("lock-server")
        .arg("server.lock")
        .current_dir(&directory)
        .ready_when(Ready::stdout("listening"))
        .signal_after(SIGTERM, ms(100))
        .cleanup_ran("lock released")
        .code(0);
}

#[test]
#[ignore = "it fails on purpose: README.md shows how"]
fn the_server_lets_go_of_its_lock_on_ctrl_c() {
    let directory = tempfile::tempdir().unwrap();
    cargo_bin!("lock-server")
        .arg("server.lock")
        .current_dir(&directory)
        .ready_when(Ready::stdout("listening"))
        .signal_after(SIGINT, ms(100))
        .cleanup_ran("lock released")
        .code(0);
}

mod compared {
    use std::path::PathBuf;

    use super::{ExitAssert as _, cargo_bin, program};

    const README: &str = "README.md";

    fn place_of(name: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
    }

    fn read(name: &str) -> String {
        std::fs::read_to_string(place_of(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The fenced block of README.md after the comment `<!-- name -->`.
    fn block<'a>(readme: &'a str, name: &str) -> &'a str {
        let marker = format!("<!-- {name} -->\n\n```text\n");
        let (_, rest) = readme.split_once(&marker).unwrap_or_else(|| panic!("{README} lacks {marker:?}"));
        rest.split_once("```").expect("a block that ends").0
    }

    /// Compares the block with what was printed, or writes it where that was asked for.
    #[track_caller]
    fn check(name: &str, printed: &str, normal: impl Fn(&str) -> String) {
        let readme = read(README);
        let shown = block(&readme, name);
        if normal(shown) == normal(printed) {
            return;
        }
        if std::env::var_os("EXEUNT_UPDATE_README").is_some() {
            let (before, after) = readme.split_at(shown.as_ptr().addr() - readme.as_ptr().addr());
            let after = after.strip_prefix(shown).expect("it was found there");
            std::fs::write(place_of(README), [before, printed, after].concat())
                .expect("README.md is written");
            return;
        }
        panic!(
            "the {name} in {README} is not what is printed now (EXEUNT_UPDATE_README=1 writes it):\n{printed}"
        );
    }

    /// Every number that a run has of its own, a process id, a port or a time, as `N`.
    fn without_numbers_of_the_run(text: &str) -> String {
        let mut out = Vec::new();
        for line in text.lines() {
            let mut words: Vec<String> = line.split_ascii_whitespace().map(str::to_owned).collect();
            for index in 0..words.len() {
                let after = words.get(index + 1).map(String::as_str).unwrap_or_default();
                let before = index.checked_sub(1).map(|index| words[index].as_str()).unwrap_or_default();
                let is_number = words[index].trim_end_matches(',').parse::<f64>().is_ok();
                if is_number && (after.starts_with("ms") || before == "process") {
                    words[index] = "N".to_owned();
                } else if after == "bytes):" {
                    // A port has up to five digits.
                    words[index] = "(N".to_owned();
                } else if words[index].starts_with("127.0.0.1:") {
                    words[index] = "127.0.0.1:N".to_owned();
                } else if before.starts_with('\'') && after == "panicked" {
                    // The thread's id, which compilers before 1.91 do not print.
                    words[index].clear();
                }
            }
            words.retain(|word| !word.is_empty());
            out.push(words.join(" "));
        }
        out.join("\n")
    }

    #[test]
    fn the_failing_run_is_what_the_test_prints() {
        let exit = program(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "the_server_lets_go_of_its_lock_on_ctrl_c", "--test-threads=2"])
            .env("RUST_BACKTRACE", "0")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .code(101);
        let printed = exit.stdout_text();
        let (_, from) = printed.split_once("stdout ----\n").expect("libtest shows the failing test's output");
        let (report, _) = from.split_once("\nnote: ").expect("libtest's note ends it");
        check("failing run", &format!("{}\n", report.trim()), without_numbers_of_the_run);
    }

    #[test]
    fn the_table_is_what_the_example_prints() {
        let exit = cargo_bin("exit_matrix").success().stderr("");
        check("exit matrix", &exit.stdout_text(), str::to_owned);
    }

    #[test]
    fn a_block_that_differs_fails() {
        let shown = "function x: not the expected exit\n happened: exit code 1, 3.4 ms after its start";
        let same = "function x: not the expected exit\n happened: exit code 1, 0.4 ms after its start";
        let other = "function x: not the expected exit\n happened: exit code 2, 3.4 ms after its start";
        assert_eq!(without_numbers_of_the_run(shown), without_numbers_of_the_run(same));
        assert_ne!(without_numbers_of_the_run(shown), without_numbers_of_the_run(other));
        let thread = "thread 'a' (12) panicked at x.rs:1:2:";
        assert_eq!(without_numbers_of_the_run(thread), "thread 'a' panicked at x.rs:1:2:");
    }

    /// Code in README.md is compiled as documentation; what is called a test there is one here.
    #[test]
    fn the_tests_of_the_readme_are_tests() {
        let own = read("tests/readme/main.rs");
        let readme = read(README);
        let blocks: Vec<&str> = readme
            .split("```rust")
            .skip(1)
            .map(|rest| rest.split_once("```").expect("a block that ends").0)
            .filter_map(|block| block.find("#[test]\n").map(|at| block[at..].trim_end()))
            .collect();
        assert_eq!(blocks.len(), 2, "{README} shows two tests");
        for test in blocks {
            assert!(own.contains(test), "tests/readme/main.rs lacks:\n{test}");
        }
    }

    /// The two commands with which README.md begins, and what CI does, are about things that exist.
    #[test]
    fn the_commands_are_those_that_ci_runs() {
        let (readme, ci) = (read(README), read(".ci/run"));
        for command in ["cargo run --example exit_matrix", "cargo test"] {
            assert!(readme.contains(&format!("\n{command}\n")), "{README} lacks {command:?}");
            assert!(ci.contains(command), ".ci/run lacks {command:?}");
        }
    }
}
