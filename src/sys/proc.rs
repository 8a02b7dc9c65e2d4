//! What `/proc` tells of processes.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::SysconfVar;

/// One process as `/proc/PID/stat` and `cmdline` describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessInfo {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) state: char,
    pub(crate) name: String,
    pub(crate) command: String,
    /// Whether it is what its parent made of it by `exec`, and not a fork that still runs its parent's code.
    pub(crate) has_executed: bool,
    /// Its main thread is on its way out, or has left.
    pub(crate) exiting: bool,
    threads: u32,
    /// When it started, in clock ticks since the machine did.
    started: u64,
}

impl ProcessInfo {
    /// Whether it has ended and was not waited for. A process whose main thread alone has ended looks
    /// the same but for its number of threads.
    pub(crate) const fn is_zombie(&self) -> bool {
        self.state == 'Z' && self.threads <= 1
    }

    /// Whether none of its code runs any more: it is ending, or has ended.
    pub(crate) const fn has_left(&self) -> bool {
        self.threads <= 1 && (self.exiting || self.state == 'Z')
    }

    /// Its command line; where it has none, as a zombie, its name in brackets.
    pub(crate) fn title(&self) -> String {
        if self.command.is_empty() { format!("[{}]", self.name) } else { self.command.clone() }
    }

    /// How long it has existed.
    pub(crate) fn age(&self) -> Option<Duration> {
        let ticks = u64::try_from(nix::unistd::sysconf(SysconfVar::CLK_TCK).ok()??).ok()?;
        let started = Duration::from_secs(self.started / ticks)
            + Duration::from_secs(1) * u32::try_from(self.started % ticks).ok()?
                / u32::try_from(ticks).ok()?;
        let now = Duration::from(nix::time::clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
        Some(now.saturating_sub(started))
    }
}

/// `PF_FORKNOEXEC` of the kernel, cleared by `exec`.
const FORKED_AND_NOT_EXECUTED: u32 = 0x40;

/// A flag of a thread that has begun to leave (`PF_EXITING`, linux/sched.h).
const EXITING: u32 = 0x4;

/// Reads what is known of `pid`; `None` when it is gone.
pub(crate) fn inspect(pid: i32) -> Option<ProcessInfo> {
    let directory = PathBuf::from(format!("/proc/{pid}"));
    let stat = fs::read(directory.join("stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The name stands in parentheses and may itself hold parentheses and spaces (man 5 proc).
    let (_, rest) = stat.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    // The ninth field, the 20th and the 22nd; the parent was the fourth.
    let flags: u32 = fields.nth(4)?.parse().ok()?;
    let threads = fields.nth(10)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    let has_executed = flags & FORKED_AND_NOT_EXECUTED == 0;
    let command = fs::read(directory.join("cmdline")).unwrap_or_default();
    let command: Vec<String> = command
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
        .take(64)
        .map(|part| String::from_utf8_lossy(&part[..part.len().min(256)]).into_owned())
        .collect();
    Some(ProcessInfo {
        pid,
        parent,
        state,
        name: name.to_owned(),
        command: command.join(" "),
        has_executed,
        exiting: flags & EXITING != 0,
        threads,
        started,
    })
}

/// The path by which the process `pid` was executed last, of a script the script's. A process may change its name and
/// its command line; this it was given above them.
pub(crate) fn executed_as(pid: i32) -> Option<PathBuf> {
    const AT_EXECFN: u64 = 31;
    const LONGEST: usize = 4096;
    let vector = fs::read(format!("/proc/{pid}/auxv")).ok()?;
    let numbers: Vec<u64> =
        vector.chunks_exact(8).map_while(|word| Some(u64::from_ne_bytes(word.try_into().ok()?))).collect();
    let address = numbers.chunks_exact(2).find(|pair| pair[0] == AT_EXECFN)?[1];
    let memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut bytes = vec![0; LONGEST];
    // It lies near the end of the stack, so that there is less.
    let read = memory.read_at(&mut bytes, address).ok()?;
    let end = memchr::memchr(0, &bytes[..read])?;
    Some(PathBuf::from(OsStr::from_bytes(&bytes[..end])))
}

/// The process to which a thread belongs.
pub(crate) fn process_of(tid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

/// The names of this process's threads but this one; none where it is the only one, which is cheap to tell.
pub(crate) fn other_threads() -> Vec<String> {
    if is_only_thread() {
        return Vec::new();
    }
    let own = super::raw::thread_id().to_string();
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let others = tasks.filter(|task| task.file_name() != own.as_str());
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    others.filter_map(name).map(|name| name.trim_end().to_owned()).collect()
}

/// Whether this thread is known to be the only one of its process. The kernel unshares the thread group of such
/// a one, which does nothing, and of no other (man 2 unshare); where a filter forbids that, it is not known.
fn is_only_thread() -> bool {
    // SAFETY: a number only; alone, this flag changes nothing.
    unsafe { libc::unshare(libc::CLONE_THREAD) == 0 }
}

/// The threads of a process that run, or would if they could, each with the processor time that it has had (man 5 proc,
/// `schedstat`); where the kernel does not count that, none.
pub(crate) fn threads_awake(pid: i32) -> Vec<(i32, Duration)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let awake = |task: fs::DirEntry| {
        let tid = task.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        let awake = stat.rsplit_once(')')?.1.trim_start().starts_with(['R', 'D']);
        let ran = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let ran = Duration::from_nanos(ran.split_ascii_whitespace().next()?.parse().ok()?);
        awake.then_some((tid, ran))
    };
    tasks.filter_map(awake).collect()
}

/// The children of this process, which must have a single thread. Zombies are among them.
pub(crate) fn own_children() -> io::Result<Vec<i32>> {
    children_of(super::raw::process_id())
}

/// The children of the process `pid`, of all its threads.
pub(crate) fn children_of(pid: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        match fs::read_to_string(task?.path().join("children")) {
            Ok(list) => found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok())),
            // Without CONFIG_PROC_CHILDREN the list is found the long way.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return search_children(pid),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn search_children(parent: i32) -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if inspect(pid).is_some_and(|info| info.parent == parent) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Every process that descends from the process `pid`, parents before their children. Zombies
/// included.
pub(crate) fn descendants_of(pid: i32) -> io::Result<Vec<ProcessInfo>> {
    let mut found = Vec::new();
    let mut next = children_of(pid)?;
    while let Some(pid) = next.pop() {
        if let Some(info) = inspect(pid) {
            next.extend(children_of(pid).unwrap_or_default());
            found.push(info);
        }
    }
    Ok(found)
}

/// Every process that the target `pid` started, orphans too: all are below the supervisor, its parent. Of a
/// process that is not there, none.
pub(crate) fn started_by(pid: i32) -> Vec<ProcessInfo> {
    let Some(target) = inspect(pid) else { return Vec::new() };
    let mut tree = descendants_of(target.parent).unwrap_or_default();
    tree.retain(|process| process.pid != pid);
    tree
}

/// How many threads this process has.
pub(crate) fn own_thread_count() -> io::Result<usize> {
    Ok(fs::read_dir("/proc/self/task")?.count())
}

/// The sockets that listen, as `/proc/PID/net/tcp` and `tcp6` show them: whether one of them can
/// be reached at `address`.
pub(crate) fn listens_at(pid: i32, address: std::net::SocketAddr) -> bool {
    ["tcp", "tcp6"].iter().any(|table| {
        fs::read_to_string(format!("/proc/{pid}/net/{table}"))
            .is_ok_and(|text| text.lines().skip(1).any(|line| line_listens_at(line, address)))
    })
}

/// A line of that table, where its socket listens: at which address, and its inode.
pub(crate) fn parse_listener(line: &str) -> Option<(std::net::SocketAddr, u64)> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_ascii_whitespace();
    let local = fields.nth(1)?;
    if fields.nth(1) != Some(LISTEN) {
        return None;
    }
    let (host, port) = local.split_once(':')?;
    let address = std::net::SocketAddr::new(parse_host(host)?, u16::from_str_radix(port, 16).ok()?);
    // The tenth field.
    let inode = fields.nth(5).and_then(|inode| inode.parse().ok()).unwrap_or(0);
    Some((address, inode))
}

fn line_listens_at(line: &str, address: std::net::SocketAddr) -> bool {
    let Some((bound, _)) = parse_listener(line) else { return false };
    if bound.port() != address.port() {
        return false;
    }
    let bound = bound.ip().to_canonical();
    let address = address.ip().to_canonical();
    // That of IPv6 takes IPv4 too, and not the other way round.
    let any = bound.is_unspecified() && (bound.is_ipv6() || address.is_ipv4());
    any || bound == address
}

/// An address as the kernel prints it: 32-bit words in hexadecimal, each in this machine's order.
fn parse_host(text: &str) -> Option<std::net::IpAddr> {
    let mut bytes = Vec::new();
    for word in text.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    if let Ok(v4) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some(std::net::IpAddr::from(v4));
    }
    <[u8; 16]>::try_from(bytes.as_slice()).ok().map(std::net::IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::line_listens_at;

    #[test]
    fn a_listening_line_matches_its_address_and_the_wildcard_any() {
        let loopback = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        let wildcard = "   1: 00000000000000000000000000000000:1F90 0000:0000 0A 0 0";
        let wildcard4 = "   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        let connected = "   0: 0100007F:1F90 0100007F:0001 01 00000000:00000000 00:00000000";
        let at = |text: &str| text.parse().unwrap();
        assert!(line_listens_at(loopback, at("127.0.0.1:8080")));
        assert!(line_listens_at(wildcard, at("127.0.0.1:8080")));
        assert!(line_listens_at(wildcard, at("[::1]:8080")));
        assert!(line_listens_at(wildcard4, at("127.0.0.1:8080")));
        assert!(line_listens_at(wildcard4, at("[::ffff:127.0.0.1]:8080")));
        assert!(!line_listens_at(wildcard4, at("[::1]:8080")));
        assert!(!line_listens_at(loopback, at("127.0.0.2:8080")));
        assert!(!line_listens_at(loopback, at("127.0.0.1:8081")));
        assert!(!line_listens_at(connected, at("127.0.0.1:8080")));
    }
}
