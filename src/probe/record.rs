//! The record format of the mark file, written by the target and read by the test process.
//!
//! Writing allocates nothing: the header is put together on the stack. The format is documented
//! for users in the parent module.

use std::panic::Location;

use crate::sys::raw;

/// Begins a framed record; a line of another program's own never contains it.
const FRAME: u8 = 0x1E;

/// The letter of a record that says where a guard was armed. An `A` comes from others than this module.
const ARMED_AT: u8 = b'P';

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "harness", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(not(feature = "harness"), expect(unreachable_pub, reason = "only the harness exports it"))]
#[non_exhaustive]
pub enum Kind {
    /// A point was reached: [`mark`](super::mark), or a program's own line.
    Mark,
    /// A drop guard was armed.
    Armed,
    /// A drop guard was dropped.
    Dropped,
    /// A drop guard was dropped while its thread was unwinding.
    DroppedUnwinding,
    /// An exit hook ran.
    Hook,
}

impl Kind {
    const fn letter(self) -> u8 {
        match self {
            Self::Mark => b'M',
            Self::Armed => ARMED_AT,
            Self::Dropped => b'D',
            Self::DroppedUnwinding => b'U',
            Self::Hook => b'H',
        }
    }

    #[cfg(feature = "harness")]
    const fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'M' => Self::Mark,
            b'A' | ARMED_AT => Self::Armed,
            b'D' => Self::Dropped,
            b'U' => Self::DroppedUnwinding,
            b'H' => Self::Hook,
            _ => return None,
        })
    }
}

/// Appends one record to the mark file, if there is one.
pub(crate) fn write(kind: Kind, label: &[u8]) {
    if raw::probe_is_listening() {
        let header = Header::of(kind.letter(), label.len());
        raw::append_to_mark_file([header.bytes(), b"", b"", label, b"\n"]);
    }
}

/// The same of a guard that was armed at this line of the program.
pub(crate) fn write_armed(label: &[u8], place: &Location<'_>) {
    if raw::probe_is_listening() {
        let file = place.file().as_bytes();
        let mut line = Header::new();
        line.byte(b':');
        line.digits(u64::from(place.line()));
        line.byte(0);
        let header = Header::of(Kind::Armed.letter(), file.len() + line.bytes().len() + label.len());
        raw::append_to_mark_file([header.bytes(), file, line.bytes(), label, b"\n"]);
    }
}

/// A header of bounded length on the stack: two letters and four numbers of at most 20 digits.
struct Header {
    buffer: [u8; 96],
    len: usize,
}

impl Header {
    const fn new() -> Self {
        Self { buffer: [0; 96], len: 0 }
    }

    /// All that comes before a body of this length.
    fn of(letter: u8, len: usize) -> Self {
        let mut header = Self::new();
        header.byte(FRAME);
        header.byte(letter);
        header.byte(b' ');
        header.number(raw::monotonic_ns());
        header.number(u64::from(raw::process_id().unsigned_abs()));
        header.number(u64::from(raw::thread_id().unsigned_abs()));
        header.number(len as u64);
        header
    }

    fn byte(&mut self, byte: u8) {
        self.buffer[self.len] = byte;
        self.len += 1;
    }

    fn number(&mut self, number: u64) {
        self.digits(number);
        self.byte(b' ');
    }

    fn digits(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b"0123456789"[(number % 10) as usize];
            number /= 10;
            if number == 0 {
                break;
            }
        }
        for digit in &digits[first..] {
            self.byte(*digit);
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

/// One record as it was read, with where it ends in the mark file.
#[cfg(feature = "harness")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) label: Vec<u8>,
    pub(crate) origin: Option<Origin>,
    /// `file:line` of the program, where the record tells it.
    pub(crate) place: Option<String>,
}

/// What only a framed record knows.
#[cfg(feature = "harness")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) at_ns: u64,
    pub(crate) pid: i32,
    pub(crate) tid: i32,
}

/// Takes the first record from `bytes`: it and how many bytes it takes, or `None` while it is
/// incomplete. With `at_end`, an unfinished line counts as complete.
#[cfg(feature = "harness")]
pub(crate) fn parse(bytes: &[u8], at_end: bool) -> Option<(Record, usize)> {
    if bytes.is_empty() {
        return None;
    }
    if bytes[0] == FRAME {
        match parse_frame(bytes) {
            Frame::Complete(record, used) => return Some((record, used)),
            Frame::Incomplete if !at_end => return None,
            Frame::Incomplete | Frame::Malformed => {}
        }
    }
    // A line ends at its newline, or where a framed record begins.
    let end = bytes[1..].iter().position(|byte| *byte == b'\n' || *byte == FRAME).map(|at| at + 1);
    let newline_first = bytes[0] == b'\n';
    let (label, used) = match end {
        _ if newline_first => (&bytes[..0], 1),
        Some(end) if bytes[end] == b'\n' => (&bytes[..end], end + 1),
        Some(end) => (&bytes[..end], end),
        None if at_end => (bytes, bytes.len()),
        None => return None,
    };
    let label = label.strip_suffix(b"\r").unwrap_or(label);
    Some((Record { kind: Kind::Mark, label: label.to_vec(), origin: None, place: None }, used))
}

#[cfg(feature = "harness")]
enum Frame {
    Complete(Record, usize),
    Incomplete,
    Malformed,
}

#[cfg(feature = "harness")]
fn parse_frame(bytes: &[u8]) -> Frame {
    let mut fields = [0_u64; 4];
    let Some(letter) = bytes.get(1) else { return Frame::Incomplete };
    let placed = *letter == ARMED_AT;
    let Some(kind) = Kind::from_letter(*letter) else { return Frame::Malformed };
    match bytes.get(2) {
        None => return Frame::Incomplete,
        Some(b' ') => {}
        Some(_) => return Frame::Malformed,
    }
    let mut at = 3;
    for field in &mut fields {
        let start = at;
        loop {
            match bytes.get(at) {
                None => return Frame::Incomplete,
                Some(b' ') if at > start => break,
                Some(digit @ b'0'..=b'9') => {
                    let next = field.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit - b'0')));
                    let Some(next) = next else { return Frame::Malformed };
                    *field = next;
                }
                Some(_) => return Frame::Malformed,
            }
            at += 1;
        }
        at += 1;
    }
    let [at_ns, pid, tid, len] = fields;
    let (Ok(pid), Ok(tid), Ok(len)) = (i32::try_from(pid), i32::try_from(tid), usize::try_from(len)) else {
        return Frame::Malformed;
    };
    let Some(end) = at.checked_add(len) else { return Frame::Malformed };
    match bytes.get(end) {
        None => Frame::Incomplete,
        Some(b'\n') => {
            let origin = Some(Origin { at_ns, pid, tid });
            let body = &bytes[at..end];
            let (place, label) = match body.iter().position(|byte| *byte == 0).filter(|_| placed) {
                Some(zero) => (Some(String::from_utf8_lossy(&body[..zero]).into_owned()), &body[zero + 1..]),
                None if placed => return Frame::Malformed,
                None => (None, body),
            };
            Frame::Complete(Record { kind, label: label.to_vec(), origin, place }, end + 1)
        }
        Some(_) => Frame::Malformed,
    }
}
