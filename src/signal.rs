//! Signals as numbers with names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A signal: a number from 1 to `SIGRTMAX`, printed with its name, as `SIGTERM (15)`.
///
/// Real-time signals are included: `Signal::try_from(libc::SIGRTMIN() + 1)`.
///
/// ```
/// use exeunt::prelude::*;
///
/// assert_eq!(SIGTERM.to_string(), "SIGTERM (15)");
/// assert_eq!("term".parse::<Signal>()?, SIGTERM);
/// assert_eq!(Signal::try_from(9)?, SIGKILL);
/// # Ok::<(), exeunt::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Signal(i32);

macro_rules! signals {
    ($($name:ident: $what:literal,)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`: ", $what, ".")]
            pub const $name: Signal = Signal(libc::$name);
        )*
        const CONSTANTS: &[(&str, Signal)] = &[$((stringify!($name), $name)),*];
    };
}

signals! {
    SIGHUP: "the terminal is gone, or, for many daemons, read the configuration again",
    SIGINT: "the interrupt key of the terminal (Ctrl-C)",
    SIGQUIT: "the quit key of the terminal (Ctrl-\\)",
    SIGILL: "an illegal instruction",
    SIGTRAP: "a breakpoint",
    SIGABRT: "`abort(3)`",
    SIGBUS: "an access to memory that is not there",
    SIGFPE: "an arithmetic error, such as a division by zero",
    SIGKILL: "the end, which cannot be caught",
    SIGUSR1: "for the program's own use",
    SIGSEGV: "an access to memory that is not allowed",
    SIGUSR2: "for the program's own use",
    SIGPIPE: "a write to a pipe that nobody reads",
    SIGALRM: "a timer of `alarm(2)`",
    SIGTERM: "the polite request to end",
    SIGCHLD: "a child ended or stopped",
    SIGCONT: "go on after a stop",
    SIGSTOP: "stop, which cannot be caught",
    SIGTSTP: "the stop key of the terminal (Ctrl-Z)",
    SIGTTIN: "a read from the terminal in the background",
    SIGTTOU: "a write to the terminal in the background",
    SIGURG: "urgent data on a socket",
    SIGXCPU: "the limit of processor time was passed",
    SIGXFSZ: "the limit of file size was passed",
    SIGVTALRM: "a timer of the process's own time",
    SIGPROF: "a profiling timer",
    SIGWINCH: "the terminal's window changed its size",
    SIGIO: "input or output is possible",
    SIGSYS: "a bad system call",
}

/// Names of signals that not every system has.
const OTHER_NAMES: &[(&str, Signal)] = &[
    #[cfg(target_os = "linux")]
    ("SIGPWR", Signal(libc::SIGPWR)),
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    ("SIGSTKFLT", Signal(libc::SIGSTKFLT)),
];

/// Second names, which are read and never printed.
const ALIASES: &[(&str, Signal)] = &[("SIGIOT", SIGABRT), ("SIGPOLL", SIGIO), ("SIGCLD", SIGCHLD)];

/// All names that are printed.
fn names() -> impl Iterator<Item = &'static (&'static str, Signal)> {
    CONSTANTS.iter().chain(OTHER_NAMES)
}

impl Signal {
    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The name with its `SIG`, if the number has one. Real-time signals are named from the nearer
    /// end, as `SIGRTMIN+2`.
    #[must_use]
    pub fn name(self) -> Option<String> {
        if let Some((name, _)) = names().find(|(_, signal)| *signal == self) {
            return Some((*name).to_owned());
        }
        let (first, last) = real_time()?;
        if !(first..=last).contains(&self.0) {
            return None;
        }
        let (up, down) = (self.0 - first, last - self.0);
        Some(match (up, down) {
            (0, _) => "SIGRTMIN".to_owned(),
            (_, 0) => "SIGRTMAX".to_owned(),
            _ if up <= down => format!("SIGRTMIN+{up}"),
            _ => format!("SIGRTMAX-{down}"),
        })
    }

    /// Whether its default action ends a process.
    pub(crate) const fn kills_by_default(self) -> bool {
        !matches!(self, SIGCHLD | SIGURG | SIGWINCH | SIGCONT | SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU)
    }

    /// A signal as the kernel reported it, whatever its number.
    pub(crate) const fn from_status(number: i32) -> Self {
        Self(number)
    }
}

/// What a process would do with a signal at a certain moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Disposition {
    /// No handler: the default action of the signal.
    Default,
    /// The process ignores it.
    Ignored,
    /// A handler is installed.
    Handled,
    /// Every thread blocks it, and nobody waits for it: it stays pending.
    Blocked,
    /// A thread waits for it in `sigwait` or one of its kin.
    WaitedFor,
    /// Every thread blocks it, and a signalfd takes it.
    HeldBySignalfd,
}

impl Disposition {
    /// Whether the process has made its own arrangements for the signal.
    pub(crate) const fn is_ready(self) -> bool {
        matches!(self, Self::Handled | Self::WaitedFor | Self::HeldBySignalfd)
    }
}

/// The first and the last real-time signal that a program may use.
fn real_time() -> Option<(i32, i32)> {
    #[cfg(target_os = "linux")]
    return Some((libc::SIGRTMIN(), libc::SIGRTMAX()));
    #[cfg(not(target_os = "linux"))]
    None
}

fn highest() -> i32 {
    real_time().map_or(31, |(_, last)| last)
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<i32> for Signal {
    type Error = crate::Error;

    /// # Errors
    ///
    /// Fails for a number that is not between 1 and `SIGRTMAX`.
    fn try_from(number: i32) -> Result<Self, Self::Error> {
        if (1..=highest()).contains(&number) {
            return Ok(Self(number));
        }
        Err(crate::Error::bad_input(format!(
            "there is no signal {number}: numbers go from 1 to {}",
            highest()
        )))
    }
}

impl FromStr for Signal {
    type Err = crate::Error;

    /// Reads `SIGTERM`, `TERM`, `term`, `15`, `SIGRTMIN+2` or `RTMAX-1`.
    ///
    /// # Errors
    ///
    /// Fails for a name or a number that no signal has.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(number) = text.parse::<i32>() {
            return Self::try_from(number);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some((_, signal)) =
            names().chain(ALIASES).find(|(known, _)| known.strip_prefix("SIG") == Some(name))
        {
            return Ok(*signal);
        }
        let unknown = || crate::Error::bad_input(format!("there is no signal named {text:?}"));
        let (first, last) = real_time().ok_or_else(unknown)?;
        let number = if let Some(rest) = name.strip_prefix("RTMIN") {
            offset(rest, '+').map(|by| first + by)
        } else if let Some(rest) = name.strip_prefix("RTMAX") {
            offset(rest, '-').map(|by| last - by)
        } else {
            None
        };
        number.filter(|number| (first..=last).contains(number)).map(Self).ok_or_else(unknown)
    }
}

impl TryFrom<&str> for Signal {
    type Error = crate::Error;

    /// Reads what [`str::parse`] does.
    ///
    /// # Errors
    ///
    /// Fails for a name or a number that no signal has.
    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Signal> for i32 {
    fn from(signal: Signal) -> Self {
        signal.number()
    }
}

fn offset(text: &str, sign: char) -> Option<i32> {
    if text.is_empty() {
        return Some(0);
    }
    text.strip_prefix(sign)?.parse().ok().filter(|by| (0..=64).contains(by))
}

#[cfg(test)]
mod tests {
    use super::{SIGKILL, SIGTERM, Signal};

    #[test]
    fn signals_print_name_and_number_and_unknown_ones_their_number() {
        assert_eq!(SIGTERM.to_string(), "SIGTERM (15)");
        assert_eq!(
            Signal::from_status(libc::SIGRTMIN()).to_string(),
            format!("SIGRTMIN ({})", libc::SIGRTMIN())
        );
        assert_eq!(
            Signal::from_status(libc::SIGRTMIN() + 3).to_string(),
            format!("SIGRTMIN+3 ({})", libc::SIGRTMIN() + 3)
        );
        assert_eq!(Signal::from_status(libc::SIGRTMAX() - 1).name().unwrap(), "SIGRTMAX-1");
        assert_eq!(Signal::from_status(99).to_string(), "signal 99");
    }

    #[test]
    fn signals_are_read_by_name_and_number() {
        for text in ["TERM", "SIGTERM", "sigterm", "15"] {
            assert_eq!(text.parse::<Signal>().unwrap(), SIGTERM, "{text}");
        }
        for (text, name) in [("IOT", "SIGABRT"), ("poll", "SIGIO"), ("SIGCLD", "SIGCHLD"), ("PWR", "SIGPWR")]
        {
            assert_eq!(text.parse::<Signal>().unwrap().name().unwrap(), name, "{text}");
        }
        #[cfg(target_arch = "x86_64")]
        assert_eq!("STKFLT".parse::<Signal>().unwrap().to_string(), "SIGSTKFLT (16)");
        assert_eq!("SIGRTMIN+2".parse::<Signal>().unwrap().number(), libc::SIGRTMIN() + 2);
        assert_eq!("rtmax-1".parse::<Signal>().unwrap().number(), libc::SIGRTMAX() - 1);
        assert_eq!(Signal::try_from(9).unwrap(), SIGKILL);
    }

    #[test]
    fn a_signal_is_kept_as_its_number_and_no_other_is_read() {
        let kept = postcard::to_stdvec(&SIGTERM).unwrap();
        assert_eq!(kept, postcard::to_stdvec(&15).unwrap());
        assert_eq!(postcard::from_bytes::<Signal>(&kept).unwrap(), SIGTERM);
        for number in [0, -1, 200] {
            let bytes = postcard::to_stdvec(&number).unwrap();
            assert!(postcard::from_bytes::<Signal>(&bytes).is_err(), "{number}");
        }
    }

    #[test]
    fn what_is_no_signal_is_refused_with_its_text() {
        for text in ["0", "-1", "200", "sigterminate", "", "SIG", "RTMIN+99", "RTMIN-1", "RTMAX+-1"] {
            let error = text.parse::<Signal>().unwrap_err().to_string();
            assert!(error.contains("there is no signal"), "{text}: {error}");
            assert!(error.contains(text), "{text}: {error}");
        }
    }
}
