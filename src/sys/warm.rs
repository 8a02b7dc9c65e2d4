//! Touching memory ahead of time: a fork pays for each page when it first writes to it, and a spare
//! target has time while it waits.

use std::fs;
use std::ops::Range;
use std::sync::OnceLock;

/// Mappings longer than this are not the few pages that every target writes to.
const LONGEST: usize = 512 * 1024;

/// So much of the stack below its present end is written to by the time a target runs its own code.
const STACK: usize = 64 * 1024;

static RANGES: OnceLock<Vec<Range<usize>>> = OnceLock::new();

/// Remembers which memory of this process its forks will write to.
pub(crate) fn remember() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let _ = RANGES.set(maps.lines().filter_map(range).collect());
}

/// The range of a line of `/proc/PID/maps`, if it is private, writable and small.
fn range(line: &str) -> Option<Range<usize>> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let flags = words.next()?;
    let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
    let wanted = flags.starts_with("rw") && flags.ends_with('p') && !line.ends_with("[stack]");
    (wanted && range.len() <= LONGEST).then_some(range)
}

/// Writes to that memory, and to the stack, without changing it. Where the kernel is too old for the
/// request (before 5.14) nothing happens.
pub(crate) fn touch() {
    const PAGE: usize = 4096;
    let marker = 0_u8;
    let top = (&raw const marker).addr() / PAGE * PAGE;
    let stack = top - STACK..top;
    for range in RANGES.get().into_iter().flatten().chain([&stack]) {
        // SAFETY: the request faults pages in and changes nothing; a range that is not mapped any more
        // is refused.
        unsafe { libc::madvise(range.start as *mut libc::c_void, range.len(), libc::MADV_POPULATE_WRITE) };
    }
}
