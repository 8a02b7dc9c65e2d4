//! What a run left on the system, compared with what is expected: `None` where it holds.

use std::net::SocketAddr;
use std::path::Path;

use predicates_core::Predicate;

use crate::exit::Exit;
use crate::report::{self, Mismatch};
use crate::traces::{Appeared, Found, Held, PathTrace};

/// It was there, and is not any more.
pub(super) fn removed(exit: &Exit, path: &Path) -> Option<Mismatch> {
    let expected = || Mismatch::new(format!("{} is removed", report::at_path(path)));
    let Some(trace) = exit.traces.of(path) else { return Some(not_watched(expected(), path)) };
    if trace.after.is_none() && trace.existed() {
        return None;
    }
    Some(expected().and(report::fate(trace)))
}

/// It is there.
pub(super) fn left(exit: &Exit, path: &Path) -> Option<Mismatch> {
    let expected = || Mismatch::new(format!("{} is left", report::at_path(path)));
    let Some(trace) = exit.traces.of(path) else { return Some(not_watched(expected(), path)) };
    let known = trace.after.as_ref().is_some_and(|found| *found != Found::Unknown);
    (!known).then(|| expected().and(report::fate(trace)))
}

/// It is not there, or whole.
pub(super) fn whole_or_absent(exit: &Exit, path: &Path, whole: &dyn Predicate<[u8]>) -> Option<Mismatch> {
    let expected = |bytes: Option<&[u8]>| {
        Mismatch::new(format!(
            "absent, or whole, {}",
            report::stream_expectation(&report::at_path(path), whole, bytes)
        ))
    };
    let Some(trace) = exit.traces.of(path) else { return Some(not_watched(expected(None), path)) };
    match &trace.after {
        None => None,
        Some(Found::File { content: Some(content), .. }) => {
            let bytes = &content.0;
            let mismatch = || expected(Some(bytes)).and(report::fate(trace)).and(report::content(bytes));
            (!whole.eval(bytes)).then(mismatch)
        }
        Some(other) => Some(expected(None).and(report::content_not_known(other))),
    }
}

/// Nobody holds a lock on it.
pub(super) fn lock_free(exit: &Exit, path: &Path) -> Option<Mismatch> {
    let expected = || Mismatch::new(format!("{} is not locked", report::at_path(path)));
    held(exit, path, |trace| trace.locks.as_ref(), &expected, "holds a lock on it")
}

/// Nobody has it open.
pub(super) fn no_open_descriptors(exit: &Exit, path: &Path) -> Option<Mismatch> {
    let expected =
        || Mismatch::new(format!("no process that outlives the target has {} open", report::at_path(path)));
    held(exit, path, |trace| trace.descriptors.as_ref(), &expected, "has it open")
}

fn held(
    exit: &Exit,
    path: &Path,
    question: impl Fn(&PathTrace) -> Option<&Held>,
    expected: &dyn Fn() -> Mismatch,
    does: &str,
) -> Option<Mismatch> {
    let trace = exit.traces.of(path);
    let Some((trace, held)) = trace.and_then(|trace| Some((trace, question(trace)?))) else {
        return Some(not_watched(expected(), path));
    };
    // Whether what a broken link leads to ever was there is not known.
    if !trace.existed() || matches!(trace.after, Some(Found::Unknown | Found::BrokenLink)) {
        return Some(expected().and(report::fate(trace)));
    }
    let holds = held.by.is_empty() && held.hidden.is_empty();
    (!holds).then(|| expected().and_all(report::holders(held, does)))
}

/// Nobody listens there.
pub(super) fn port_free(exit: &Exit, addresses: &[SocketAddr]) -> Option<Mismatch> {
    let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let expected = || Mismatch::new(format!("nobody listens at {}", names.join(", ")));
    let Some(listeners) = &exit.traces.listeners else {
        return Some(expected().and(report::not_announced(".watch_ports()")));
    };
    let kept: Vec<_> = listeners
        .iter()
        .filter(|listener| addresses.iter().any(|address| listener.keeps(*address)))
        .collect();
    // Whoever asks for port 0 is given another.
    let no_port = addresses.iter().any(|address| address.port() == 0);
    if kept.is_empty() && !addresses.is_empty() && !no_port {
        return None;
    }
    Some(
        expected()
            .and_if(addresses.is_empty(), || "that is no address".to_owned())
            .and_if(no_port, || report::no_port().to_owned())
            .and_all(report::on_ports(&kept)),
    )
}

/// Temporary files were made, and none is left.
pub(super) fn no_temp_files_left(exit: &Exit) -> Option<Mismatch> {
    let expected = || Mismatch::new("no temporary file is left");
    let Some(files) = &exit.traces.temp_files else {
        return Some(expected().and(report::not_announced(".own_temp_dir()")));
    };
    let holds = files.used == Appeared::Yes && files.count == 0;
    (!holds).then(|| expected().and(report::temp_files(files)))
}

fn not_watched(mismatch: Mismatch, path: &Path) -> Mismatch {
    mismatch.and(report::not_announced(&format!(".watch({path:?})")))
}
