//! The ways in which Rust programs take a signal: signal-hook, ctrlc, tokio.

use std::hint::black_box;
use std::io::Write;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use exeunt::prelude::*;

use crate::{LEFT, WORDS, is_always_handled, is_killed_at_work};

/// What a program does before it arranges for its signals; `forever`, it never gets beyond that.
#[expect(clippy::print_stdout, reason = "the tests wait for what it says")]
fn work(forever: bool) {
    println!("at work");
    let _ = std::io::stdout().flush();
    loop {
        black_box((0..200_000_u64).fold(0, |sum, number| black_box(sum ^ number)));
        if !forever {
            return;
        }
    }
}

#[expect(clippy::print_stdout, reason = "it is the evidence that the signal was handled")]
fn leave() -> ! {
    println!("{WORDS}");
    exit(LEFT)
}

fn with_signal_hooks_flag(forever: bool) {
    work(forever);
    let told = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&told)).expect("a handler");
    while !told.load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
    leave()
}

fn with_signal_hooks_iterator(forever: bool) {
    work(forever);
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM]).expect("a handler");
    if signals.forever().next().is_some() {
        leave()
    }
}

fn with_ctrlc(forever: bool) {
    work(forever);
    let (teller, told) = mpsc::channel();
    ctrlc::set_handler(move || teller.send(()).expect("somebody listens")).expect("a handler");
    if told.recv().is_ok() {
        leave()
    }
}

fn with_tokio(forever: bool) {
    work(forever);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let told = runtime.block_on(async {
        let kind = tokio::signal::unix::SignalKind::terminate();
        tokio::signal::unix::signal(kind).expect("a handler").recv().await
    });
    if told.is_some() {
        leave()
    }
}

#[test]
fn signal_hooks_flag_is_set_in_every_run() {
    let plan = |forever| assert_exit_with(forever, with_signal_hooks_flag);
    is_always_handled(SIGTERM, || Ready::handler(SIGTERM), || plan(false));
    is_killed_at_work(SIGTERM, plan(true));
}

#[test]
fn signal_hooks_iterator_yields_it_in_every_run() {
    let plan = |forever| assert_exit_with(forever, with_signal_hooks_iterator);
    is_always_handled(SIGTERM, || Ready::handler(SIGTERM), || plan(false));
    is_killed_at_work(SIGTERM, plan(true));
}

#[test]
fn ctrlcs_closure_is_called_in_every_run() {
    let plan = |forever| assert_exit_with(forever, with_ctrlc);
    is_always_handled(SIGINT, || Ready::handler(SIGINT), || plan(false));
    is_killed_at_work(SIGINT, plan(true));
}

#[test]
fn tokios_signal_stream_yields_it_in_every_run() {
    let plan = |forever| assert_exit_with(forever, with_tokio);
    // What comes between the handler and the stream that listens, nobody is told of.
    let listens = || Ready::handler(SIGTERM).and(Ready::idle());
    is_always_handled(SIGTERM, listens, || plan(false));
    is_killed_at_work(SIGTERM, plan(true));
}
