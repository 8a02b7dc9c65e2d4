//! Backtraces of what is still running at a deadline, by gdb, where the test asks for them.

use std::io::{self, Read, Seek};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::sys::clock::Moment;
use crate::sys::pidfd::PidFd;

/// How long all backtraces of a run may take: less than a supervisor is given to end the target.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// So many frames of a thread are asked for.
const FRAMES: &str = "thread apply all backtrace 40";

/// What gdb says of the threads of a process until `deadline`, or why it says nothing.
pub(super) fn of(pid: i32, deadline: Moment) -> String {
    match ask(pid, deadline) {
        Ok(text) => frames_of(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => "gdb is not installed".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => "gdb took too long".to_owned(),
        Err(error) => format!("gdb could not be run: {error}"),
    }
}

fn ask(pid: i32, deadline: Moment) -> io::Result<String> {
    // A file and no pipe: nothing has to be read while gdb writes.
    let mut output = tempfile::tempfile()?;
    let mut gdb = Command::new("gdb")
        .args(["-nx", "-batch", "-p", &pid.to_string(), "-ex", FRAMES])
        // Otherwise it may ask a server for what it does not find.
        .env_remove("DEBUGINFOD_URLS")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()?;
    let handle = i32::try_from(gdb.id()).map_err(io::Error::other).and_then(PidFd::open);
    // Where there is no handle it has ended, and the test process ignores SIGCHLD.
    let ended = handle.map_or(true, |handle| handle.ends_within(deadline.since(Moment::now())));
    if !ended {
        let _ = gdb.kill();
    }
    let _ = gdb.wait();
    if !ended {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let mut text = Vec::new();
    output.rewind()?;
    output.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The threads and frames among what gdb printed, of a function's main thread only its own; the last line where
/// there are none.
fn frames_of(text: &str) -> String {
    const BELOW_A_FUNCTION: &str = " in exeunt::sys::function::";
    let mut below = false;
    let is_frame = |line: &&str| {
        let thread = line.starts_with("Thread ");
        below = !thread && (below || line.contains(BELOW_A_FUNCTION));
        (thread || line.trim_start().starts_with('#')) && !below
    };
    let frames: Vec<&str> = text.lines().filter(is_frame).collect();
    if frames.iter().any(|line| line.trim_start().starts_with('#')) {
        return frames.join("\n");
    }
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it printed nothing");
    format!("gdb could not tell: {}", last.trim())
}

#[cfg(test)]
mod tests {
    use super::frames_of;

    #[test]
    fn only_threads_and_their_frames_are_kept() {
        let text =
            "[New LWP 8]\n\nThread 1 (LWP 7):\n#0  0x1 in pause ()\n#1  main ()\n[Inferior 1 detached]\n";
        assert_eq!(frames_of(text), "Thread 1 (LWP 7):\n#0  0x1 in pause ()\n#1  main ()");
        let text =
            "Thread 2:\n#0  f ()\n#1  0x1 in exeunt::sys::function::g ()\n#2  h ()\nThread 1:\n#0  i ()\n";
        assert_eq!(frames_of(text), "Thread 2:\n#0  f ()\nThread 1:\n#0  i ()");
    }

    #[test]
    fn without_frames_the_last_line_tells_why() {
        let text = "warning: x\nptrace: Operation not permitted.\n\n";
        assert_eq!(frames_of(text), "gdb could not tell: ptrace: Operation not permitted.");
        assert_eq!(frames_of(""), "gdb could not tell: it printed nothing");
    }
}
