//! What comes in from a target: its streams and its mark file, as far as they were read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use crate::error::Error;
use crate::probe::record::{self, Record};
use crate::script::Window;
use crate::stream::Capture;
use crate::sys::clock::Moment;
use crate::sys::fd::{self, Chunk};

/// One output stream: its descriptor until its end, what was kept, what gates have not used up.
pub(super) struct Stream {
    pub(super) fd: Option<OwnedFd>,
    pub(super) capture: Capture,
    pub(super) window: Window,
}

impl Stream {
    /// Reads what is there, but not more than about `most` bytes: a target that never stops writing
    /// must not keep the loop from its other duties.
    pub(super) fn read(&mut self, base: Moment, buffer: &mut [u8], most: usize) -> Result<(), Error> {
        let mut taken = 0;
        while let (Some(fd), true) = (&self.fd, taken < most) {
            let read = fd::read_chunk(fd.as_fd(), buffer)
                .map_err(|error| Error::harness("could not read the target's output", error))?;
            match read {
                Chunk::Bytes(count) => {
                    self.capture.push(&buffer[..count], Moment::now().since(base));
                    self.window.push(&buffer[..count]);
                    taken += count;
                    if count < buffer.len() {
                        // The pipe was emptied; whatever came since will be seen.
                        return Ok(());
                    }
                }
                Chunk::Empty => return Ok(()),
                Chunk::End => self.fd = None,
            }
        }
        Ok(())
    }

    /// Reads all that is in the pipe at this moment.
    pub(super) fn drain(&mut self, base: Moment, buffer: &mut [u8]) -> Result<(), Error> {
        let waiting = self.fd.as_ref().map_or(0, fd::readable_bytes);
        if waiting > 0 { self.read(base, buffer, waiting) } else { Ok(()) }
    }
}

/// The mark file as far as it was read.
pub(super) struct Marks {
    pub(super) records: Vec<Record>,
    pub(super) arrived: Vec<Option<Moment>>,
    pub(super) used: usize,
    pub(super) offset: u64,
    pub(super) unparsed: Vec<u8>,
}

impl Marks {
    /// Reads what was appended. With `at_end` an unfinished line counts. `now` is the time at which
    /// records without one of their own were seen, where somebody watches. Tells whether there is a file.
    pub(super) fn read(&mut self, path: &Path, at_end: bool, now: Option<Moment>) -> io::Result<bool> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.offset))?;
        self.offset += file.read_to_end(&mut self.unparsed)? as u64;
        let mut used = 0;
        while let Some((record, len)) = record::parse(&self.unparsed[used..], at_end) {
            used += len;
            self.arrived.push(record.origin.map_or(now, |origin| Some(Moment(origin.at_ns))));
            self.records.push(record);
        }
        self.unparsed.drain(..used);
        Ok(true)
    }
}
