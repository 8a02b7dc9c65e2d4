//! Output compared with what is expected of it: `None` where it holds.

use predicates_core::Predicate;

use crate::evidence;
use crate::exit::Exit;
use crate::report::{self, Mismatch};
use crate::stream::Captured;

/// A stream is as a predicate says, and all of it was kept.
pub(super) fn stream(name: &str, captured: &Captured, predicate: &dyn Predicate<[u8]>) -> Option<Mismatch> {
    if captured.left_out() > 0 {
        let expected = report::stream_expectation(name, predicate, None);
        return Some(Mismatch::new(expected).and(report::not_kept(captured.left_out())));
    }
    let bytes = captured.kept();
    (!predicate.eval(&bytes))
        .then(|| Mismatch::new(report::stream_expectation(name, predicate, Some(&bytes))))
}

/// A stream that there was not: at a terminal both are one.
pub(super) fn one_stream(name: &str, predicate: &dyn Predicate<[u8]>) -> Mismatch {
    Mismatch::new(report::stream_expectation(name, predicate, None)).and(report::one_stream())
}

/// A text is on one of the streams.
pub(super) fn flushed(exit: &Exit, text: &str) -> Option<Mismatch> {
    let (found, not_kept) = evidence::of_output(exit, text);
    let mismatch = Mismatch::new(format!("{text:?} is flushed to stdout or stderr"));
    if text.is_empty() {
        return Some(mismatch.and(report::empty("text")));
    }
    found.is_empty().then(|| {
        mismatch.and_if(not_kept > 0, || report::not_kept(not_kept)).and_all(report::never_flushed(exit))
    })
}

/// A text is on neither of them.
pub(super) fn not_flushed(exit: &Exit, text: &str) -> Option<Mismatch> {
    let (found, not_kept) = evidence::of_output(exit, text);
    let mismatch = Mismatch::new(format!("{text:?} is flushed neither to stdout nor to stderr"));
    if text.is_empty() {
        return Some(mismatch.and(report::empty("text")));
    }
    let places: Vec<String> = found.iter().map(ToString::to_string).collect();
    (!places.is_empty() || not_kept > 0).then(|| {
        mismatch
            .and_if(!places.is_empty(), || format!("it is on {}", places.join(" and ")))
            .and_if(not_kept > 0, || report::not_kept(not_kept))
    })
}
