//! Every system call and every `unsafe` block of the crate, one file a topic.
//!
//! What flows in and out are owned descriptors, plain numbers and `io::Error`s; nothing here knows
//! what a run, a gate or an assertion is.
//!
//! # Safety
//!
//! The rest of the crate denies `unsafe_code`. Each block below does one operation and names the
//! invariant it rests on. Three facts carry most of them: the launcher and its supervisors have
//! one thread; what runs between `fork` and `exec` touches only memory prepared before; pages
//! shared with a target hold nothing but atomics and bytes.
#![expect(unsafe_code, reason = "this is the one module that may talk to the kernel")]

pub(crate) mod raw;

#[cfg(feature = "harness")]
pub(crate) mod clock;
#[cfg(feature = "harness")]
pub(crate) mod function;

#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod ctor;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod doorbell;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod env;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod exiting;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod fd;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod fork;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod holders;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod notify;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod overflow;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod page;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod pidfd;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod poll;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod pty;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod schedule;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod signals;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod socket;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod tally;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod threads;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod trace;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod wait;

// What gates ask; nothing asks elsewhere, for nothing is started there.
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod disposition;
#[cfg(all(feature = "harness", not(target_os = "linux")))]
mod elsewhere;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod idle;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod proc;
#[cfg(all(feature = "harness", target_os = "linux"))]
pub(crate) mod unix_sockets;
#[cfg(all(feature = "harness", not(target_os = "linux")))]
pub(crate) use elsewhere::{disposition, idle, proc, unix_sockets};
