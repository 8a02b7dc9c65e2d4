//! What the *target* calls: marks that prove a piece of clean-up ran.
//!
//! The module has no dependency; an application can depend on exeunt with
//! `default-features = false` and keep the calls in its release build. Unless the environment
//! variable `EXEUNT_PROBE` names a file, each call does nothing. Otherwise each appends one record
//! to that file with one `writev(2)` on an `O_APPEND` descriptor, without allocating and without
//! taking a lock, so that [`mark`] may be called from a signal handler.
//!
//! A program in any language makes a mark by appending its own line to that file:
//!
//! ```sh
//! echo "lock released" >> "$EXEUNT_PROBE"
//! ```
//!
//! # The mark file
//!
//! A sequence of records, each complete in one write:
//!
//! - a **line**: any bytes but `0x1E`, ended by a newline. The label is the line without its
//!   newline (and without a carriage return before it).
//! - a **framed record**, made by this module: the byte `0x1E`, then in ASCII, separated by single
//!   spaces, the kind (one letter), the time in nanoseconds on `CLOCK_MONOTONIC`, the process id,
//!   the thread id and the length of the label in bytes; then a space, the label (any bytes), and
//!   a newline.
//!
//! The kinds are `M` (a mark), `A` (a drop guard was armed), `D` (it was dropped), `U` (it was
//! dropped while the thread was unwinding) and `H` (an exit hook ran). `P` is an `A` that says where: the
//! place, as `file:line`, and a zero byte stand before the label, and the length is that of all three.
//!
//! A reader takes a record of a kind that it does not know for lines, so that new kinds are no reason to
//! fail.

pub(crate) mod record;

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

use crate::sys::raw;
use record::Kind;

/// Makes a mark: a record that this line was reached, with the time, the process and the thread.
///
/// The label may hold any bytes. Does nothing unless `EXEUNT_PROBE` names a file. May be called
/// from a signal handler.
///
/// ```
/// exeunt::probe::mark("lock released");
/// ```
pub fn mark(label: impl AsRef<[u8]>) {
    record::write(Kind::Mark, label.as_ref());
}

/// Arms a guard that records its own drop, the way a `finally` block would.
///
/// `exeunt` then tells a guard that was dropped from one that was skipped by `exit`, `_exit`, an
/// abort or a signal, and where that one was armed.
///
/// ```
/// let _guard = exeunt::probe::on_drop("connection closed");
/// ```
#[must_use = "a guard that is not bound to a name is dropped at once"]
#[track_caller]
pub fn on_drop(label: impl Into<Cow<'static, str>>) -> OnDrop {
    let label = label.into();
    record::write_armed(label.as_bytes(), Location::caller());
    OnDrop { label }
}

/// The guard that [`on_drop`] arms.
pub struct OnDrop {
    label: Cow<'static, str>,
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        let kind = if std::thread::panicking() { Kind::DroppedUnwinding } else { Kind::Dropped };
        record::write(kind, self.label.as_bytes());
    }
}

impl fmt::Debug for OnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnDrop").field(&self.label).finish()
    }
}

/// Registers an exit hook (`atexit(3)`) that makes a mark when it runs.
///
/// Exit hooks run when the process returns from `main` or calls `exit`, the last registered first;
/// `_exit`, an abort and a signal skip them. Does nothing unless `EXEUNT_PROBE` names a file. The
/// label is kept until the process ends. A fork has the hook too, and makes no mark by it: the mark
/// says that the process that registered the hook left so.
///
/// ```
/// exeunt::probe::at_exit("hooks ran");
/// ```
pub fn at_exit(label: impl Into<Cow<'static, str>>) {
    extern "C" fn hook(registered: &'static (i32, Cow<'static, str>)) {
        let (process, label) = registered;
        if *process == raw::process_id() {
            record::write(Kind::Hook, label.as_bytes());
        }
    }
    if raw::probe_is_listening() {
        raw::call_at_exit(hook, Box::leak(Box::new((raw::process_id(), label.into()))));
    }
}
