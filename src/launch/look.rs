//! The moment between the end of a target and the end of what it left: the test process may look at the
//! system as the target left it.

use std::io;
use std::os::fd::AsFd;

use crate::sys::poll::{self, Interest};

use super::supervisor::{Run, Supervisor};
use super::wire::{self, Order, Reply};

impl Supervisor {
    /// Tells the test process that the target has left processes, and waits until it has seen what they
    /// hold. A test process that is gone, or about to be, does not look.
    pub(super) fn let_look(&self, run: &Run<'_>) {
        if wire::send(&run.control, &Reply::Lingering { supervisor: self.id() }, &[]).is_err() {
            return;
        }
        let mut buffer = [0_u8; 64];
        loop {
            let ready = poll::wait(
                [
                    Some((run.control.as_fd(), Interest::Read)),
                    Some((self.test_process.as_fd(), Interest::Read)),
                    Some((run.requests.as_fd(), Interest::HangUp)),
                ],
                None,
            );
            let Ok([true, false, false]) = ready else { return };
            match run.control.receive(&mut buffer, false) {
                // An order from before crosses what was just sent.
                Ok(Some(message)) => match wire::decode(&buffer[..message.len]) {
                    Ok(Order::Announce | Order::SignalGroup(_) | Order::Kill) => {}
                    Ok(Order::Clear) | Err(_) => return,
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(None) | Err(_) => return,
            }
        }
    }
}
