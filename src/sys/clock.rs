//! The monotonic clock, which the test process, the launcher and the target share.

use std::time::Duration;

/// A point on `CLOCK_MONOTONIC`, in nanoseconds. Comparable between processes, unlike `Instant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    pub(crate) fn now() -> Self {
        Self(super::raw::monotonic_ns())
    }

    /// The time since `earlier`; zero where that is later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This moment and `duration`, the end of time where that would overflow.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}
