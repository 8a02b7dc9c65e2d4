//! What a run left on the system, in words.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::traces::{Appeared, Found, Held, Holder, Listener, PathTrace, TempFiles};

use super::delivery::quoted;
use super::text::{SHOWN_EVENTS, SHOWN_LINE, count, visible};

pub(crate) fn at_path(path: &Path) -> String {
    format!("`{}`", visible(path.as_os_str().as_bytes(), 4 * SHOWN_LINE))
}

/// That a question was not announced before the run, so that nobody looked.
pub(crate) fn not_announced(how: &str) -> String {
    format!(
        "nobody looked: only what is announced before the run is looked at, by the first assertion on a plan or by \
         `{how}` before it"
    )
}

/// What is at a path and what was.
pub(crate) fn fate(trace: &PathTrace) -> String {
    let before = if trace.before { "it was there before the run already, and " } else { "" };
    match (&trace.after, trace.appeared) {
        (Some(found), _) => format!("{before}{} is there", self::found(found)),
        (None, Appeared::Yes) => format!("{before}it appeared during the run and is gone"),
        (None, _) if trace.before => format!("{before}it is gone"),
        (None, Appeared::No) => {
            let where_to = relative(&trace.path);
            format!("it was never there, neither before the run nor at any time in it{where_to}")
        }
        (None, Appeared::Unknown) => {
            "whether it ever was there is not known: so much happened in its directory that the kernel did not tell of \
             all of it"
                .to_owned()
        }
    }
}

/// Where a path is looked for that does not say so itself.
pub(crate) fn relative(path: &Path) -> &'static str {
    if path.is_relative() {
        " (a relative path counts from the working directory of the test, not from `current_dir`)"
    } else {
        ""
    }
}

/// What a file holds.
pub(crate) fn content(bytes: &[u8]) -> String {
    format!("it holds {}", quoted(bytes))
}

fn found(found: &Found) -> String {
    match found {
        Found::File { len, .. } => format!("a file of {}", count(len, "byte", "bytes")),
        Found::Directory => "a directory".to_owned(),
        Found::Socket => "a socket".to_owned(),
        Found::BrokenLink => "a link that leads nowhere".to_owned(),
        Found::Unknown => "what the test process may not look at".to_owned(),
        Found::Other => "something that is no file, directory or socket".to_owned(),
    }
}

/// Why it is not known whether what is at a path is whole.
pub(crate) fn content_not_known(there: &Found) -> String {
    match there {
        Found::File { .. } => {
            format!(
                "{} is there, which could not be read, is longer than `capture_limit`, or is locked by the test \
                 process (POSIX), which would lose the lock by reading it",
                found(there)
            )
        }
        _ => format!("{} is there", found(there)),
    }
}

/// Who holds something.
pub(crate) fn holders(held: &Held, does: &str) -> Vec<String> {
    let by = held.by.iter().map(|holder| format!("{} {does} ({})", process(holder), holder.by));
    let hidden = held.hidden.iter().map(|holder| {
        format!("{} outlived the target, and what it holds nobody but its user may see", process(holder))
    });
    shortened(by.chain(hidden).collect())
}

fn process(holder: &Holder) -> String {
    format!("process {} (`{}`)", holder.pid, visible(holder.command.as_bytes(), SHOWN_LINE))
}

fn shortened(mut notes: Vec<String>) -> Vec<String> {
    let more = notes.len().saturating_sub(SHOWN_EVENTS);
    if more > 0 {
        notes.truncate(SHOWN_EVENTS);
        notes.push(format!("… {more} more …"));
    }
    notes
}

/// Who listens.
pub(crate) fn on_ports(listeners: &[&Listener]) -> Vec<String> {
    let one = |listener: &&Listener| {
        if listener.holders.is_empty() {
            return vec![format!(
                "a socket listens at {}, of a process that may not be seen",
                listener.address
            )];
        }
        let holders = listener.holders.iter();
        holders
            .map(|holder| format!("{} listens at {} ({})", process(holder), listener.address, holder.by))
            .collect()
    };
    shortened(listeners.iter().flat_map(one).collect())
}

pub(crate) fn no_address(error: &io::Error) -> String {
    format!("exeunt: the address of a port cannot be resolved: {error}")
}

/// Why nothing can be said of port 0.
pub(crate) const fn no_port() -> &'static str {
    "nobody can listen at port 0: who asks for it is given another"
}

/// What was left of temporary files, or that there were none.
pub(crate) fn temp_files(files: &TempFiles) -> String {
    if files.count == 0 {
        return match files.used {
            Appeared::Unknown => "so many were made that the kernel did not tell of all of them".to_owned(),
            Appeared::No | Appeared::Yes => {
                "nothing was ever made in the directory that `TMPDIR` named, so nothing shows that it is cleaned up \
                 (a file without a name, as by `O_TMPFILE`, does not show either)"
                    .to_owned()
            }
        };
    }
    let mut text = format!(
        "{} left in the directory that `TMPDIR` named:",
        count(files.count, "entry was", "entries were")
    );
    for path in files.left.iter().take(SHOWN_EVENTS) {
        text.push('\n');
        text.push_str(&visible(&path.0, 2 * SHOWN_LINE));
    }
    if files.count > SHOWN_EVENTS {
        text.push_str(&format!("\n… {} more …", files.count - SHOWN_EVENTS));
    }
    text
}
