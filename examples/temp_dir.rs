//! Whether temporary files are removed when a function returns, panics, or calls `exit`.
//!
//! ```sh
//! cargo run --example temp_dir
//! ```
//!
//! A `TempDir` is removed by its drop. A return and a panic drop it, `exit` does not: the directory is left,
//! and the last assertion, which fails on purpose, names it.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::error::Error;
use std::panic;

use exeunt::prelude::*;

/// Makes a directory with a file in it, and a guard that tells of its drop.
fn work() -> (tempfile::TempDir, probe::OnDrop) {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("part"), "half of it").expect("a file");
    (directory, probe::on_drop("work directory"))
}

/// The report of an assertion that fails, which is not shown as a panic as well.
fn report_of(assertion: impl FnOnce() -> Exit + panic::UnwindSafe) -> Result<String, &'static str> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let ended = panic::catch_unwind(assertion);
    panic::set_hook(hook);
    let failure = ended.err().ok_or("the assertion holds, where it should fail")?;
    Ok(*failure.downcast::<String>().map_err(|_| "a panic without a text")?)
}

fn main() -> Result<(), Box<dyn Error>> {
    assert_exit(|| drop(work())).no_temp_files_left().all_dropped().returned();
    println!("a return: nothing is left");

    let panicking = assert_exit(|| {
        let _work = work();
        panic!("no reason");
    });
    panicking.no_temp_files_left().all_dropped().panicked();
    println!("a panic: nothing is left");

    let exiting = || {
        assert_exit(|| {
            let _work = work();
            std::process::exit(1);
        })
    };
    exiting().own_temp_dir().not_dropped("work directory").code(1);
    let report = report_of(|| exiting().no_temp_files_left())?;
    println!("\n`exit`, with an assertion that nothing is left:\n");
    println!("{report}");
    Ok(())
}
