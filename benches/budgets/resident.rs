//! Memory: filling the test process with it, and what exeunt's own processes take.

use std::collections::BTreeMap;
use std::fs;

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

/// The launcher and its processes at rest: what is resident, and what of that is nobody else's.
pub(crate) fn size(_: bool) -> Vec<Row> {
    contenders::exeunt_function();
    let mut found = BTreeMap::new();
    // The process between two runs has a spare target ready; it may still be on its way.
    let begin = std::time::Instant::now();
    while found.len() < 3 && begin.elapsed().as_secs() < 2 {
        found.clear();
        descend(std::process::id(), &mut found);
    }
    let mut rows = Vec::new();
    for (pid, name) in found {
        let field = |file: &str, field: &str| {
            let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(field).map(str::to_owned));
            line.and_then(|line| line.trim().trim_end_matches("kB").trim_end().parse::<f64>().ok())
        };
        let (resident, share) = (field("status", "VmRSS:"), field("smaps_rollup", "Pss:"));
        if let (Some(resident), Some(share)) = (resident, share) {
            let row = |what: String, value| Row::new("size", what, Unit::Kibibytes, value);
            rows.push(row(format!("`{name}`: resident"), resident));
            rows.push(row(format!("`{name}`: its share of that (PSS)"), share));
        }
    }
    rows
}

/// The processes below `pid`, with their names.
fn descend(pid: u32, found: &mut BTreeMap<u32, String>) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
            found.insert(child, name.trim_end().to_owned());
            descend(child, found);
        }
    }
}
