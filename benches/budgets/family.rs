//! This process and all below it: on which cores they run, and how much processor time they took.

use std::fs;
use std::time::Duration;

/// This process and its descendants, each with its name.
pub(crate) fn members() -> Vec<(u32, String)> {
    let mut found = Vec::new();
    add(std::process::id(), &mut found);
    found
}

fn add(pid: u32, found: &mut Vec<(u32, String)>) {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    found.push((pid, name.trim_end().to_owned()));
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children
            .split_whitespace()
            .filter_map(|child| child.parse().ok())
            .for_each(|child| add(child, found));
    }
}

/// The processor time of the whole family, of those that have ended too.
pub(crate) fn processor_time() -> Duration {
    // SAFETY: a number only.
    let ticks_a_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    let ticks: u64 = members().into_iter().map(|(pid, _)| ticks(pid)).sum();
    Duration::from_secs_f64(ticks as f64 / ticks_a_second as f64)
}

/// utime, stime, cutime and cstime of `/proc/PID/stat` (man 5 proc).
fn ticks(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything.
    let Some((_, fields)) = text.rsplit_once(')') else { return 0 };
    fields.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Keeps the family, and all that it starts, on one core for as long as it lives.
#[derive(Debug)]
pub(crate) struct OnOneCore(());

impl OnOneCore {
    pub(crate) fn new() -> Self {
        // SAFETY: no preconditions.
        let core = usize::try_from(unsafe { libc::sched_getcpu() }).expect("a core");
        allow(|set| {
            // SAFETY: the kernel's number of a core is within the set.
            unsafe { libc::CPU_SET(core, set) };
        });
        Self(())
    }
}

impl Drop for OnOneCore {
    fn drop(&mut self) {
        let size = usize::try_from(libc::CPU_SETSIZE).expect("a size");
        allow(|set| {
            for core in 0..size {
                // SAFETY: the core is within the set.
                unsafe { libc::CPU_SET(core, set) };
            }
        });
    }
}

fn allow(choose: impl Fn(&mut libc::cpu_set_t)) {
    // SAFETY: a set of bits, of which none is set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    choose(&mut set);
    for (pid, _) in members() {
        let pid = i32::try_from(pid).expect("a process id");
        // SAFETY: `set` is live and of the size given.
        unsafe { libc::sched_setaffinity(pid, size_of::<libc::cpu_set_t>(), &raw const set) };
    }
}
