//! Running a function where no test runner captures its output.
//!
//! libtest captures what `print!` writes on a test's thread, into memory. In a forked copy of the
//! process that memory dies with the copy, and stdout would seem to have lost everything. While a
//! captured `print!` formats its arguments, the capture is taken out of its place; so a function that
//! is called as one of these arguments prints to the real stdout, and so do the threads it starts.

use std::cell::RefCell;
use std::fmt;
use std::process::ExitCode;

use crate::sys::fd;

/// Calls `body` with this thread's output capture, if there is one, out of the way.
pub(super) fn call(body: Box<dyn FnOnce() -> ExitCode + '_>) -> ExitCode {
    if !capture_is_on() {
        return body();
    }
    let argument = Argument { body: RefCell::new(Some(body)), code: RefCell::new(None) };
    let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        print_it(&argument);
    }));
    match (finished, argument.code.into_inner()) {
        (Err(payload), _) => std::panic::resume_unwind(payload),
        (Ok(()), Some(code)) => code,
        (Ok(()), None) => unreachable!("formatting the argument runs the function"),
    }
}

#[expect(clippy::print_stdout, reason = "it is what gives the function the real stdout")]
fn print_it(argument: &Argument<'_>) {
    print!("{argument}");
}

/// Whether a line printed by this thread fails to arrive at descriptor 1. It also takes out what
/// the test process had printed but not flushed when it was forked, which is not the function's.
#[expect(clippy::print_stdout, reason = "whether it arrives is the question")]
fn capture_is_on() -> bool {
    let (Ok((reader, writer)), Ok(kept)) = (fd::pipe(), fd::duplicate_stdout()) else { return false };
    if fd::make_stdout(&writer).is_err() {
        return false;
    }
    println!();
    let arrived = fd::readable_bytes(&reader) > 0;
    let _ = fd::make_stdout(&kept);
    !arrived
}

struct Argument<'a> {
    body: RefCell<Option<Box<dyn FnOnce() -> ExitCode + 'a>>>,
    code: RefCell<Option<ExitCode>>,
}

impl fmt::Display for Argument<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body.borrow_mut().take();
        if let Some(body) = body {
            let code = body();
            *self.code.borrow_mut() = Some(code);
        }
        Ok(())
    }
}
