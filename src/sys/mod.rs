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
pub(crate) mod ctor;
#[cfg(feature = "harness")]
pub(crate) mod disposition;
#[cfg(feature = "harness")]
pub(crate) mod env;
#[cfg(feature = "harness")]
pub(crate) mod fd;
#[cfg(feature = "harness")]
pub(crate) mod fork;
#[cfg(feature = "harness")]
pub(crate) mod function;
#[cfg(feature = "harness")]
pub(crate) mod notify;
#[cfg(feature = "harness")]
pub(crate) mod overflow;
#[cfg(feature = "harness")]
pub(crate) mod page;
#[cfg(feature = "harness")]
pub(crate) mod pidfd;
#[cfg(feature = "harness")]
pub(crate) mod poll;
#[cfg(feature = "harness")]
pub(crate) mod proc;
#[cfg(feature = "harness")]
pub(crate) mod signals;
#[cfg(feature = "harness")]
pub(crate) mod socket;
#[cfg(feature = "harness")]
pub(crate) mod tally;
#[cfg(feature = "harness")]
pub(crate) mod threads;
#[cfg(feature = "harness")]
pub(crate) mod wait;
