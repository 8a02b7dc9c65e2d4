//! The target-to-be of a function: a fork of a supervisor that waits for a request, takes it and becomes
//! what it asks for.
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
use crate::sys::{env, fd, raw, signals};

use super::crew::{Crew, Kind};
use super::function;
use super::supervisor::Taken;
use super::wire::{self, Blob, FUNCTION_VARIABLE, Request, Target};

/// A forked function's body. Dropped nowhere: what it owns belongs to the copy that runs it.
pub(super) type Body<'a> = ManuallyDrop<Box<dyn FnOnce() -> ExitCode + 'a>>;

/// A fork that waits to become a target.
pub(super) struct Spare<'a> {
    pub(super) page: Page,
    pub(super) page_file: RawFd,
    /// Carries the control socket to the supervisor; its end says that the target's own code runs.
    pub(super) link: Socket,
    pub(super) supervisor: i32,
    /// Copies of the supervisor's own descriptors.
    pub(super) held: Vec<RawFd>,
    /// The supervisor's place; `None` for one of a forked copy, which has no others beside it.
    pub(super) crew: Option<Crew<'a>>,
}

/// The descriptors that came with a request.
pub(super) struct Taking {
    control: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
    directory: OwnedFd,
    stdin: Option<OwnedFd>,
}

impl Taking {
    /// `None` where they are not all there.
    pub(super) fn new(received: &mut wire::Received) -> Option<Self> {
        let mut fds = std::mem::take(&mut received.fds).into_iter();
        let (control, stdout, stderr, directory) = (fds.next()?, fds.next()?, fds.next()?, fds.next()?);
        Some(Self { control, stdout, stderr, directory, stdin: fds.next() })
    }

    /// Whether they are those of this request, and somebody still waits for it.
    pub(super) fn fits(&self, request: &Request<'_>) -> bool {
        request.stdin == self.stdin.is_some() && !is_abandoned(&self.control)
    }

    pub(super) fn setup(&self, request: &Request<'_>) -> Setup {
        Setup {
            // The supervisor's own stdin is /dev/null.
            stdin: self.stdin.as_ref().map_or(0, AsRawFd::as_raw_fd),
            stdout: self.stdout.as_raw_fd(),
            stderr: self.stderr.as_raw_fd(),
            directory: self.directory.as_raw_fd(),
            core_dumps: request.core_dumps,
            at_terminal: request.at_terminal,
        }
    }

    /// The control socket; the rest is closed.
    pub(super) fn into_control(self) -> Option<Socket> {
        Socket::from_fd(self.control)
    }

    /// Whether there are orders already, or nobody who gives any. The bell may have been rung for them before
    /// the supervisor knew of the run.
    fn has_orders(&self) -> bool {
        let control = Some((self.control.as_fd(), Interest::Read));
        !matches!(poll::wait([control], Some(Duration::ZERO)), Ok([false]))
    }

    fn numbers(&self) -> impl Iterator<Item = RawFd> {
        let always = [&self.control, &self.stdout, &self.stderr, &self.directory];
        always.into_iter().chain(&self.stdin).map(AsRawFd::as_raw_fd)
    }
}

impl Spare<'_> {
    /// Waits for a request and becomes its target. Leaves where none comes.
    pub(super) fn wait(self, requests: &Socket, body: Option<Body<'_>>) -> ! {
        if fork::tie_to(self.supervisor).is_err() {
            fork::exit_now(0);
        }
        let mut buffer = vec![0; wire::REQUEST_PACKET];
        if self.crew.is_some() {
            function::prepare_for_one(self.page);
            self.rehearse(&mut buffer);
        }
        let Ok(Some(mut received)) = wire::receive_request(requests, &mut buffer, true) else {
            fork::exit_now(0)
        };
        let taking = Taking::new(&mut received);
        let (Some(taking), Ok(request)) = (taking, wire::request_body(received.body(&buffer))) else {
            // The test process finds its socket closed.
            fork::exit_now(1);
        };
        if !taking.fits(&request) {
            fork::exit_now(1);
        }
        if let Some(crew) = self.crew {
            crew.take_up();
        }
        // Before the supervisor, which may be asked for it at once, knows of the run.
        self.page.set_started_at(Moment::now().0);
        let kind = if let Target::Program { .. } = request.target { Kind::Programs } else { Kind::Functions };
        let taken = Taken { announce: request.announce, kind, follow: request.follow };
        if wire::send(&self.link, &taken, &[taking.control.as_raw_fd()]).is_err() {
            fork::exit_now(1);
        }
        if let Some(crew) = self.crew.filter(|_| request.announce || request.follow || taking.has_orders()) {
            crew.bell.ring();
        }
        if request.follow && !matches!(self.link.receive(&mut [0; 16], true), Ok(Some(_))) {
            fork::exit_now(1);
        }
        let error = match fork::set_up_target(&taking.setup(&request)) {
            Err(error) => error,
            Ok(()) => match (&request.target, body) {
                (Target::Function { address, input }, _) => {
                    self.become_function(&request, *address, input.0.to_vec())
                }
                (Target::FunctionByExec { address, input, arguments }, _) => {
                    self.become_function_by_exec(&request, *address, input.0, arguments)
                }
                (Target::Forked, Some(body)) => {
                    let mut held = self.held.clone();
                    held.extend(taking.numbers());
                    held.extend([requests.as_fd().as_raw_fd(), self.page_file]);
                    self.become_forked(&request, &held, body)
                }
                // Those that are not to be followed are started without a fork.
                (Target::Program { path, arguments }, _) => {
                    signals::stop_ignoring_sigpipe();
                    fork::exec(&Image {
                        path: c_string(path.0),
                        arguments: c_strings(arguments),
                        environment: request.environment.0,
                        one_more_variable: None,
                    })
                }
                (Target::Forked, None) => StartError { step: StartStep::Process, errno: libc::EINVAL },
            },
        };
        self.page.set_start_error(error);
        fork::exit_now(127)
    }

    /// Takes up a request that is none, as far as that leaves no trace. A fork finds the code and the memory
    /// that it needs when it first uses them, page by page; so it has found them before it is waited for.
    fn rehearse(&self, buffer: &mut [u8]) {
        let environment = [b"NAME=a value of some length for a path\0".as_slice(); 40].concat();
        let target = Target::Function { address: Address::nowhere(), input: Blob(&[]) };
        let environment = Blob(&environment);
        let request = Request {
            target,
            environment,
            core_dumps: false,
            stdin: false,
            at_terminal: false,
            announce: false,
            follow: false,
        };
        let Ok(encoded) = wire::encode(&request) else { return };
        buffer[..encoded.len()].copy_from_slice(&encoded);
        if let Ok(request) = wire::request_body(&buffer[..encoded.len()]) {
            self.page.set_started_at(0);
            let kind = Kind::Functions;
            let _ = wire::encode(&Taken { announce: request.announce, kind, follow: false });
            let _ = poll::wait([Some((self.link.as_fd(), Interest::HangUp))], Some(Duration::ZERO));
            env::rehearse(request.environment.0);
        }
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
    function::prepare_for_one(page);
    function::run_fresh(page, link, address, input.0)
}

/// A C string of bytes that the test process has found to hold no NUL.
pub(super) fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).unwrap_or_default()
}

pub(super) fn c_strings(list: &[Blob<'_>]) -> Vec<CString> {
    list.iter().map(|text| c_string(text.0)).collect()
}
