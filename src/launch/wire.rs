//! The messages between the test process, the launcher and a supervisor.
//!
//! A request travels on the launcher's socket, which all idle supervisors read; whichever takes it
//! serves it, and answers on the control socket that came with it. Messages are postcard; a request
//! that is too long for one packet travels as a file in memory.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use serde::{Deserialize, Serialize};

use crate::sys::clock::Moment;
use crate::sys::fd;
use crate::sys::fork::StartError;
use crate::sys::function::Address;
use crate::sys::socket::Socket;
use crate::sys::wait::RawUsage;

/// The variable by which the launcher knows itself; its value is the nonce of the handshake.
pub(crate) const LAUNCHER_VARIABLE: &str = "EXEUNT_LAUNCHER";
/// The variable by which a function's own process, started by exec, knows itself.
pub(crate) const FUNCTION_VARIABLE: &str = "EXEUNT_FUNCTION";
/// The variable that names the mark file.
pub(crate) const PROBE_VARIABLE: &str = "EXEUNT_PROBE";

/// Room for a greeting.
pub(crate) const PACKET: usize = 64 * 1024;

/// The longest request that travels as a packet, a little more than an environment usually takes. A
/// spare target pays for each page of its buffer when it ends.
pub(crate) const REQUEST_PACKET: usize = 16 * 1024;

/// Bytes that are copied as a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blob<'a>(pub(crate) &'a [u8]);

impl Serialize for Blob<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Blob<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(deserializer).map(Self)
    }
}

/// The first message to the launcher, and its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) nonce: String,
}

/// The launcher is ready to take requests.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum HelloReply {
    Ready { scratch: std::ffi::OsString },
    Failed(String),
}

/// What to run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Target<'a> {
    /// A function, in a fork of its supervisor.
    Function {
        address: Address,
        #[serde(borrow)]
        input: Blob<'a>,
    },
    /// A function, in a fresh exec of this executable with these arguments.
    FunctionByExec {
        address: Address,
        #[serde(borrow)]
        input: Blob<'a>,
        #[serde(borrow)]
        arguments: Vec<Blob<'a>>,
    },
    /// A program; the arguments include the zeroth.
    Program {
        #[serde(borrow)]
        path: Blob<'a>,
        #[serde(borrow)]
        arguments: Vec<Blob<'a>>,
    },
    /// The function that the supervisor, a fork of the test process, already holds.
    Forked,
}

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request<'a> {
    #[serde(borrow)]
    pub(crate) target: Target<'a>,
    /// `NAME=value` of every variable, each ended by a NUL.
    #[serde(borrow)]
    pub(crate) environment: Blob<'a>,
    pub(crate) core_dumps: bool,
    pub(crate) stdin: bool,
    /// The streams are one terminal.
    pub(crate) at_terminal: bool,
    /// Whether the test process wants to know of the start: where it has a script to carry out.
    pub(crate) announce: bool,
    /// Whether all that comes from the target is to be followed.
    pub(crate) follow: bool,
}

/// From the supervisor to the test process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The target runs its own code; its pidfd comes along.
    Started(Start),
    /// It could not be started.
    NotStarted(StartError),
    /// It has ended, and left processes, which are below this one. They live until the test process has
    /// looked at what they hold, and says so.
    Lingering { supervisor: i32 },
    /// The target's process group was sent the signal, or was not, with this errno.
    GroupSignalled { at: Moment, errno: Option<i32> },
    /// It has ended, and so has everything that it started.
    Ended(Box<End>),
}

/// Which process it is and when it started.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) pid: i32,
    pub(crate) at: Moment,
}

impl Reply {
    /// Whether more will come.
    pub(crate) const fn is_last(&self) -> bool {
        matches!(self, Self::NotStarted(_) | Self::Ended(_))
    }
}

/// How a target ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) start: Start,
    pub(crate) at: Moment,
    pub(crate) raw_status: i32,
    pub(crate) usage: RawUsage,
    /// It was still alive when the supervisor was told to end it, and died of that.
    pub(crate) forced: bool,
    pub(crate) function: Option<FunctionEnd>,
    /// At most [`MAX_LEFTOVERS`] of them are described.
    pub(crate) leftovers: Vec<LeftoverProcess>,
    pub(crate) leftover_count: u32,
    /// How many of them could not be killed.
    pub(crate) survivors: u32,
    pub(crate) relatives: Relatives,
}

/// The processes that came from a target, as far as its supervisor has seen them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Relatives {
    /// All were followed.
    pub(crate) followed: bool,
    /// At most [`MAX_RELATIVES`] of them.
    pub(crate) list: Vec<Relative>,
    pub(crate) left_out: u32,
    /// The signals that they received, where they were followed; at most [`MAX_RECEIVED`].
    pub(crate) received: Vec<Delivered>,
    pub(crate) received_left_out: u32,
}

/// A process that came from a target.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Relative {
    pub(crate) pid: i32,
    pub(crate) parent: Option<i32>,
    pub(crate) command: String,
    pub(crate) born: Option<Moment>,
    pub(crate) died: Option<Moment>,
    pub(crate) fate: Fate,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// It ended before the target.
    Ended { raw_status: i32 },
    /// It ended before the target, and its parent never waited for it.
    Zombie { raw_status: i32 },
    /// It was alive when the target had ended.
    LeftBehind,
}

/// A signal that was delivered to a process which is followed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Delivered {
    pub(crate) number: i32,
    pub(crate) to: i32,
    /// `None` where the kernel sent it of its own accord.
    pub(crate) from: Option<i32>,
    pub(crate) at: Moment,
}

/// The most processes and signals that a reply tells of beside what was left.
pub(crate) const MAX_RELATIVES: usize = 256;
pub(crate) const MAX_RECEIVED: usize = 64;

/// What a function said of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FunctionEnd {
    pub(crate) stage: FunctionStage,
    pub(crate) hooks_ran: bool,
    /// It was on its way out, and its exit hooks had begun.
    pub(crate) leaving: bool,
    pub(crate) message: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) undecodable: bool,
    /// The names of other threads that still ran when it called `exit` or returned.
    pub(crate) threads: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FunctionStage {
    NotEntered,
    Entered,
    Returned,
    Panicked,
}

/// A process that outlived the target.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeftoverProcess {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) state: char,
    pub(crate) age: Option<std::time::Duration>,
    pub(crate) command: String,
}

/// The most processes that one reply describes, so that it fits in a packet.
pub(crate) const MAX_LEFTOVERS: usize = 128;
/// The most bytes of a command line that a reply holds.
pub(crate) const MAX_COMMAND: usize = 240;

/// From the test process to the supervisor. Closing the socket means `Kill` too.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Say which process the target is, as for a run with a script.
    Announce,
    /// Send the target's process group this signal.
    SignalGroup(i32),
    /// End the target and all it started.
    Kill,
    /// End what it left.
    Clear,
}

const INLINE: u8 = 0;
const IN_FILE: u8 = 1;

/// A request as it is sent: in a packet where it is short enough, behind a byte that says so.
pub(crate) fn encode_request(request: &Request<'_>) -> io::Result<Vec<u8>> {
    let mut packet = Vec::with_capacity(request.environment.0.len() + 1024);
    packet.push(INLINE);
    postcard::to_extend(request, packet).map_err(unencodable)
}

/// Sends an encoded request with `fds`; without waiting, so that a caller with a deadline can.
pub(crate) fn send_request(socket: &Socket, packet: &[u8], fds: &[&OwnedFd]) -> io::Result<()> {
    let mut numbers: Vec<i32> = fds.iter().map(|fd| fd.as_raw_fd()).collect();
    if packet.len() <= REQUEST_PACKET {
        return socket.send(packet, &numbers, false);
    }
    let file = memory_file(&packet[1..])?;
    numbers.push(file.as_raw_fd());
    socket.send(&[IN_FILE], &numbers, false)
}

/// What the kernel calls the files that [`memory_file`] makes.
pub(crate) const MEMORY_FILE: &CStr = c"exeunt-request";

/// A file in memory that holds `bytes`, to be read from its beginning.
pub(crate) fn memory_file(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(fd::memory_file(MEMORY_FILE)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) fds: Vec<OwnedFd>,
    len: usize,
    /// The body, where it was too long for a packet.
    long: Option<Vec<u8>>,
}

impl Received {
    /// The encoded request: in `buffer`, or read from the file that came instead.
    pub(crate) fn body<'a>(&'a self, buffer: &'a [u8]) -> &'a [u8] {
        self.long.as_deref().unwrap_or_else(|| buffer.get(1..self.len).unwrap_or_default())
    }
}

/// Receives the next request into `buffer`, which holds a packet; `None` at the end. With `wait` it waits
/// for one, otherwise the error says `WouldBlock`.
pub(crate) fn receive_request(
    socket: &Socket,
    buffer: &mut [u8],
    wait: bool,
) -> io::Result<Option<Received>> {
    let Some(mut message) = socket.receive(buffer, wait)? else { return Ok(None) };
    let long = if buffer.first() == Some(&IN_FILE) {
        let file = message.fds.pop().ok_or_else(|| invalid("a request without its file"))?;
        let mut body = Vec::new();
        File::from(file).read_to_end(&mut body)?;
        Some(body)
    } else {
        None
    };
    Ok(Some(Received { fds: message.fds, len: message.len, long }))
}

/// Decodes the body of a request.
pub(crate) fn request_body(body: &[u8]) -> io::Result<Request<'_>> {
    postcard::from_bytes(body).map_err(|error| invalid(&format!("a malformed request: {error}")))
}

pub(crate) fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Encodes a message of bounded size.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(message).map_err(unencodable)
}

fn unencodable(error: postcard::Error) -> io::Error {
    invalid(&format!("a message that cannot be encoded: {error}"))
}

/// Sends a message of bounded size.
pub(crate) fn send(socket: &Socket, message: &impl Serialize, fds: &[i32]) -> io::Result<()> {
    socket.send(&encode(message)?, fds, true)
}

/// Decodes a message.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(|error| invalid(&format!("a malformed message: {error}")))
}
