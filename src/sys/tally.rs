//! What the supervisors of one launcher are doing: one byte each in memory that they share.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

const SLOTS: usize = 1024;

const FREE: u8 = 0;
const IDLE: u8 = 1;
const BUSY: u8 = 2;

/// The states of all supervisors, shared between the launcher and its forks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally(&'static [AtomicU8; SLOTS]);

impl Tally {
    pub(crate) fn create() -> io::Result<Self> {
        // SAFETY: a fresh anonymous mapping; the kernel chooses the place.
        let place = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SLOTS,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if place == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping is zeroed, as long as the array, never unmapped, and holds atomics.
        Ok(Self(unsafe { &*place.cast::<[AtomicU8; SLOTS]>() }))
    }

    /// Takes a free slot for a new, idle supervisor. `None` when all are taken.
    pub(crate) fn claim(self) -> Option<usize> {
        let slot = self.0.iter().position(|slot| slot.load(Ordering::Acquire) == FREE)?;
        self.0[slot].store(IDLE, Ordering::Release);
        Some(slot)
    }

    /// Gives a slot back when its supervisor is gone.
    pub(crate) fn release(self, slot: usize) {
        self.0[slot].store(FREE, Ordering::Release);
    }

    pub(crate) fn set_busy(self, slot: usize) {
        self.0[slot].store(BUSY, Ordering::Release);
    }

    pub(crate) fn set_idle(self, slot: usize) {
        self.0[slot].store(IDLE, Ordering::Release);
    }

    /// How many supervisors wait for a request.
    pub(crate) fn idle(self) -> usize {
        self.0.iter().filter(|slot| slot.load(Ordering::Acquire) == IDLE).count()
    }
}
