//! exeunt asserts **how a process ends**: its exit code or signal, what it flushed, which clean-up
//! and which drops ran, and what it left behind.
#![deny(unsafe_code)]

pub mod probe;
mod sys;

#[cfg(feature = "harness")]
mod assert;
#[cfg(feature = "harness")]
mod error;
#[cfg(feature = "harness")]
mod evidence;
#[cfg(feature = "harness")]
mod exit;
#[cfg(feature = "harness")]
mod exit_test;
#[cfg(feature = "harness")]
mod isolated;
#[cfg(feature = "harness")]
mod launch;
#[cfg(feature = "harness")]
mod observe;
#[cfg(feature = "harness")]
mod report;
#[cfg(feature = "harness")]
mod script;
#[cfg(feature = "harness")]
pub mod signal;
#[cfg(feature = "harness")]
mod stream;

#[cfg(feature = "harness")]
pub use crate::{
    assert::ExitAssert,
    error::Error,
    exit::{
        Disposition, Ending, Event, Exit, How, Leftover, Mark, MarkKind, Stuck, StuckThread, Usage, What,
    },
    exit_test::{ExitTest, assert_exit, assert_exit_forked, assert_exit_with, cargo_bin, program},
    script::{IntoTextMatch, PlainText, Ready, Sight, TextMatch, TextPredicate},
    signal::Signal,
};

/// For the macros.
#[cfg(feature = "harness")]
#[doc(hidden)]
pub mod __private {
    pub use crate::isolated::isolated;
    pub use rusty_fork::rusty_fork_id;

    /// The plan behind `cargo_bin!`.
    pub fn cargo_bin_at(name: &str, known_path: Option<&str>) -> crate::ExitTest {
        crate::ExitTest::cargo_bin_at(name.to_owned(), known_path.map(std::path::PathBuf::from))
    }
}

/// A program of this package that cargo built, by name.
///
/// In integration tests and benchmarks cargo tells the path at compile time; elsewhere the program
/// is looked for where cargo leaves what it builds, as [`cargo_bin`](crate::cargo_bin()) does.
///
/// ```no_run
/// use exeunt::prelude::*;
///
/// cargo_bin!("server").arg("--version").success();
/// ```
#[cfg(feature = "harness")]
#[macro_export]
macro_rules! cargo_bin {
    ($name:literal) => {
        $crate::__private::cargo_bin_at($name, ::core::option_env!(::core::concat!("CARGO_BIN_EXE_", $name)))
    };
}

/// All names that a test needs.
#[cfg(feature = "harness")]
pub mod prelude {
    pub use crate::signal::*;
    pub use crate::{
        Ending, Error, Exit, ExitAssert, ExitTest, How, Ready, Signal, assert_exit, assert_exit_forked,
        assert_exit_with, cargo_bin, isolated, probe, program,
    };
    pub use predicates::prelude::*;

    use std::time::Duration;

    /// Milliseconds.
    #[must_use]
    pub const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Seconds.
    #[must_use]
    pub const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
