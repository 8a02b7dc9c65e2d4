//! Whether a program removes its lock file, for each way in which it is told to leave.
//!
//! ```sh
//! cargo run --example lock_file
//! ```
//!
//! The program is a shell script that removes its lock in a trap for SIGTERM. SIGTERM runs it, SIGKILL
//! cannot, and SIGINT was forgotten. The last assertion fails on purpose, and its report is printed.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::error::Error;
use std::panic;

use exeunt::prelude::*;

const PROGRAM: &str = r#"trap 'rm "$0"; exit 0' TERM; : > "$0"; echo working; while :; do sleep 0.01; done"#;

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
    let directory = tempfile::tempdir()?;
    let lock = directory.path().join("lock");
    let told = |signal: Signal| {
        program("sh")
            .args(["-c", PROGRAM])
            .arg(&lock)
            .ready_when(Ready::stdout("working"))
            .signal_after(signal, ms(0))
    };

    told(SIGTERM).removed(&lock).code(0);
    println!("SIGTERM: the lock file is removed");

    told(SIGKILL).left(&lock).killed_by(SIGKILL);
    println!("SIGKILL: the lock file is left, and nothing can be done about it but a lock by `flock`\n");
    std::fs::remove_file(&lock)?;

    // It has no trap for SIGINT.
    let report = report_of(|| told(SIGINT).removed(&lock))?;
    println!("SIGINT, with an assertion that the file is removed:\n");
    println!("{report}");
    Ok(())
}
