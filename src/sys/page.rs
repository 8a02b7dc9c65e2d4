//! A page of memory that a target shares with its supervisor: the private channel on which a
//! function reports how it fared. It needs no descriptor in the target, and what was written
//! survives whatever kills the writer.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering};

use super::fork::{StartError, StartStep};

/// What the kernel calls the file behind a page.
pub(crate) const NAME: &CStr = c"exeunt-report";
const TEXT: usize = 8 * 1024;

/// The steps of a start as the page numbers them.
const STEPS: [StartStep; 5] =
    [StartStep::Process, StartStep::Streams, StartStep::Directory, StartStep::Exec, StartStep::Follow];

/// How far a function came. Stored as a number, in the order in which it rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    NotEntered = 0,
    Entered = 1,
    Returned = 2,
    Panicked = 3,
}

/// What lies in the shared page: atomics and bytes only, for another process may write at any time.
#[repr(C)]
struct Layout {
    owner: AtomicI32,
    stage: AtomicU32,
    hooks_ran: AtomicU32,
    leaving: AtomicU32,
    undecodable: AtomicU32,
    started_at: AtomicU64,
    /// A start step (counted from 1; 0 for none) and its errno.
    failed_step: AtomicU32,
    failed_errno: AtomicI32,
    message: Text,
    location: Text,
    threads: Text,
}

#[repr(C)]
struct Text {
    len: AtomicU32,
    full_len: AtomicU32,
    bytes: [AtomicU8; TEXT],
}

impl Text {
    fn set(&self, text: &str) {
        let kept = text.floor_char_boundary_at(TEXT);
        for (slot, byte) in self.bytes.iter().zip(kept.as_bytes()) {
            slot.store(*byte, Ordering::Relaxed);
        }
        self.full_len.store(u32::try_from(text.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.len.store(u32::try_from(kept.len()).unwrap_or(0), Ordering::Release);
    }

    /// Whether `text` was set last, as far as one of its length is kept.
    fn is(&self, text: &str) -> bool {
        let kept = text.floor_char_boundary_at(TEXT).as_bytes();
        let same = |(slot, byte): (&AtomicU8, &u8)| slot.load(Ordering::Relaxed) == *byte;
        self.full_len.load(Ordering::Relaxed) as usize == text.len()
            && self.len.load(Ordering::Acquire) as usize == kept.len()
            && self.bytes.iter().zip(kept).all(same)
    }

    fn get(&self) -> Option<String> {
        let len = self.len.load(Ordering::Acquire) as usize;
        let full_len = self.full_len.load(Ordering::Relaxed) as usize;
        if full_len == 0 && len == 0 {
            return None;
        }
        let bytes: Vec<u8> = self.bytes.iter().take(len).map(|byte| byte.load(Ordering::Relaxed)).collect();
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if full_len > len {
            text.push_str(&format!("… ({} more bytes)", full_len - len));
        }
        Some(text)
    }
}

/// `str::floor_char_boundary` is younger than the oldest compiler that is supported.
trait FloorCharBoundary {
    fn floor_char_boundary_at(&self, at: usize) -> &Self;
}

impl FloorCharBoundary for str {
    fn floor_char_boundary_at(&self, at: usize) -> &Self {
        let mut at = at.min(self.len());
        while !self.is_char_boundary(at) {
            at -= 1;
        }
        &self[..at]
    }
}

/// What a page says once its writer has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) stage: Stage,
    pub(crate) hooks_ran: bool,
    /// `exit` was called: the main thread's destructors have run, and the exit hooks come.
    pub(crate) leaving: bool,
    /// The message of the last panic of the main thread, caught or not.
    pub(crate) message: Option<String>,
    pub(crate) location: Option<String>,
    /// The arguments could not be decoded in the target; `message` says why.
    pub(crate) undecodable: bool,
    /// The threads that still ran when it was leaving, by name.
    pub(crate) threads: Option<String>,
}

/// The mapped page. It stays mapped for the life of the process.
#[derive(Clone, Copy)]
pub(crate) struct Page(&'static Layout);

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Page").field(&self.read()).finish()
    }
}

impl Page {
    /// Makes a page and the descriptor by which another process can map it.
    pub(crate) fn create() -> io::Result<(Self, OwnedFd)> {
        let file = super::fd::memory_file(NAME)?;
        nix::unistd::ftruncate(file.as_fd(), i64::try_from(size_of::<Layout>()).unwrap_or(i64::MAX))?;
        Ok((Self::map(&file)?, file))
    }

    /// Maps the page behind `file`; fails where that is too small to be one.
    pub(crate) fn map(file: &OwnedFd) -> io::Result<Self> {
        let size = nix::sys::stat::fstat(file.as_fd())?.st_size;
        if usize::try_from(size).is_ok_and(|size| size < size_of::<Layout>()) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a report page"));
        }
        // SAFETY: a fresh shared mapping of a file that is at least as long; the kernel chooses
        // the place.
        let place = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<Layout>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if place == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping is page-aligned, zeroed (a valid Layout), never unmapped, and holds
        // atomics only, so that writes by other processes are no data race.
        Ok(Self(unsafe { &*place.cast::<Layout>() }))
    }

    /// Makes the page as good as new. Only the supervisor does this, between two runs.
    pub(crate) fn reset(self) {
        self.0.owner.store(0, Ordering::Relaxed);
        self.0.hooks_ran.store(0, Ordering::Relaxed);
        self.0.leaving.store(0, Ordering::Relaxed);
        self.0.failed_step.store(0, Ordering::Relaxed);
        self.0.started_at.store(0, Ordering::Relaxed);
        self.0.undecodable.store(0, Ordering::Relaxed);
        for text in [&self.0.message, &self.0.location, &self.0.threads] {
            text.full_len.store(0, Ordering::Relaxed);
            text.len.store(0, Ordering::Relaxed);
        }
        self.0.stage.store(Stage::NotEntered as u32, Ordering::Release);
    }

    /// Notes when the target started, in nanoseconds on the monotonic clock.
    pub(crate) fn set_started_at(self, ns: u64) {
        self.0.started_at.store(ns, Ordering::Release);
    }

    pub(crate) fn started_at(self) -> u64 {
        self.0.started_at.load(Ordering::Acquire)
    }

    /// Notes why the target could not be started.
    pub(crate) fn set_start_error(self, error: StartError) {
        self.0.failed_errno.store(error.errno, Ordering::Relaxed);
        let step = STEPS.iter().position(|step| *step == error.step).unwrap_or(0) + 1;
        self.0.failed_step.store(u32::try_from(step).unwrap_or(1), Ordering::Release);
    }

    pub(crate) fn start_error(self) -> Option<StartError> {
        let index = self.0.failed_step.load(Ordering::Acquire).checked_sub(1)?;
        let step = *STEPS.get(index as usize)?;
        Some(StartError { step, errno: self.0.failed_errno.load(Ordering::Relaxed) })
    }

    /// Says that this process is the one that reports here, and that it reached the function.
    pub(crate) fn enter(self) {
        self.0.owner.store(super::raw::process_id(), Ordering::Relaxed);
        self.0.stage.store(Stage::Entered as u32, Ordering::Release);
    }

    /// Whether this process is the one that entered, and not a child that it forked.
    fn mine(self) -> bool {
        self.0.owner.load(Ordering::Relaxed) == super::raw::process_id()
    }

    pub(crate) fn returned(self) {
        if self.mine() {
            self.0.stage.store(Stage::Returned as u32, Ordering::Release);
        }
    }

    pub(crate) fn panicked(self) {
        if self.mine() {
            self.0.stage.store(Stage::Panicked as u32, Ordering::Release);
        }
    }

    /// Notes a panic at the moment it happens, whatever becomes of it.
    pub(crate) fn note_panic(self, message: &str, location: Option<&str>) {
        if self.mine() {
            self.0.message.set(message);
            self.0.location.set(location.unwrap_or_default());
        }
    }

    /// Whether the last panic that was noted had this message.
    pub(crate) fn notes(self, message: &str) -> bool {
        self.0.message.is(message)
    }

    /// Says that it is leaving, and which other threads still run.
    pub(crate) fn leaving(self, threads: &str) {
        if self.mine() {
            self.0.threads.set(threads);
            self.0.leaving.store(1, Ordering::Release);
        }
    }

    pub(crate) fn hooks_ran(self) {
        if self.mine() {
            self.0.hooks_ran.store(1, Ordering::Release);
        }
    }

    /// Says that the function's arguments could not be decoded.
    pub(crate) fn undecodable(self, why: &str) {
        self.0.message.set(why);
        self.0.undecodable.store(1, Ordering::Release);
    }

    pub(crate) fn read(self) -> Reading {
        let stage = match self.0.stage.load(Ordering::Acquire) {
            1 => Stage::Entered,
            2 => Stage::Returned,
            3 => Stage::Panicked,
            _ => Stage::NotEntered,
        };
        Reading {
            stage,
            hooks_ran: self.0.hooks_ran.load(Ordering::Acquire) != 0,
            leaving: self.0.leaving.load(Ordering::Acquire) != 0,
            message: self.0.message.get(),
            location: self.0.location.get(),
            undecodable: self.0.undecodable.load(Ordering::Acquire) != 0,
            threads: self.0.threads.get(),
        }
    }
}
