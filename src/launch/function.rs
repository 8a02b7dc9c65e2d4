//! The function's own process: from the first instruction after fork or exec to its `exit`.
//!
//! It makes the process what `main` would find: Rust's SIGPIPE, the message of a stack overflow, a
//! main thread that panics under the name `main`, the constructors of other crates. How the function
//! fared is told on the shared page, never through the exit code.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::RawFd;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::{self, ExitCode};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::fork;
use crate::sys::function::Address;
use crate::sys::page::Page;
use crate::sys::{ctor, fd, overflow, proc, raw, signals};

use super::panic_message::{panic_message, short_backtrace};

/// The page of this process, for the exit hook and the panic hook.
static PAGE: OnceLock<Page> = OnceLock::new();

/// What `/proc/PID/comm` would be after an ordinary exec.
static NAME: OnceLock<CString> = OnceLock::new();

/// Makes this process what `main` would find, as far as forks inherit it: done once in the launcher.
pub(super) fn prepare_process() {
    let name = std::env::current_exe().ok().and_then(|path| {
        let name = path.file_name()?.as_encoded_bytes().to_vec();
        CString::new(&name[..name.len().min(15)]).ok()
    });
    let _ = NAME.set(name.unwrap_or_default());
    overflow::install();
    install_panic_hook();
}

/// Makes this process ready to run one function, whichever that will be: what can be done before it is
/// known, so that no run waits for it.
pub(super) fn prepare_for_one(page: Page) {
    extern "C" fn hook(page: &'static Page) {
        page.hooks_ran();
    }
    LEAVING.with(|leaving| leaving.set(Some(Leaving(page))));
    // Registered before the function's own hooks, hence run after them all.
    raw::call_at_exit(hook, PAGE.get_or_init(|| page));
    signals::ignore_sigpipe();
}

/// Runs a function that travelled by its address, in a process that was prepared for one.
pub(super) fn run_fresh(page: Page, link: RawFd, address: Address, input: &[u8]) -> ! {
    if let Some(name) = NAME.get() {
        fork::set_name(name);
    }
    ctor::run_the_rest();
    let trampoline = address.trampoline();
    conclude(page, link, || match trampoline(input) {
        Ok(code) => code,
        Err(error) => {
            page.undecodable(&error.to_string());
            fork::exit_now(1)
        }
    })
}

/// Runs a function in a fork of the test process, whose runner may have captured the output of the
/// thread that forked.
pub(super) fn run_forked(page: Page, link: RawFd, body: Box<dyn FnOnce() -> ExitCode + '_>) -> ! {
    prepare_process();
    prepare_for_one(page);
    if let Some(name) = NAME.get() {
        fork::set_name(name);
    }
    conclude(page, link, || super::uncaptured::call(body))
}

fn install_panic_hook() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| match PAGE.get() {
        Some(page) if raw::thread_id() == raw::process_id() => report_panic(*page, info),
        _ => default(info),
    }));
}

/// Dropped when `exit` is called by the main thread: after the thread's other destructors, which were
/// registered later, and before the exit hooks (glibc's `exit` runs them in this order).
struct Leaving(Page);

impl Drop for Leaving {
    fn drop(&mut self) {
        let threads = proc::other_threads();
        self.0.leaving(&threads.join(", "));
    }
}

thread_local! {
    static LEAVING: Cell<Option<Leaving>> = const { Cell::new(None) };
}

/// Calls the function and leaves as `main` would leave.
fn conclude(page: Page, link: RawFd, body: impl FnOnce() -> ExitCode) -> ! {
    page.enter();
    // Tells the supervisor that the function's own code comes now.
    drop(fd::take_inherited(link));
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(code) => {
            page.returned();
            process::exit(number(code))
        }
        Err(payload) => {
            // `resume_unwind`, and a panic hook of the function's own, come here without this one's.
            let message = panic_message(payload.as_ref());
            if !page.notes(&message) {
                page.note_panic(&message, None);
            }
            page.panicked();
            process::exit(101)
        }
    }
}

/// The number that an `ExitCode` stands for; std offers no way to ask.
fn number(code: ExitCode) -> i32 {
    (0..=u8::MAX).find(|number| ExitCode::from(*number) == code).map_or(1, i32::from)
}

static PANIC_SEEN: AtomicBool = AtomicBool::new(false);

/// Notes a panic of the main thread, and prints what std prints for a thread called `main`: the
/// process never came to the place where std gives it that name.
fn report_panic(page: Page, info: &PanicHookInfo<'_>) {
    let text = panic_message(info.payload());
    let location = info.location().map(ToString::to_string);
    page.note_panic(&text, location.as_deref());
    let first = !PANIC_SEEN.swap(true, Ordering::Relaxed);
    let place = location.as_deref().unwrap_or("<unknown>");
    let mut out = format!("\nthread 'main' ({}) panicked at {place}:\n{text}\n", raw::thread_id());
    match std::env::var_os("RUST_BACKTRACE") {
        Some(value) if value != "0" => {
            let full = Backtrace::force_capture().to_string();
            let shown = if value == "full" { full } else { short_backtrace(&full) };
            out.push_str(&format!("stack backtrace:\n{shown}"));
        }
        _ if first => {
            out.push_str("note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n");
        }
        _ => {}
    }
    let _ = io::stderr().lock().write_all(out.as_bytes());
}
