//! The function's own process: from the first instruction after fork or exec to its `exit`.
//!
//! It makes the process what `main` would find: Rust's SIGPIPE, the message of a stack overflow, a
//! main thread that panics under the name `main`, the constructors of other crates. How the function
//! fared is told on the shared page, never through the exit code.

use std::any::Any;
use std::backtrace::Backtrace;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::{self, ExitCode};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::sys::fork::{self, Image, Setup, StartError};
use crate::sys::function::Address;
use crate::sys::page::Page;
use crate::sys::{ctor, fd, overflow, raw, signals};

use super::wire::{self, Blob, FUNCTION_VARIABLE};

/// The page of this process, for the exit hook and the panic hook.
static PAGE: OnceLock<Page> = OnceLock::new();

/// Runs a function in a fork of a supervisor.
pub(super) fn run_fresh(page: Page, announce: Option<RawFd>, address: Address, input: &[u8]) -> ! {
    name_after_executable();
    run_travelled(page, announce, address, input)
}

/// Runs a function that travelled by its address.
fn run_travelled(page: Page, announce: Option<RawFd>, address: Address, input: &[u8]) -> ! {
    prepare(page);
    ctor::run_the_rest();
    let trampoline = address.trampoline();
    conclude(page, announce, || match trampoline(input) {
        Ok(code) => code,
        Err(error) => {
            page.undecodable(&error.to_string());
            fork::exit_now(1)
        }
    })
}

/// Runs a function in a fork of the test process, whose runner may have captured the output of the
/// thread that forked.
pub(super) fn run_forked(page: Page, announce: Option<RawFd>, body: Box<dyn FnOnce() -> ExitCode + '_>) -> ! {
    prepare(page);
    conclude(page, announce, || super::uncaptured::call(body))
}

fn prepare(page: Page) {
    let _ = PAGE.set(page);
    signals::ignore_sigpipe();
    overflow::install();
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if raw::thread_id() == raw::process_id() {
            report_panic(page, info);
        } else {
            default(info);
        }
    }));
}

/// Calls the function and leaves as `main` would leave.
fn conclude(page: Page, announce: Option<RawFd>, body: impl FnOnce() -> ExitCode) -> ! {
    extern "C" fn hook(page: &'static Page) {
        page.hooks_ran();
    }
    page.enter();
    // Registered before the function's own hooks, hence run after them all.
    raw::call_at_exit(hook, PAGE.get_or_init(|| page));
    drop(announce.and_then(fd::take_inherited));
    match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(code) => {
            page.returned();
            process::exit(number(code))
        }
        Err(payload) => {
            if PANIC_SEEN.load(Ordering::Relaxed) {
                page.panicked();
            } else {
                // `resume_unwind` comes here without the hook.
                page.note_panic(&message(payload.as_ref()), None);
                page.panicked();
            }
            process::exit(101)
        }
    }
}

/// The number that an `ExitCode` stands for; std offers no way to ask.
fn number(code: ExitCode) -> i32 {
    (0..=u8::MAX).find(|number| ExitCode::from(*number) == code).map_or(1, i32::from)
}

static PANIC_SEEN: AtomicBool = AtomicBool::new(false);

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "Box<dyn Any>".to_owned()
    }
}

/// Notes a panic of the main thread, and prints what std prints for a thread called `main`: the
/// process never came to the place where std gives it that name.
fn report_panic(page: Page, info: &PanicHookInfo<'_>) {
    let text = message(info.payload());
    let location = info.location().map(ToString::to_string);
    page.note_panic(&text, location.as_deref());
    let first = !PANIC_SEEN.swap(true, Ordering::Relaxed);
    let place = location.as_deref().unwrap_or("<unknown>");
    let mut out = format!("\nthread 'main' ({}) panicked at {place}:\n{text}\n", raw::thread_id());
    match std::env::var_os("RUST_BACKTRACE") {
        Some(value) if value != "0" => {
            out.push_str(&format!("stack backtrace:\n{}", Backtrace::force_capture()));
        }
        _ if first => {
            out.push_str("note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n");
        }
        _ => {}
    }
    let _ = io::stderr().lock().write_all(out.as_bytes());
}

/// `/proc/PID/comm` as it would be after an ordinary exec.
fn name_after_executable() {
    let name = std::env::current_exe().ok().and_then(|path| {
        let name = path.file_name()?.as_encoded_bytes().to_vec();
        CString::new(&name[..name.len().min(15)]).ok()
    });
    if let Some(name) = name {
        fork::set_name(&name);
    }
}

/// Why a function could not be started by exec.
pub(super) enum ExecError {
    Start(StartError),
    Io(io::Error),
}

impl From<io::Error> for ExecError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What travels to the new process besides its arguments and its environment.
#[derive(Debug, Serialize, Deserialize)]
struct Call<'a> {
    address: Address,
    #[serde(borrow)]
    input: Blob<'a>,
}

/// In the supervisor: starts this executable afresh, so that its arguments are those given.
pub(super) fn start_by_exec(
    address: Address,
    input: &[u8],
    arguments: Vec<CString>,
    mut environment: Vec<CString>,
    setup: &Setup,
    page: &OwnedFd,
    announce: Option<&OwnedFd>,
) -> Result<i32, ExecError> {
    let call = wire::memory_file(&wire::encode(&Call { address, input: Blob(input) })?)?;
    // Above 2, so that the streams do not take their places.
    let page = fd::inheritable_copy(page, 3)?;
    let call = fd::inheritable_copy(&call, 3)?;
    let announce = announce.map(|fd| fd::inheritable_copy(fd, 3)).transpose()?;
    let handshake = format!(
        "{FUNCTION_VARIABLE}={}:{}:{}",
        page.as_raw_fd(),
        call.as_raw_fd(),
        announce.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    );
    environment.push(CString::new(handshake).map_err(io::Error::other)?);
    let image = Image { path: c"/proc/self/exe".to_owned(), arguments, environment };
    fork::start_program(&image, setup).map_err(ExecError::Start)
}

/// In the new process, before `main`: runs the function that `handshake` names. Returns where that
/// is not one of this crate's making.
pub(super) fn run_after_exec(handshake: &str) -> Option<std::convert::Infallible> {
    let mut numbers = handshake.split(':').map(str::parse::<RawFd>);
    let page = fd::take_inherited(numbers.next()?.ok()?)?;
    let call = fd::take_inherited(numbers.next()?.ok()?)?;
    let announce = numbers.next()?.ok()?;
    let page = Page::map(&page).ok()?;
    let mut bytes = Vec::new();
    File::from(call).read_to_end(&mut bytes).ok()?;
    let Call { address, input } = wire::decode(&bytes).ok()?;
    name_after_executable();
    run_travelled(page, (announce >= 0).then_some(announce), address, input.0)
}
