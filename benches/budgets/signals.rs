//! How punctual a script is, and how soon an end is noticed.

use std::time::Duration;

use exeunt::prelude::*;
use exeunt::{Event, What};

use crate::clock;
use crate::measure::{Contender, Pace, Samples, in_turn};
use crate::support::roles::Busy;
use crate::table::{Budget, Row};

extern "C" fn handle(_: libc::c_int) {
    probe::mark("handled");
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(0) }
}

/// Marks when it is ready and when its handler runs.
fn wait_for_sigterm() {
    let handler = handle as extern "C" fn(libc::c_int);
    // SAFETY: the handler calls nothing that is not async-signal-safe.
    unsafe { libc::signal(libc::SIGTERM, handler as libc::sighandler_t) };
    probe::mark("ready");
    loop {
        // SAFETY: no preconditions.
        unsafe { libc::pause() };
    }
}

/// How long after the moment it was asked for a signal was sent, and how long until the handler ran.
fn delivery(delay: Duration) -> (Duration, Duration) {
    let exit =
        assert_exit(wait_for_sigterm).ready_when(Ready::mark("ready")).signal_after(SIGTERM, delay).code(0);
    let at = |wanted: fn(&What) -> bool| {
        let event = exit.timeline().iter().find(|event: &&Event| wanted(&event.what));
        event.expect("the script was carried out").at
    };
    let ready = at(|what| matches!(what, What::Ready { .. }));
    let sent = at(|what| matches!(what, What::Delivered { .. }));
    let handled = exit.marks().iter().find(|mark| mark.label() == "handled").and_then(|mark| mark.at());
    let due = ready + delay;
    // The clock is one and the same; a signal that came early would panic here.
    let late = |at: Duration| at.checked_sub(due).expect("no signal comes before its time");
    (late(sent), late(handled.expect("the handler marks")))
}

pub(crate) fn signals(quick: bool) -> Vec<Row> {
    let plan: &[(u64, usize)] =
        if quick { &[(1, 20), (10, 10)] } else { &[(1, 1000), (10, 500), (100, 200)] };
    let mut rows = Vec::new();
    for busy in [false, true] {
        let spinning = busy.then(Busy::everywhere);
        for (delay, count) in plan {
            let [mut sent, mut handled] = ["sent", "handled"].map(Samples::new);
            for _ in 0..*count {
                let (to_sent, to_handled) = delivery(ms(*delay));
                sent.add(to_sent);
                handled.add(to_handled);
            }
            let load = if busy { "every core busy" } else { "no load added" };
            let what = format!("`signal_after` {delay} ms, error at the handler, {load}");
            let row = Row::of("signals", what, &handled);
            rows.push(if busy {
                row
            } else {
                row.within(Budget::AtMost(1e6)).within(Budget::P99AtMost(5e6))
            });
            rows.push(Row::of("signals", "… of that until it was sent".to_owned(), &sent));
        }
        drop(spinning);
    }
    rows
}

/// Says the time and ends at once.
fn end_now() {
    let now = clock::now().as_nanos().to_string();
    // SAFETY: the buffer is live and as long as said.
    unsafe { libc::write(1, now.as_ptr().cast(), now.len()) };
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(0) }
}

/// From just before the target's `_exit` to the verdict in the test.
pub(crate) fn end(quick: bool) -> Vec<Row> {
    let exeunt = || {
        let exit = assert_exit(end_now).code(0);
        let verdict = clock::now();
        let ended: u64 = exit.stdout_text().parse().expect("the target says when");
        verdict - Duration::from_nanos(ended)
    };
    let bare = || {
        let shared = clock::Shared::new();
        // SAFETY: the child calls only what is async-signal-safe.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            shared.set(clock::now());
            // SAFETY: _exit has no preconditions.
            unsafe { libc::_exit(0) }
        }
        assert!(pid > 0, "fork: {}", std::io::Error::last_os_error());
        // SAFETY: the id is that of the child made above; no status is asked for.
        let reaped = unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
        let verdict = clock::now();
        assert_eq!(reaped, pid);
        verdict - shared.get()
    };
    let contenders =
        vec![Contender::timing_itself("bare fork", bare), Contender::timing_itself("exeunt", exeunt)];
    let samples = in_turn(if quick { 40 } else { 800 }, Pace::Rested, contenders);
    let what = "from the target's `_exit` to the verdict";
    vec![Row::of("end", what, &samples[1]).against(&samples[0]).within(Budget::AtMost(5e5))]
}
