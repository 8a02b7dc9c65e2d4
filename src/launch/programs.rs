//! A supervisor of programs: it takes requests itself, and executes each program in a child that has
//! nothing of its own before.
//!
//! Such a child (`vfork`) shares the supervisor's memory until it executes the program, so that nothing
//! is copied for it and nothing taken down. A function needs memory of its own, hence a fork, which the
//! supervisors of functions have ready (`supervisor`, `target`).

use std::ffi::CString;

use crate::sys::clock::Moment;
use crate::sys::fork::{self, Image, Setup, StartError, StartStep};
use crate::sys::poll::Queue;
use crate::sys::socket::Socket;
use crate::sys::{schedule, wait};

use super::crew::{Crew, Kind};
use super::family::Family;
use super::supervisor::{Aftermath, Run, Supervisor};
use super::target::{Taking, c_string, c_strings};
use super::wire::{self, Reply, Request, Target};

impl Supervisor {
    /// Serves programs until the launcher's socket ends, or others are idle enough.
    pub(super) fn serve_programs(&self, crew: Crew<'_>) {
        let Ok(queue) = Queue::new(crew.requests, &self.test_process) else { return };
        let mut buffer = vec![0; wire::REQUEST_PACKET];
        while wait_for_turn(&queue) {
            match wire::receive_request(crew.requests, &mut buffer, false) {
                Ok(Some(received)) => {
                    crew.take_up();
                    if self.serve_program(received, &buffer, crew.requests) == Aftermath::Survivors
                        || !crew.go_on()
                    {
                        return;
                    }
                }
                // Another was faster.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn serve_program(&self, mut received: wire::Received, buffer: &[u8], requests: &Socket) -> Aftermath {
        // A request that makes no sense, or that nobody waits for any more, is dropped with its socket.
        let Some(taking) = Taking::new(&mut received) else { return Aftermath::Clean };
        let Ok(request) = wire::request_body(received.body(buffer)) else { return Aftermath::Clean };
        if !taking.fits(&request) {
            return Aftermath::Clean;
        }
        let at = Moment::now();
        match start(&request, &taking.setup(&request), self.id()) {
            Ok(target) => {
                let Some(control) = taking.into_control() else { return Aftermath::Survivors };
                let mut run = Run {
                    control,
                    announce: request.announce,
                    target,
                    kind: Kind::Programs,
                    family: Family::new(target, self.harness),
                    started: Some(at),
                    link: None,
                    requests,
                };
                if request.announce {
                    self.announce(&run);
                }
                self.see_through(&mut run, false)
            }
            Err(error) => {
                if let Some(control) = taking.into_control() {
                    let _ = wire::send(&control, &Reply::NotStarted(error), &[]);
                }
                Aftermath::Clean
            }
        }
    }
}

/// Waits, and when the request comes lets the test process, which sent it, come to its own waiting first: woken
/// to take its place on its core, a supervisor would start the program on another, and from then on each word
/// between the three would wake a core that sleeps.
fn wait_for_turn(queue: &Queue) -> bool {
    let _modest = schedule::be_modest();
    queue.wait_for_turn()
}

/// Starts the program that is asked for; its process id.
fn start(request: &Request<'_>, setup: &Setup, supervisor: i32) -> Result<i32, StartError> {
    let Target::Program { path, arguments } = &request.target else {
        return Err(StartError { step: StartStep::Process, errno: libc::EINVAL });
    };
    let arguments: Vec<CString> = c_strings(arguments);
    let image = Image {
        path: c_string(path.0),
        arguments,
        environment: request.environment.0,
        one_more_variable: None,
    };
    fork::start_program(setup, &image, supervisor).map_err(|(error, child)| {
        if let Some(child) = child {
            let _ = wait::reap(child);
        }
        error
    })
}
