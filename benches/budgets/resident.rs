//! Memory: filling the test process with it, and what exeunt's own processes take.

use std::fs;

use crate::family;
use crate::support::contenders;
use crate::table::{Row, Unit};

const PAGE: usize = 4096;

/// Memory of this process, every page of it touched; given back when it is dropped.
pub(crate) struct Memory {
    place: *mut libc::c_void,
    len: usize,
}

impl Memory {
    pub(crate) fn resident(len: usize) -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a fresh mapping at a place that the kernel chooses.
        let place = unsafe {
            libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
        };
        assert_ne!(place, libc::MAP_FAILED, "mmap: {}", std::io::Error::last_os_error());
        // Ordinary pages, as a heap that grew piece by piece has; where it is refused there are no others.
        // SAFETY: the mapping made above.
        unsafe { libc::madvise(place, len, libc::MADV_NOHUGEPAGE) };
        for offset in (0..len).step_by(PAGE) {
            // SAFETY: the offset lies within the mapping.
            let byte = unsafe { place.cast::<u8>().add(offset) };
            // SAFETY: the mapping is writable and nobody else knows it.
            unsafe { byte.write_volatile(1) };
        }
        Self { place, len }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping made by `resident`, to which nothing refers any more.
        unsafe { libc::munmap(self.place, self.len) };
    }
}

/// The launcher and its processes between two runs: what is resident, and what of that is their own.
pub(crate) fn size(_: bool) -> Vec<Row> {
    contenders::exeunt_function();
    let mut rows = Vec::new();
    for (name, who) in
        [("exeunt-launcher", "the launcher"), ("exeunt-superv", "supervisors and spare targets")]
    {
        let members = family::members().into_iter().filter(|(_, its)| its == name);
        let sizes: Vec<(f64, f64)> = members.filter_map(|(pid, _)| sizes(pid)).collect();
        let most = sizes.iter().map(|(resident, _)| *resident).fold(0.0, f64::max);
        let share: f64 = sizes.iter().map(|(_, share)| share).sum();
        let (count, unit) = (sizes.len(), Unit::Kibibytes);
        rows.push(Row::new("size", format!("{who} ({count}): resident, the largest"), unit, most));
        rows.push(Row::new(
            "size",
            format!("{who} ({count}): their share of memory (PSS), in all"),
            unit,
            share,
        ));
    }
    rows
}

/// What is resident of a process, and its share of that, in KiB.
fn sizes(pid: u32) -> Option<(f64, f64)> {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches("kB").trim_end().parse().ok()
    };
    Some((field("status", "VmRSS:")?, field("smaps_rollup", "Pss:")?))
}
