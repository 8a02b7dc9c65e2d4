//! The supervisor: the process between the launcher and one target at a time.
//!
//! It is the subreaper of everything the target starts, so that daemons come back to it. It starts
//! the target, reports its start and its end, and when the target has ended, or the test process
//! says so or is gone, it kills and reaps all that is left. Then, if nothing of the run remains, it
//! waits for the next request.
//!
//! It has one thread, no signal handler and every signal blocked; SIGCHLD arrives by a descriptor.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use crate::sys::clock::Moment;
use crate::sys::fork::{self, Fork, Image, Setup, StartError, StartStep};
use crate::sys::page::{Page, Stage};
use crate::sys::pidfd::PidFd;
use crate::sys::poll::{self, Interest};
use crate::sys::signals::ChildSignal;
use crate::sys::socket::Socket;
use crate::sys::tally::Tally;
use crate::sys::wait::{self, Ended};
use crate::sys::{env, fd, proc, raw};

use super::wire::{self, End, FunctionEnd, FunctionStage, LeftoverProcess, Reply, Request, Start, Target};
use super::{EXEUNT_PROCESS, function};

/// How long killing what a target left may take before the rest is reported as unkillable.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// How long harness processes of a nested run get to clean up behind themselves.
const NESTED_PATIENCE: Duration = Duration::from_secs(1);

/// Idle supervisors beyond this many end instead of waiting for another run.
const MOST_IDLE: usize = 2;

/// What a supervisor has ready before a request comes.
#[derive(Debug)]
pub(super) struct Supervisor {
    page: Page,
    page_file: OwnedFd,
    children: ChildSignal,
    test_process: PidFd,
    id: i32,
}

/// Whether anything of a run remains.
enum Aftermath {
    Clean,
    Survivors,
}

impl Supervisor {
    /// Makes this process a supervisor. All its signals are blocked.
    pub(super) fn new(test_process: PidFd) -> io::Result<Self> {
        fork::become_subreaper()?;
        let (page, page_file) = Page::create()?;
        let children = ChildSignal::new()?;
        Ok(Self { page, page_file, children, test_process, id: raw::process_id() })
    }

    /// Serves requests from the launcher's socket until that ends.
    pub(super) fn serve_many(&self, requests: &Socket, tally: Tally, slot: usize, wake: &OwnedFd) {
        let mut buffer = Vec::new();
        while let Ok(Some(fds)) = wire::receive_request(requests, &mut buffer) {
            tally.set_busy(slot);
            if tally.idle() == 0 {
                // The launcher may be busy with an earlier one; then the pipe holds enough.
                let _ = fd::write_some(wake.as_fd(), b"w");
            }
            let aftermath = self.serve(&buffer, fds, None);
            if matches!(aftermath, Aftermath::Survivors) || tally.idle() >= MOST_IDLE {
                return;
            }
            self.page.reset();
            tally.set_idle(slot);
        }
    }

    /// Serves the one request of a forked copy of the test process.
    pub(super) fn serve_one(&self, requests: &Socket, body: Box<dyn FnOnce() -> ExitCode + '_>) {
        let mut buffer = Vec::new();
        if let Ok(Some(fds)) = wire::receive_request(requests, &mut buffer) {
            self.serve(&buffer, fds, Some(body));
        }
    }

    fn serve(
        &self,
        buffer: &[u8],
        fds: Vec<OwnedFd>,
        body: Option<Box<dyn FnOnce() -> ExitCode + '_>>,
    ) -> Aftermath {
        let mut fds = fds.into_iter();
        let (Some(control), Some(stdout), Some(stderr)) =
            (fds.next().and_then(Socket::from_fd), fds.next(), fds.next())
        else {
            return Aftermath::Clean;
        };
        // A malformed request cannot be answered in kind; the closed socket tells.
        let Ok(request) = wire::request_body(buffer) else { return Aftermath::Clean };
        let directory = fds.next();
        let stdin = if request.stdin { fds.next() } else { None };
        let streams = Streams { stdin, stdout, stderr, directory };
        let started = self.start(&request, &control, &streams, body);
        drop(streams);
        let (start, pidfd) = match started {
            Ok(started) => started,
            Err(error) => {
                let _ = wire::send(&control, &Reply::NotStarted(error), &[]);
                return Aftermath::Clean;
            }
        };
        if request.announce {
            let pidfd = pidfd.as_ref().map(|pidfd| pidfd.as_fd().as_raw_fd());
            let _ = wire::send(&control, &Reply::Started(start), pidfd.as_slice());
        }
        drop(pidfd);
        let told = self.watch(&control, start.pid);
        self.finish(&control, start, told, !matches!(request.target, Target::Program { .. }))
    }

    /// Starts the target; with `announce`, it has reached its own code on return.
    fn start(
        &self,
        request: &Request<'_>,
        control: &Socket,
        streams: &Streams,
        body: Option<Box<dyn FnOnce() -> ExitCode + '_>>,
    ) -> Result<(Start, Option<PidFd>), StartError> {
        let process_error = |error: &io::Error| StartError {
            step: StartStep::Process,
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        };
        let setup = streams.setup(request.core_dumps, self.id);
        let announcement = if request.announce && !matches!(request.target, Target::Program { .. }) {
            Some(fd::pipe().map_err(|error| process_error(&error))?)
        } else {
            None
        };
        let announce = announcement.as_ref().map(|(_, writer)| writer);
        let reader = announcement.as_ref().map(|(reader, _)| reader.as_raw_fd());
        let pid = match &request.target {
            Target::Program { path, arguments } => {
                let image = Image {
                    path: c_string(path.0),
                    arguments: arguments.iter().map(|argument| c_string(argument.0)).collect(),
                    environment: variables(request.environment.0),
                };
                fork::start_program(&image, &setup)?
            }
            Target::FunctionByExec { address, input, arguments } => function::start_by_exec(
                *address,
                input.0,
                arguments.iter().map(|argument| c_string(argument.0)).collect(),
                variables(request.environment.0),
                &setup,
                &self.page_file,
                announce,
            )
            .map_err(|error| match error {
                function::ExecError::Start(error) => error,
                function::ExecError::Io(error) => process_error(&error),
            })?,
            Target::Function { .. } | Target::Forked => {
                match fork::fork().map_err(|error| process_error(&error))? {
                    Fork::Parent(pid) => pid,
                    Fork::Child => {
                        fd::close_all(&[reader.unwrap_or(-1), control.as_fd().as_raw_fd()]);
                        self.become_function(request, &setup, announce, body)
                    }
                }
            }
        };
        let at = Moment::now();
        if let Some((reader, writer)) = announcement {
            drop(writer);
            // Ends when the function was entered, or when the process died before.
            let _ = poll::wait([Some((reader.as_fd(), Interest::Read))], Some(KILL_PATIENCE));
        }
        let pidfd = if request.announce {
            Some(PidFd::open(pid).map_err(|error| process_error(&error))?)
        } else {
            None
        };
        Ok((Start { pid, at }, pidfd))
    }

    /// In the fork: becomes the function's process and never comes back.
    fn become_function(
        &self,
        request: &Request<'_>,
        setup: &Setup,
        announce: Option<&OwnedFd>,
        body: Option<Box<dyn FnOnce() -> ExitCode + '_>>,
    ) -> ! {
        let announce = announce.map(AsRawFd::as_raw_fd);
        if let Err(error) = fork::set_up_target(setup) {
            let _ = io::Write::write_all(
                &mut io::stderr(),
                format!("exeunt: could not set up the process: {error:?}\n").as_bytes(),
            );
            fork::exit_now(127);
        }
        env::replace(variables(request.environment.0));
        raw::forget_mark_file();
        match (&request.target, body) {
            (Target::Function { address, input }, _) => {
                let input = input.0.to_vec();
                fd::close_all_except(&mut announce.into_iter().collect::<Vec<_>>());
                function::run_fresh(self.page, announce, *address, &input)
            }
            (_, Some(body)) => {
                // The test process's own descriptors stay open: the function may use them.
                fd::close_all(&[
                    setup.stdin,
                    setup.stdout,
                    setup.stderr,
                    setup.directory.unwrap_or(-1),
                    self.page_file.as_raw_fd(),
                    self.children.as_fd().as_raw_fd(),
                    self.test_process.as_fd().as_raw_fd(),
                ]);
                function::run_forked(self.page, announce, body)
            }
            _ => fork::exit_now(127),
        }
    }

    /// Waits until the target has ended, or until it is to be ended; tells which.
    fn watch(&self, control: &Socket, target: i32) -> bool {
        let mut buffer = [0_u8; 64];
        loop {
            self.children.drain();
            match wait::peek_any() {
                Ok(Ended::Child(pid)) if pid == target => return false,
                Ok(Ended::Child(orphan)) => {
                    let _ = wait::reap(orphan);
                    continue;
                }
                Ok(Ended::NoChildren) | Err(_) => return false,
                Ok(Ended::NoneYet) => {}
            }
            let ready = poll::wait(
                [
                    Some((control.as_fd(), Interest::Read)),
                    Some((self.children.as_fd(), Interest::Read)),
                    Some((self.test_process.as_fd(), Interest::Read)),
                ],
                None,
            );
            match ready {
                // The test process is gone.
                Ok([_, _, true]) | Err(_) => return true,
                Ok([true, ..]) => match control.receive(&mut buffer, false) {
                    Ok(Some(message)) => match wire::decode(&buffer[..message.len]) {
                        Ok(wire::Order::Kill) | Err(_) => return true,
                    },
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok(None) | Err(_) => return true,
                },
                Ok(_) => {}
            }
        }
    }

    /// Ends what is left, and reports.
    fn finish(&self, control: &Socket, start: Start, told_to_kill: bool, function: bool) -> Aftermath {
        let mut forced = false;
        if told_to_kill && !matches!(ended(start.pid), Some(true)) {
            fork::kill_child(start.pid);
            forced = true;
        }
        // The target's children become this process's own when it dies, before it can be waited for.
        let reaped = wait::reap(start.pid);
        let at = Moment::now();
        let (leftovers, count) = self.leftovers();
        let survivors = if count == 0 && has_no_children() { 0 } else { self.clear() };
        let Ok(reaped) = reaped else { return Aftermath::Survivors };
        let killed =
            matches!(wait::decode(reaped.raw_status), wait::Status::Signal { number: libc::SIGKILL, .. });
        let end = End {
            start,
            at,
            raw_status: reaped.raw_status,
            usage: reaped.usage,
            forced: forced && killed,
            function: function.then(|| self.function_end()),
            leftovers,
            leftover_count: count,
            survivors,
        };
        let _ = wire::send(control, &Reply::Ended(Box::new(end)), &[]);
        if survivors == 0 { Aftermath::Clean } else { Aftermath::Survivors }
    }

    /// Kills and reaps every descendant; returns how many could not be.
    ///
    /// Only own children are ever signalled: their ids cannot be recycled before this process waits
    /// for them. When a child dies its children become this process's, so that each round reaches
    /// one generation further.
    fn clear(&self) -> u32 {
        let begin = Moment::now();
        loop {
            // Taken before the look, so that an end between look and wait is not missed.
            self.children.drain();
            if has_no_children() {
                return 0;
            }
            let elapsed = Moment::now().since(begin);
            let children = proc::own_children().unwrap_or_default();
            if elapsed > KILL_PATIENCE {
                return u32::try_from(children.len()).unwrap_or(u32::MAX);
            }
            let mut spared = false;
            for child in &children {
                let nested = proc::inspect(*child).is_some_and(|process| is_harness(&process));
                if nested && elapsed < NESTED_PATIENCE {
                    spared = true;
                } else {
                    fork::kill_child(*child);
                }
            }
            let patience = if spared { NESTED_PATIENCE } else { KILL_PATIENCE }.saturating_sub(elapsed);
            let _ = poll::wait([Some((self.children.as_fd(), Interest::Read))], Some(patience));
        }
    }

    fn function_end(&self) -> FunctionEnd {
        let reading = self.page.read();
        FunctionEnd {
            stage: match reading.stage {
                Stage::NotEntered => FunctionStage::NotEntered,
                Stage::Entered => FunctionStage::Entered,
                Stage::Returned => FunctionStage::Returned,
                Stage::Panicked => FunctionStage::Panicked,
            },
            hooks_ran: reading.hooks_ran,
            message: reading.message,
            location: reading.location,
            undecodable: reading.undecodable,
        }
    }

    /// What outlived the target, without zombies and without harness processes of a nested run.
    fn leftovers(&self) -> (Vec<LeftoverProcess>, u32) {
        if has_no_children() {
            return (Vec::new(), 0);
        }
        let mut found = proc::descendants().unwrap_or_default();
        found.retain(|process| process.state != 'Z' && !is_harness(process));
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        found.truncate(wire::MAX_LEFTOVERS);
        let described = found.into_iter().map(|process| LeftoverProcess {
            pid: process.pid,
            parent: process.parent,
            state: process.state,
            command: shorten(if process.command.is_empty() {
                format!("[{}]", process.name)
            } else {
                process.command
            }),
        });
        (described.collect(), count)
    }
}

/// The descriptors of one run.
struct Streams {
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
    directory: Option<OwnedFd>,
}

impl Streams {
    fn setup(&self, core_dumps: bool, supervisor: i32) -> Setup {
        const NULL: i32 = 0;
        Setup {
            // The supervisor's own stdin is /dev/null.
            stdin: self.stdin.as_ref().map_or(NULL, AsRawFd::as_raw_fd),
            stdout: self.stdout.as_raw_fd(),
            stderr: self.stderr.as_raw_fd(),
            directory: self.directory.as_ref().map(AsRawFd::as_raw_fd),
            core_dumps,
            supervisor,
        }
    }
}

/// Whether the child `pid` has ended. Looks at the oldest that has, so that others are reaped first.
fn ended(pid: i32) -> Option<bool> {
    loop {
        match wait::peek_any().ok()? {
            Ended::Child(found) if found == pid => return Some(true),
            Ended::Child(orphan) => {
                wait::reap(orphan).ok()?;
            }
            Ended::NoneYet | Ended::NoChildren => return Some(false),
        }
    }
}

fn has_no_children() -> bool {
    loop {
        match wait::peek_any() {
            Ok(Ended::NoChildren) => return true,
            Ok(Ended::Child(orphan)) => {
                if wait::reap(orphan).is_err() {
                    return false;
                }
            }
            Ok(Ended::NoneYet) | Err(_) => return false,
        }
    }
}

fn is_harness(process: &proc::ProcessInfo) -> bool {
    process.name.starts_with(EXEUNT_PROCESS)
}

fn shorten(mut text: String) -> String {
    if text.len() > wire::MAX_COMMAND {
        let mut end = wire::MAX_COMMAND;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A C string of bytes that the test process has found to hold no NUL.
fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).unwrap_or_default()
}

/// The variables of a request: each ended by a NUL.
fn variables(block: &[u8]) -> Vec<CString> {
    block.split(|byte| *byte == 0).filter(|variable| !variable.is_empty()).map(c_string).collect()
}
