//! The target-to-be: a fork of a supervisor that waits for a request, takes it and becomes what it
//! asks for, a function or a program.
//!
//! What can be set up beforehand is (process group, tie to the supervisor); the rest is a handful of
//! calls between the request and the target's own code.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::process::ExitCode;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sys::clock::Moment;
use crate::sys::fork::{self, Image, Setup, StartError, StartStep};
use crate::sys::function::Address;
use crate::sys::page::{self, Page};
use crate::sys::poll::{self, Interest};
use crate::sys::socket::Socket;
use crate::sys::{env, fd, raw};

use super::function;
use super::supervisor::Taken;
use super::wire::{self, Blob, FUNCTION_VARIABLE, Request, Target};

/// A forked function's body. Dropped nowhere: what it owns belongs to the copy that runs it.
pub(super) type Body<'a> = ManuallyDrop<Box<dyn FnOnce() -> ExitCode + 'a>>;

/// A fork that waits to become a target.
pub(super) struct Spare {
    pub(super) page: Page,
    pub(super) page_file: RawFd,
    /// Carries the control socket to the supervisor; its end says that the target's own code runs.
    pub(super) link: Socket,
    pub(super) supervisor: i32,
    /// Copies of the supervisor's own descriptors.
    pub(super) held: Vec<RawFd>,
}

impl Spare {
    /// Waits for a request and becomes its target. Leaves where none comes.
    pub(super) fn wait(self, requests: &Socket, body: Option<Body<'_>>) -> ! {
        if fork::tie_to(self.supervisor).is_err() {
            fork::exit_now(0);
        }
        let mut buffer = vec![0; wire::REQUEST_PACKET];
        let Ok(Some(mut received)) = wire::receive_request(requests, &mut buffer) else { fork::exit_now(0) };
        let mut fds = std::mem::take(&mut received.fds).into_iter();
        let (Ok(request), Some(control), Some(stdout), Some(stderr), Some(directory)) =
            (wire::request_body(received.body(&buffer)), fds.next(), fds.next(), fds.next(), fds.next())
        else {
            // The test process finds its socket closed.
            fork::exit_now(1);
        };
        let stdin = fds.next();
        if request.stdin != stdin.is_some() || is_abandoned(&control) {
            fork::exit_now(1);
        }
        let taken =
            Taken { announce: request.announce, function: !matches!(request.target, Target::Program { .. }) };
        // Before the supervisor, which may be asked for it at once, knows of the run.
        self.page.set_started_at(Moment::now().0);
        if wire::send(&self.link, &taken, &[control.as_raw_fd()]).is_err() {
            fork::exit_now(1);
        }
        let setup = Setup {
            // The supervisor's own stdin is /dev/null.
            stdin: stdin.as_ref().map_or(0, AsRawFd::as_raw_fd),
            stdout: stdout.as_raw_fd(),
            stderr: stderr.as_raw_fd(),
            directory: directory.as_raw_fd(),
            core_dumps: request.core_dumps,
        };
        let error = match fork::set_up_target(&setup) {
            Err(error) => error,
            Ok(()) => match (&request.target, body) {
                (Target::Program { path, arguments }, _) => start_program(path.0, arguments, &request),
                (Target::Function { address, input }, _) => {
                    self.become_function(&request, *address, input.0.to_vec())
                }
                (Target::FunctionByExec { address, input, arguments }, _) => {
                    self.become_function_by_exec(&request, *address, input.0, arguments)
                }
                (Target::Forked, Some(body)) => {
                    let mut held = self.held.clone();
                    held.extend([&stdout, &stderr, &directory, &control].map(AsRawFd::as_raw_fd));
                    held.extend(stdin.iter().map(AsRawFd::as_raw_fd));
                    held.extend([requests.as_fd().as_raw_fd(), self.page_file]);
                    self.become_forked(&request, &held, body)
                }
                (Target::Forked, None) => StartError { step: StartStep::Process, errno: libc::EINVAL },
            },
        };
        self.page.set_start_error(error);
        fork::exit_now(127)
    }

    fn become_function(&self, request: &Request<'_>, address: Address, input: Vec<u8>) -> ! {
        let link = self.link.as_fd().as_raw_fd();
        fd::close_all_except(&mut [link]);
        env::replace(request.environment.0);
        function::run_fresh(self.page, link, address, &input)
    }

    fn become_forked(&self, request: &Request<'_>, held: &[RawFd], body: Body<'_>) -> ! {
        // The test process's own descriptors stay open: the function may use them.
        fd::close_all(held);
        for private in super::PRIVATE_VARIABLES {
            // Also from what `/proc/self/environ` shows.
            let _ = CString::new(private).map(|name| env::take(&name));
        }
        env::replace(request.environment.0);
        raw::forget_mark_file();
        function::run_forked(self.page, self.link.as_fd().as_raw_fd(), ManuallyDrop::into_inner(body))
    }

    /// Starts this executable afresh, so that the function finds the arguments it was given.
    fn become_function_by_exec(
        &self,
        request: &Request<'_>,
        address: Address,
        input: &[u8],
        arguments: &[Blob<'_>],
    ) -> StartError {
        let prepare = || -> io::Result<_> {
            let call = wire::memory_file(&wire::encode(&Call { address, input: Blob(input) })?)?;
            let inheritable = [
                fd::inheritable_copy(self.page_file, 3)?,
                fd::inheritable_copy(call.as_raw_fd(), 3)?,
                fd::inheritable_copy(self.link.as_fd().as_raw_fd(), 3)?,
            ];
            let [page, call, link] = inheritable.each_ref().map(AsRawFd::as_raw_fd);
            let handshake = CString::new(format!("{FUNCTION_VARIABLE}={page}:{call}:{link}"))?;
            Ok((inheritable, handshake))
        };
        let (inheritable, handshake) = match prepare() {
            Ok(prepared) => prepared,
            Err(error) => {
                return StartError {
                    step: StartStep::Process,
                    errno: error.raw_os_error().unwrap_or(libc::EIO),
                };
            }
        };
        let error = fork::exec(&Image {
            path: c"/proc/self/exe".to_owned(),
            arguments: c_strings(arguments),
            environment: request.environment.0,
            one_more_variable: Some(handshake),
        });
        drop(inheritable);
        error
    }
}

/// Whether the test process has given the run up before anybody took its request.
fn is_abandoned(control: &OwnedFd) -> bool {
    matches!(poll::wait([Some((control.as_fd(), Interest::HangUp))], Some(Duration::ZERO)), Ok([true]))
}

fn start_program(path: &[u8], arguments: &[Blob<'_>], request: &Request<'_>) -> StartError {
    fork::exec(&Image {
        path: c_string(path),
        arguments: c_strings(arguments),
        environment: request.environment.0,
        one_more_variable: None,
    })
}

/// What travels to a function started by exec, besides its arguments and its environment.
#[derive(Debug, Serialize, Deserialize)]
struct Call<'a> {
    address: Address,
    #[serde(borrow)]
    input: Blob<'a>,
}

/// In the new process, before `main`: runs the function that `handshake` names. Returns where that is
/// not one of this crate's making.
pub(super) fn run_after_exec(handshake: &str) -> Option<std::convert::Infallible> {
    let mut numbers = handshake.split(':').map(str::parse::<RawFd>);
    // Somebody else's variable may hold any numbers, those of the standard streams too. The page's is
    // closed here: nothing of this frame is dropped, as the function does not come back.
    let page = Page::map(&fd::take_memory_file(numbers.next()?.ok()?, page::NAME)?).ok()?;
    let call = fd::take_memory_file(numbers.next()?.ok()?, wire::MEMORY_FILE)?;
    let link = numbers.next()?.ok()?;
    let mut bytes = Vec::new();
    File::from(call).read_to_end(&mut bytes).ok()?;
    let Call { address, input } = wire::decode(&bytes).ok()?;
    function::prepare_process();
    function::run_fresh(page, link, address, input.0)
}

/// A C string of bytes that the test process has found to hold no NUL.
fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).unwrap_or_default()
}

fn c_strings(list: &[Blob<'_>]) -> Vec<CString> {
    list.iter().map(|text| c_string(text.0)).collect()
}
