//! The few C functions that the probe needs, declared here so that the probe has no dependency.
//!
//! Everything in this file is async-signal-safe: no allocation, no lock.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU8, Ordering};

#[repr(C)]
struct Iovec {
    base: *const c_void,
    len: usize,
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

#[cfg(target_os = "linux")]
const CLOCK_MONOTONIC: c_int = 1;
#[cfg(not(target_os = "linux"))]
const CLOCK_MONOTONIC: c_int = 6;

#[cfg(target_os = "linux")]
const APPEND: c_int = 0x1 | 0x40 | 0x400 | 0x8_0000; // O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
#[cfg(not(target_os = "linux"))]
const APPEND: c_int = 0x1 | 0x200 | 0x8 | 0x100_0000;

const EINTR: i32 = 4;

unsafe extern "C" {
    fn getenv(name: *const c_char) -> *const c_char;
    fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int;
    fn writev(fd: c_int, parts: *const Iovec, count: c_int) -> isize;
    fn close(fd: c_int) -> c_int;
    fn getpid() -> c_int;
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
    fn __cxa_atexit(hook: extern "C" fn(*mut c_void), argument: *mut c_void, dso: *mut c_void) -> c_int;
    #[cfg_attr(target_vendor = "apple", link_name = "__error")]
    #[cfg_attr(target_os = "freebsd", link_name = "__error")]
    #[cfg_attr(not(any(target_vendor = "apple", target_os = "freebsd")), link_name = "__errno_location")]
    fn errno_location() -> *mut c_int;
    #[cfg(target_os = "linux")]
    fn gettid() -> c_int;
}

/// The id of this process.
pub(crate) fn process_id() -> i32 {
    // SAFETY: getpid has no preconditions and cannot fail.
    unsafe { getpid() }
}

/// The kernel's id of this thread; where the platform has none that is cheap, that of the process.
pub(crate) fn thread_id() -> i32 {
    #[cfg(target_os = "linux")]
    // SAFETY: gettid has no preconditions and cannot fail.
    return unsafe { gettid() };
    #[cfg(not(target_os = "linux"))]
    process_id()
}

/// Nanoseconds on the monotonic clock, which all processes of a machine share.
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: `now` is a live, writable timespec.
    unsafe { clock_gettime(CLOCK_MONOTONIC, &raw mut now) };
    now.seconds.unsigned_abs() * 1_000_000_000 + now.nanoseconds.unsigned_abs()
}

/// Calls `hook(argument)` when this process leaves by `exit` or by a return from `main`, before
/// the hooks that were registered earlier. False where there was no memory for it.
pub(crate) fn call_at_exit<T: Sync>(hook: extern "C" fn(&'static T), argument: &'static T) -> bool {
    // SAFETY: a reference and a pointer are passed alike; only the type of the parameter differs.
    let hook = unsafe { std::mem::transmute::<extern "C" fn(&'static T), extern "C" fn(*mut c_void)>(hook) };
    let argument = std::ptr::from_ref(argument).cast_mut().cast();
    // SAFETY: `hook` lives as long as the program, and so does what it is called with; a null
    // handle ties it to the process rather than to a shared object.
    unsafe { __cxa_atexit(hook, argument, std::ptr::null_mut()) == 0 }
}

fn errno() -> c_int {
    // SAFETY: the C library returns the address of this thread's errno.
    let place = unsafe { errno_location() };
    // SAFETY: see above; it is valid as long as the thread.
    unsafe { place.read() }
}

fn set_errno(value: c_int) {
    // SAFETY: as in `errno`.
    let place = unsafe { errno_location() };
    // SAFETY: as in `errno`.
    unsafe { place.write(value) };
}

const UNKNOWN: u8 = 0;
const LOOKING: u8 = 1;
const KNOWN: u8 = 2;
const CAPACITY: usize = 4096;

/// The path of the mark file, kept from the first use on, so that a program that clears its
/// environment later still leaves its marks.
struct Path {
    state: AtomicU8,
    bytes: [AtomicU8; CAPACITY],
}

static PATH: Path = Path { state: AtomicU8::new(UNKNOWN), bytes: [const { AtomicU8::new(0) }; CAPACITY] };

fn path_pointer() -> *const c_char {
    if PATH.state.load(Ordering::Acquire) == KNOWN {
        return PATH.bytes.as_ptr().cast();
    }
    // SAFETY: the name is NUL-terminated; the result is used before this function's caller can
    // change the environment, as with any use of getenv.
    let found = unsafe { getenv(c"EXEUNT_PROBE".as_ptr()) };
    if found.is_null() {
        return found;
    }
    // Whoever loses this race (another thread, or the code that this signal handler interrupted)
    // uses the environment's own string.
    if PATH.state.compare_exchange(UNKNOWN, LOOKING, Ordering::Acquire, Ordering::Relaxed).is_err() {
        return found;
    }
    // SAFETY: getenv returned a NUL-terminated string.
    let text = unsafe { CStr::from_ptr(found) }.to_bytes();
    if text.is_empty() || text.len() >= CAPACITY {
        PATH.state.store(UNKNOWN, Ordering::Release);
        return if text.is_empty() { std::ptr::null() } else { found };
    }
    for (slot, byte) in PATH.bytes.iter().zip(text) {
        slot.store(*byte, Ordering::Relaxed);
    }
    PATH.state.store(KNOWN, Ordering::Release);
    PATH.bytes.as_ptr().cast()
}

/// Forgets which mark file is named: in a copy of a process whose own file is another.
#[cfg(feature = "harness")]
pub(crate) fn forget_mark_file() {
    PATH.state.store(UNKNOWN, Ordering::Release);
}

/// Whether a mark file is named, that is, whether anybody listens.
pub(crate) fn probe_is_listening() -> bool {
    !path_pointer().is_null()
}

/// Appends the five parts to the mark file with a single `writev`, so that records of several
/// processes never mix. Without a mark file this does nothing.
pub(crate) fn append_to_mark_file(parts: [&[u8]; 5]) {
    let path = path_pointer();
    if path.is_null() {
        return;
    }
    // A signal handler that makes a mark must not change the errno of what it interrupted.
    let errno_before = errno();
    append(path, parts);
    set_errno(errno_before);
}

fn append(path: *const c_char, parts: [&[u8]; 5]) {
    loop {
        // SAFETY: `path` is NUL-terminated: the environment's string, or the copy of it, whose
        // last byte is never written.
        let fd = unsafe { open(path, APPEND, 0o666) };
        if fd < 0 {
            if interrupted() {
                continue;
            }
            return;
        }
        let vector = parts.map(|part| Iovec { base: part.as_ptr().cast(), len: part.len() });
        loop {
            // SAFETY: the vector describes five live slices.
            let written = unsafe { writev(fd, vector.as_ptr(), 5) };
            if written >= 0 || !interrupted() {
                break;
            }
        }
        // SAFETY: `fd` was opened above and is closed once.
        unsafe { close(fd) };
        return;
    }
}

fn interrupted() -> bool {
    errno() == EINTR
}
