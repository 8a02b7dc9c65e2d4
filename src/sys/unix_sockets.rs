//! The Unix sockets that are bound, as `/proc/PID/net/unix` shows them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Whether a socket listens at this path in the network of the process `pid`; one for datagrams needs only to
/// be bound there. A path that begins with `@` is an abstract name. A relative path of the table counts
/// from where the process is.
pub(crate) fn listens_at(pid: i32, path: &Path) -> bool {
    let Ok(table) = fs::read(format!("/proc/{pid}/net/unix")) else { return false };
    let directory = PathBuf::from(format!("/proc/{pid}/cwd"));
    let table = String::from_utf8_lossy(&table);
    table.lines().skip(1).filter_map(bound_to).any(|bound| is_same(path, bound, &directory))
}

/// The path to which the socket of this line is bound, if it takes what comes there.
fn bound_to(line: &str) -> Option<&str> {
    /// `__SO_ACCEPTCON` of the kernel: it listens.
    const LISTENS: u32 = 1 << 16;
    const DATAGRAM: u32 = 2;
    // Number, references, protocol, flags, type, state, inode, and the path, which may hold spaces.
    let mut rest = line;
    let mut fields = [""; 7];
    for field in &mut fields {
        let (first, after) = rest.trim_start().split_once(' ')?;
        (*field, rest) = (first, after);
    }
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let takes = number(fields[3])? & LISTENS != 0 || number(fields[4])? == DATAGRAM;
    // One space stands before it, or it is part of it.
    (takes && !rest.is_empty()).then_some(rest)
}

fn is_same(wanted: &Path, bound: &str, directory: &Path) -> bool {
    let bound = Path::new(bound);
    let is_abstract = |path: &Path| path.as_os_str().as_encoded_bytes().starts_with(b"@");
    if is_abstract(wanted) || is_abstract(bound) {
        return wanted == bound;
    }
    // The same words name the same file only where they begin at the root.
    if wanted.is_absolute() && wanted == bound {
        return true;
    }
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    let wanted = identity(wanted);
    wanted.is_some() && wanted == identity(&directory.join(bound))
}

#[cfg(test)]
mod tests {
    use super::bound_to;

    #[test]
    fn what_listens_is_told_from_what_is_connected() {
        let line = |flags: &str, kind: &str, path: &str| {
            format!("0000000000000000: 00000002 00000000 {flags} {kind} 01 1139745{path}")
        };
        assert_eq!(bound_to(&line("00010000", "0001", " /run/a socket")), Some("/run/a socket"));
        assert_eq!(bound_to(&line("00010000", "0005", " @abstract")), Some("@abstract"));
        assert_eq!(bound_to(&line("00000000", "0002", " /run/log")), Some("/run/log"));
        assert_eq!(bound_to(&line("00000000", "0001", " /run/socket")), None);
        assert_eq!(bound_to(&line("00010000", "0001", "")), None);
    }
}
