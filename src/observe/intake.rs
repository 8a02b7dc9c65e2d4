//! What comes in from a target: its streams and its mark file, as far as they were read.

use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::Error;
use crate::probe::record::{self, Record};
use crate::script::Window;
use crate::stream::Capture;
use crate::sys::clock::Moment;
use crate::sys::fd::{self, Chunk};

/// From what a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Pipe,
    /// A terminal gives at most a page at a time, and says nothing of how much there is.
    Terminal,
}

/// One output stream: its descriptor until its end, what was kept, what gates have not used up.
pub(super) struct Stream {
    pub(super) fd: Option<OwnedFd>,
    pub(super) source: Source,
    /// It is not read for the time being.
    pub(super) paused: bool,
    pub(super) capture: Capture,
    pub(super) window: Window,
}

impl Stream {
    /// What is to be read, if anything is now.
    pub(super) fn readable(&self) -> Option<&OwnedFd> {
        self.fd.as_ref().filter(|_| !self.paused)
    }

    /// How many bytes the target has written: those that were read, and where it is not read for the time being
    /// those that wait.
    pub(super) fn written(&self) -> u64 {
        let unread = self.fd.as_ref().filter(|_| self.paused).map_or(0, fd::readable_bytes);
        self.capture.total() + unread as u64
    }

    /// Reads what is there, but not more than about `most` bytes: a target that never stops writing
    /// must not keep the loop from its other duties.
    ///
    /// A buffer that a read fills is as long as a pipe holds for the next.
    pub(super) fn read(&mut self, base: Moment, buffer: &mut Vec<u8>, most: usize) -> Result<(), Error> {
        let mut taken = 0;
        while let (Some(fd), true) = (&self.fd, taken < most) {
            let read = fd::read_chunk(fd.as_fd(), buffer)
                .map_err(|error| Error::harness("could not read the target's output", error))?;
            match read {
                Chunk::Bytes(count) => {
                    self.capture.push(&buffer[..count], Moment::now().since(base));
                    self.window.push(&buffer[..count]);
                    taken += count;
                    if self.source == Source::Terminal {
                        continue;
                    }
                    if count < buffer.len() {
                        // The pipe was emptied; whatever came since will be seen.
                        return Ok(());
                    }
                    if buffer.len() < PIPE {
                        buffer.resize(PIPE, 0);
                    }
                }
                Chunk::Empty => return Ok(()),
                Chunk::End => self.fd = None,
            }
        }
        Ok(())
    }

    /// Reads all that is in the pipe at this moment.
    pub(super) fn drain(&mut self, base: Moment, buffer: &mut Vec<u8>) -> Result<(), Error> {
        let waiting = match self.source {
            _ if self.paused => 0,
            Source::Pipe => self.fd.as_ref().map_or(0, fd::readable_bytes),
            // Reading also fetches what the kernel has not yet handed over.
            Source::Terminal => TERMINAL,
        };
        if waiting > 0 { self.read(base, buffer, waiting) } else { Ok(()) }
    }
}

/// What a pipe holds (man 7 pipe).
const PIPE: usize = 64 * 1024;

/// More than a terminal holds: 64 KiB on their way to it, and what is there (drivers/tty/tty_buffer.c).
const TERMINAL: usize = 2 * PIPE;

/// So many bytes of marks are read. A target that makes more would be read for as long as it writes.
const MOST_MARKS: u64 = 16 * 1024 * 1024;

/// By so many bytes before the place where it goes on reading a mark file is known again.
const KNOWN_AGAIN: usize = 64;

/// The mark file as far as it was read.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) records: Vec<Record>,
    pub(super) arrived: Vec<Option<Moment>>,
    pub(super) used: usize,
    offset: u64,
    unparsed: Vec<u8>,
    /// The last bytes that were read.
    tail: Vec<u8>,
}

impl Marks {
    /// How many marks were begun, a line without its end included.
    pub(super) fn begun(&self) -> usize {
        self.records.len() + usize::from(!self.unparsed.is_empty())
    }

    /// Reads what was appended. With `at_end` an unfinished line counts. `now` is the time at which
    /// records without one of their own were seen, where somebody watches. Tells whether there is a file.
    ///
    /// # Errors
    ///
    /// Fails also where marks are lost: where what was read before is not there any more.
    pub(super) fn read(&mut self, path: &Path, at_end: bool, now: Option<Moment>) -> io::Result<bool> {
        let mut file = match fd::open_file(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.missing(path),
            Err(error) => return Err(error),
        };
        let mut known = vec![0; self.tail.len()];
        let known_from = self.offset - self.tail.len() as u64;
        if file.read_exact_at(&mut known, known_from).is_err() || known != self.tail {
            return Err(io::Error::other(
                "the target overwrote it, and with it marks that it had made; marks are appended (in a shell by \
                 `>>`, not by `>`)",
            ));
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let before = self.unparsed.len();
        self.offset += file.take(MOST_MARKS + 1 - self.offset).read_to_end(&mut self.unparsed)? as u64;
        if self.offset > MOST_MARKS {
            return Err(io::Error::other(format!("it holds more than {MOST_MARKS} bytes of marks")));
        }
        self.tail.extend_from_slice(&self.unparsed[before..]);
        self.tail.drain(..self.tail.len().saturating_sub(KNOWN_AGAIN));
        let mut used = 0;
        while let Some((record, len)) = record::parse(&self.unparsed[used..], at_end) {
            used += len;
            self.arrived.push(record.origin.map_or(now, |origin| Some(Moment(origin.at_ns))));
            self.records.push(record);
        }
        self.unparsed.drain(..used);
        Ok(true)
    }

    /// There is no file: usually since no mark was made.
    fn missing(&self, path: &Path) -> io::Result<bool> {
        if self.offset > 0 || path.parent().is_some_and(|directory| !directory.exists()) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it was removed, and marks with it"));
        }
        Ok(false)
    }
}
