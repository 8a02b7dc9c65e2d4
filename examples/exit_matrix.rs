//! What is left of a process, for each way in which it can end.
//!
//! ```sh
//! cargo run --example exit_matrix
//! ```
//!
//! The example starts itself again once for each way, as a program and as a function. Before it ends,
//! each run prints a line that it does not finish, holds a value that is to be dropped, registers an
//! exit hook and touches a thread-local. What became of these is observed from outside; nothing in
//! the table is written down here.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitCode};
use std::thread;

use exeunt::prelude::*;
use exeunt::{Mark, MarkKind};

/// What `main` returns, and so does the function in the table of functions.
type Returned = Result<ExitCode, String>;

/// One way to end a process.
struct Way {
    name: &'static str,
    /// What is sent to it once it is ready.
    signal: Option<Signal>,
    leave: fn() -> Returned,
}

const fn by_itself(name: &'static str, leave: fn() -> Returned) -> Way {
    Way { name, signal: None, leave }
}

const fn by_signal(name: &'static str, signal: Signal, leave: fn() -> Returned) -> Way {
    Way { name, signal: Some(signal), leave }
}

const WAYS: &[Way] = &[
    by_itself("return", || Ok(ExitCode::SUCCESS)),
    by_itself("return of ExitCode 3", || Ok(ExitCode::from(3))),
    by_itself("return of an error", || Err("something went wrong".to_owned())),
    by_itself("panic", || panic!("something went wrong")),
    by_itself("panic, then one in a drop", panic_twice),
    by_itself("panic in another thread", || {
        // The panic is the thread's own matter: the main thread returns.
        let _ = thread::spawn(|| panic!("something went wrong")).join();
        Ok(ExitCode::SUCCESS)
    }),
    by_itself("process::exit(4)", || process::exit(4)),
    by_itself("process::exit in another thread", || {
        thread::scope(|scope| scope.spawn(|| process::exit(4)).join().map_err(|_| "it returned".to_owned()))
    }),
    by_itself("exit(5) of the C library", || {
        // SAFETY: no other thread runs.
        unsafe { libc::exit(5) }
    }),
    by_itself("_exit(6)", || {
        // SAFETY: _exit has no preconditions.
        unsafe { libc::_exit(6) }
    }),
    by_itself("exec of another program", || Err(Command::new("true").exec().to_string())),
    by_itself("abort", || process::abort()),
    by_itself("stack overflow", || Ok(ExitCode::from(deeper(0)))),
    by_itself("stack overflow in another thread", || {
        let depth = thread::spawn(|| deeper(0)).join().unwrap_or_default();
        Ok(ExitCode::from(depth))
    }),
    by_signal("SIGTERM, no handler", SIGTERM, || wait_forever()),
    by_signal("SIGTERM, handled", SIGTERM, || {
        let mut signals =
            signal_hook::iterator::Signals::new([SIGTERM.number()]).map_err(|e| e.to_string())?;
        probe::mark(READY);
        signals.forever().next();
        Ok(ExitCode::SUCCESS)
    }),
    by_signal("SIGKILL", SIGKILL, || wait_forever()),
];

const READY: &str = "ready";
const PENDING: &str = "a line that is not finished";
const VALUE: &str = "value";
const HOOK: &str = "exit hook";
const LOCAL: &str = "thread-local";

/// Leaves a mark when it is dropped.
struct Local;

impl Drop for Local {
    fn drop(&mut self) {
        probe::mark(LOCAL);
    }
}

thread_local! {
    static THREAD_LOCAL: Local = const { Local };
}

/// Has everything in place that an end may take care of, and ends.
fn end_by(way: &Way) -> Returned {
    let _value = probe::on_drop(VALUE);
    probe::at_exit(HOOK);
    THREAD_LOCAL.with(|_| ());
    // Without a newline it stays in Rust's buffer, whatever stdout is.
    print!("{PENDING}");
    (way.leave)()
}

fn wait_forever() -> ! {
    probe::mark(READY);
    loop {
        thread::park();
    }
}

fn panic_twice() -> Returned {
    struct Worse;
    impl Drop for Worse {
        fn drop(&mut self) {
            panic!("and again while unwinding");
        }
    }
    let _worse = Worse;
    panic!("something went wrong")
}

/// Recurses until there is no stack left.
fn deeper(depth: u8) -> u8 {
    let frame = black_box([depth; 512]);
    if black_box(false) {
        return depth;
    }
    deeper(depth.wrapping_add(1)).wrapping_add(black_box(frame)[0])
}

/// What was observed of one end: the cells of a row.
#[derive(PartialEq)]
struct Left {
    ending: String,
    pending: &'static str,
    drops: &'static str,
    hooks: &'static str,
    thread_local: &'static str,
}

const HEADINGS: [&str; 5] = ["ending", "pending line", "drops", "exit hooks", "thread-local"];

impl Left {
    fn of(exit: &Exit) -> Result<Self, String> {
        let made = |what: &dyn Fn(&Mark) -> bool| exit.marks().iter().any(what);
        if !made(&|mark| mark.kind() == MarkKind::Armed && mark.label() == VALUE) {
            return Err(format!("the run did not come to its end: {exit:?}"));
        }
        let ran = |ran: bool| if ran { "ran" } else { "skipped" };
        let dropped = |mark: &Mark| matches!(mark.kind(), MarkKind::Dropped | MarkKind::DroppedUnwinding);
        Ok(Self {
            ending: exit.ending().to_string(),
            pending: if exit.stdout_text().contains(PENDING) { "flushed" } else { "lost" },
            drops: ran(made(&|mark| dropped(mark) && mark.label() == VALUE)),
            hooks: ran(made(&|mark| mark.kind() == MarkKind::Hook && mark.label() == HOOK)),
            thread_local: ran(made(&|mark| mark.kind() == MarkKind::Mark && mark.label() == LOCAL)),
        })
    }

    fn cells(&self) -> [&str; 5] {
        [&self.ending, self.pending, self.drops, self.hooks, self.thread_local]
    }

    /// Where this differs from what the program left.
    fn compared_with(&self, program: &Self) -> String {
        let pairs = HEADINGS.iter().zip(self.cells()).zip(program.cells());
        let differing: Vec<String> = pairs
            .filter(|((_, own), programs)| own != programs)
            .map(|((heading, own), _)| format!("{heading}: {own}"))
            .collect();
        if differing.is_empty() { "as the program".to_owned() } else { differing.join(", ") }
    }
}

/// Carries one run out, with the signal that belongs to its way.
fn observe(run: ExitTest, way: &Way) -> Result<Exit, Box<dyn Error>> {
    Ok(match way.signal {
        Some(signal) => run.signal_when(signal, Ready::mark(READY)).run()?,
        None => run.run()?,
    })
}

/// The columns aligned, the first row underlined.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> =
        (0..columns).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(out, "{}", cells.join("  ").trim_end());
        if index == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            let _ = writeln!(out, "{}", rules.join("  "));
        }
    }
    out
}

fn matrix() -> Result<String, Box<dyn Error>> {
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<String>>();
    let mut programs = vec![row(&[&["a program that ends by"], &HEADINGS[..]].concat())];
    let mut functions = vec![row(&["a function that ends by", "how", "what it left"])];
    for (index, way) in WAYS.iter().enumerate() {
        let run = program(std::env::current_exe()?).arg(way.name);
        let program = Left::of(&observe(run, way)?)?;
        programs.push(row(&[&[way.name], &program.cells()[..]].concat()));

        let run = assert_exit_with(index, |index: usize| end_by(&WAYS[index]));
        let exit = observe(run, way)?;
        let how = match exit.how() {
            Some(How::Returned) => "returned",
            Some(How::Panicked { .. }) => "panicked",
            Some(How::Exited) => "exited",
            Some(How::ExitedImmediately) => "exited immediately",
            _ => "killed",
        };
        functions.push(row(&[way.name, how, &Left::of(&exit)?.compared_with(&program)]));
    }
    Ok(format!("{}\n{}", table(&programs), table(&functions)))
}

fn main() -> Returned {
    match std::env::args().nth(1) {
        Some(name) => {
            let way = WAYS.iter().find(|way| way.name == name);
            end_by(way.ok_or_else(|| format!("there is no way named {name:?}"))?)
        }
        None => {
            print!("{}", matrix().map_err(|error| error.to_string())?);
            Ok(ExitCode::SUCCESS)
        }
    }
}
