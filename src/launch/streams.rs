//! The target's standard streams, as they are made for one run: pipes, or one terminal.

use std::io;
use std::os::fd::OwnedFd;

use crate::sys::fd;
use crate::sys::pty::{self, Pty};

use super::Streams;

/// The ends that the test process reads from, and at a terminal types at.
#[derive(Debug)]
pub(crate) enum Ends {
    Pipes { stdout: OwnedFd, stderr: OwnedFd },
    Terminal(Pty),
}

/// The reader's end and the writer's.
type Pipe = (OwnedFd, OwnedFd);

/// Both ends of a target's streams.
pub(super) enum Made {
    Pipes { stdout: Pipe, stderr: Pipe, stdin: Option<Pipe> },
    Terminal(Pty),
}

impl Made {
    pub(super) fn new(wanted: Streams) -> io::Result<Self> {
        let stdin = match wanted {
            Streams::Terminal { rows, columns } => return Ok(Self::Terminal(pty::open(rows, columns)?)),
            Streams::Pipes { stdin } => stdin,
        };
        let (stdout, stderr) = (fd::pipe()?, fd::pipe()?);
        fd::set_nonblocking(&stdout.0)?;
        fd::set_nonblocking(&stderr.0)?;
        let stdin = if stdin { Some(fd::pipe()?) } else { None };
        if let Some((_, writer)) = &stdin {
            fd::set_nonblocking(writer)?;
        }
        Ok(Self::Pipes { stdout, stderr, stdin })
    }

    /// What is to be the target's stdout, stderr and stdin, if it is given any.
    pub(super) fn targets(&self) -> ([&OwnedFd; 2], Option<&OwnedFd>) {
        match self {
            Self::Pipes { stdout, stderr, stdin } => {
                ([&stdout.1, &stderr.1], stdin.as_ref().map(|(reader, _)| reader))
            }
            Self::Terminal(pty) => ([&pty.terminal; 2], Some(&pty.terminal)),
        }
    }

    /// What remains here once the target has its own: the ends to read from, the one by which it is given
    /// its stdin, and copies of the target's ends for [`Link`](super::Link) to keep.
    pub(super) fn into_ours(self) -> (Ends, Option<OwnedFd>, Vec<OwnedFd>) {
        match self {
            Self::Pipes { stdout, stderr, stdin } => (
                Ends::Pipes { stdout: stdout.0, stderr: stderr.0 },
                stdin.map(|(_, writer)| writer),
                vec![stdout.1, stderr.1],
            ),
            Self::Terminal(pty) => (Ends::Terminal(pty), None, Vec::new()),
        }
    }
}
