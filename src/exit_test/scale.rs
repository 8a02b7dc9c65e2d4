//! How long things may take: `EXEUNT_TIMEOUT_SCALE`.

use std::time::Duration;

use crate::error::Error;

/// No run is given longer than this; a longer time could not be added to a clock.
pub(super) const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A duration times `EXEUNT_TIMEOUT_SCALE`.
pub(crate) fn scaled(duration: Duration) -> Duration {
    timeout_scale().map_or(duration, |scale| {
        Duration::try_from_secs_f64(duration.as_secs_f64() * scale).unwrap_or(LONGEST_TIMEOUT)
    })
}

/// `EXEUNT_TIMEOUT_SCALE`, where it is set to a number above zero.
fn timeout_scale() -> Option<f64> {
    let text = std::env::var("EXEUNT_TIMEOUT_SCALE").ok()?;
    text.trim().parse().ok().filter(|scale: &f64| scale.is_finite() && *scale > 0.0)
}

/// Says what is wrong with `EXEUNT_TIMEOUT_SCALE`, if anything.
pub(super) fn check_timeout_scale() -> Result<(), Error> {
    match std::env::var_os("EXEUNT_TIMEOUT_SCALE") {
        Some(text) if !text.is_empty() && timeout_scale().is_none() => Err(Error::bad_input(format!(
            "EXEUNT_TIMEOUT_SCALE must be a number above zero, such as 10 or 0.5; it is {text:?}"
        ))),
        _ => Ok(()),
    }
}
