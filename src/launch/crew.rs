//! What a supervisor shares with the launcher and with the other supervisors of its kind.

use std::os::fd::{AsFd, OwnedFd};

use serde::{Deserialize, Serialize};

use crate::sys::doorbell::Doorbell;
use crate::sys::fd;
use crate::sys::socket::Socket;
use crate::sys::tally::Tally;

/// Idle supervisors of a kind beyond this many end instead of waiting for another run.
const MOST_IDLE: usize = 2;

/// What a supervisor starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Functions, in a fork of itself that it has ready.
    Functions,
    /// Programs, which it executes.
    Programs,
}

/// One supervisor's place among those of its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crew<'a> {
    /// Where the requests come from, for all of them.
    pub(super) requests: &'a Socket,
    pub(super) bell: &'a Doorbell,
    pub(super) tally: Tally,
    pub(super) slot: usize,
    /// Wakes the launcher.
    pub(super) wake: &'a OwnedFd,
}

impl Crew<'_> {
    /// Says that a run was taken; the launcher forks another supervisor where none is idle any more.
    pub(super) fn take_up(&self) {
        self.tally.set_busy(self.slot);
        if self.tally.idle() == 0 {
            // Where the pipe is full the launcher has enough to read.
            let _ = fd::write_some(self.wake.as_fd(), b"w");
        }
    }

    /// Says that the run is over, and tells whether another is to be waited for.
    pub(super) fn go_on(&self) -> bool {
        let wanted = self.tally.idle() < MOST_IDLE;
        if wanted {
            self.tally.set_idle(self.slot);
        }
        wanted
    }
}
