//! The first Ctrl-C asks a program to finish what it is at, the second makes it leave at once.
//!
//! ```sh
//! cargo run --example double_ctrl_c
//! ```
//!
//! The example starts itself again at a terminal, where Ctrl-C is typed once and twice.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use exeunt::prelude::*;

/// Works until Ctrl-C, then tidies up for as long as `tidying`; a second Ctrl-C does not wait for that.
fn work(tidying: Duration) -> ExitCode {
    static LEAVING: AtomicBool = AtomicBool::new(false);
    let (asked, leave) = std::sync::mpsc::channel();
    ctrlc::set_handler(move || {
        if LEAVING.swap(true, Ordering::SeqCst) {
            println!("leaving at once");
            process::exit(130);
        }
        // `main` may be gone already.
        let _ = asked.send(());
    })
    .expect("the first handler of this program");
    println!("working");
    leave.recv().expect("the handler lives as long as the program");
    println!("tidying up; once more to leave at once");
    // The work that a second Ctrl-C interrupts; nothing waits for it by guessing how long it takes.
    thread::sleep(tidying);
    println!("tidied up");
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    if let Some(milliseconds) = std::env::args().nth(1) {
        return work(ms(milliseconds.parse().expect("milliseconds")));
    }
    let this = std::env::current_exe().expect("the path of this program");
    let worker = |tidying: &str| program(&this).arg(tidying).pty().ready_when(Ready::stdout("working"));

    worker("0").interrupt_after(ms(50)).cleanup_ran("tidied up").success().no_leftovers();
    println!("one Ctrl-C: it tidied up and left with 0");

    worker("600000")
        .interrupt_after(ms(50))
        .interrupt_when(Ready::stdout("tidying up"))
        .cleanup_ran("leaving at once")
        .cleanup_skipped("tidied up")
        .code(130)
        .within(secs(10));
    println!("two: it left at once, with 130");

    worker("0").signal_after(SIGKILL, ms(50)).cleanup_skipped("tidied up").killed_by(SIGKILL);
    println!("SIGKILL: nobody tidied up");
    ExitCode::SUCCESS
}
