//! Where the kernel has no subreaper, no pidfd and no signal sets in `/proc`, nothing is started:
//! a promise that cannot be kept is refused.

use std::process::ExitCode;

use crate::error::{Error, Kind};
use crate::exit::Exit;
use crate::sys::function::{Address, Trampoline};

/// Never made here.
#[derive(Debug)]
pub(crate) enum Forked {}

fn refused() -> Error {
    Error::new(Kind::Unsupported(format!(
        "exeunt starts targets on Linux only so far; on {} it compiles, and `exeunt::probe` works",
        std::env::consts::OS
    )))
}

pub(crate) fn function_by_address(_: Trampoline) -> Result<Address, Error> {
    Err(refused())
}

pub(crate) fn fork_now(f: impl FnOnce() -> ExitCode) -> Result<Forked, Error> {
    drop(f);
    Err(refused())
}

pub(crate) fn run() -> Result<Exit, Error> {
    Err(refused())
}
