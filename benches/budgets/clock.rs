//! `CLOCK_MONOTONIC`, which all processes share, and a place where a child can leave a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time since some moment that is the same for all processes.
pub(crate) fn now() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is live and writable.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).expect("it counts up from zero");
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).expect("below 10^9"))
}

/// A time in memory that is shared with children.
pub(crate) struct Shared(&'static AtomicU64);

impl Shared {
    pub(crate) fn new() -> Self {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a fresh mapping at a place that the kernel chooses.
        let place =
            unsafe { libc::mmap(std::ptr::null_mut(), 8, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        assert_ne!(place, libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
        // SAFETY: the mapping is page-aligned, zeroed and unmapped only when this value is dropped.
        Self(unsafe { &*place.cast::<AtomicU64>() })
    }

    pub(crate) fn set(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanoseconds, Ordering::Release);
    }

    pub(crate) fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Acquire))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping made by `new`, to which nothing refers any more.
        unsafe { libc::munmap(std::ptr::from_ref(self.0).cast_mut().cast(), 8) };
    }
}
