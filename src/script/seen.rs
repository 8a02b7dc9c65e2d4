//! What was seen of a target, as gates look at it: what no gate before has used up.

use std::borrow::Cow;
use std::time::Duration;

use memchr::memmem;

use crate::probe::record::Record;
use crate::sys::clock::Moment;

use super::text::Match;
use super::{StreamName, TextMatch};

/// What was seen of the target so far, with how much of it earlier gates have used up.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) stdout: &'a mut Window,
    pub(crate) stderr: &'a mut Window,
    pub(crate) marks: &'a [Record],
    pub(crate) marks_used: &'a mut usize,
    pub(crate) pid: i32,
    pub(crate) now: Moment,
    /// When the gate became the next to open.
    pub(crate) since: Moment,
}

impl Seen<'_> {
    pub(super) const fn window(&self, stream: StreamName) -> &Window {
        match stream {
            StreamName::Stdout => self.stdout,
            StreamName::Stderr => self.stderr,
        }
    }

    /// How many marks there are up to the first that fits.
    pub(super) fn find_mark(&self, what: &TextMatch) -> Option<usize> {
        let rest = self.marks.get(*self.marks_used..)?;
        let at = rest.iter().position(|mark| match &what.0 {
            Match::Text(label) => mark.label == label.as_bytes(),
            Match::Predicate(predicate) => predicate.eval(&String::from_utf8_lossy(&mark.label)),
        })?;
        Some(*self.marks_used + at + 1)
    }
}

/// What a gate of one's own is shown: all that came since the gate before.
#[derive(Debug)]
pub struct Sight<'a>(pub(super) &'a Seen<'a>);

impl Sight<'_> {
    /// What was written to stdout; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stdout(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.stdout.bytes)
    }

    /// What was written to stderr; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn stderr(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.stderr.bytes)
    }

    /// The labels of the marks that were made; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn marks(&self) -> Vec<Cow<'_, str>> {
        let rest = self.0.marks.get(*self.0.marks_used..).unwrap_or_default();
        rest.iter().map(|mark| String::from_utf8_lossy(&mark.label)).collect()
    }

    /// The target's process id.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.0.pid
    }

    /// How long the gate has been the next to open.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.0.now.since(self.0.since)
    }
}

/// The part of a stream that no gate has used up yet.
#[derive(Debug)]
pub(crate) struct Window {
    pub(super) bytes: Vec<u8>,
    /// The offset in the stream of the first byte.
    start: u64,
    limit: usize,
    wanted: bool,
}

impl Window {
    /// Keeps at most `limit` bytes, the latest; none at all where no gate reads the stream.
    pub(crate) const fn new(limit: usize, wanted: bool) -> Self {
        Self { bytes: Vec::new(), start: 0, limit, wanted }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !self.wanted {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > self.limit.saturating_mul(2) {
            self.use_up(self.start + (self.bytes.len() - self.limit) as u64);
        }
    }

    /// The offset at which what was seen ends.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// No gate will read the stream any more.
    pub(crate) fn close(&mut self) {
        self.wanted = false;
        self.bytes = Vec::new();
    }

    /// Forgets what lies before `offset`.
    pub(super) fn use_up(&mut self, offset: u64) {
        let count = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let count = count.min(self.bytes.len());
        self.bytes.drain(..count);
        self.start += count as u64;
    }

    /// The bytes from `offset` on, or from the first that is kept.
    fn after(&self, offset: u64) -> (u64, &[u8]) {
        let from =
            usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.bytes.len());
        (self.start + from as u64, &self.bytes[from..])
    }

    /// The offset at which the first `text` ends. `searched` remembers how far the search came.
    pub(super) fn find_text(&self, text: &[u8], searched: &mut u64) -> Option<u64> {
        let (from, haystack) = self.after(*searched);
        if let Some(at) = memmem::find(haystack, text) {
            return Some(from + (at + text.len()) as u64);
        }
        // The text may have begun in the last bytes.
        let keep = text.len().saturating_sub(1).min(haystack.len());
        *searched = from + (haystack.len() - keep) as u64;
        None
    }

    /// The offset at which the first complete line ends for which `holds`.
    pub(super) fn find_line(&self, holds: impl Fn(&str) -> bool, searched: &mut u64) -> Option<u64> {
        loop {
            let (from, rest) = self.after(*searched);
            let end = memchr::memchr(b'\n', rest)?;
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            *searched = from + end as u64 + 1;
            if holds(&String::from_utf8_lossy(line)) {
                return Some(*searched);
            }
        }
    }
}
