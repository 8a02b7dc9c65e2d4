//! A body that panics: with a text or another payload, caught or not, with a hook of its own.

use std::panic::{self, AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::process::exit;

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};

/// The panic message, the location and the rest of how a function left.
fn panic_of(exit: &Exit) -> (&str, Option<&str>) {
    match exit.how() {
        Some(How::Panicked { message, location }) => (message, location.as_deref()),
        other => panic!("not a panic: {other:?}"),
    }
}

#[test]
fn a_panic_is_told_with_its_message_and_place() {
    let line = line!() + 1;
    let exit = assert_exit(|| panic!("{} is missing", "x.toml")).panicked_with("x.toml is missing").code(101);
    let (message, location) = panic_of(&exit);
    assert_eq!(message, "x.toml is missing");
    assert!(location.is_some_and(|place| place.starts_with(&format!("tests/body/panics.rs:{line}:"))));
    fails_with(|| exit.clone().panicked_with("y.toml"), &["a message that contains \"y.toml\"", "x.toml"]);
    fails_with(|| exit.clone().success(), &[&format!("panicked at tests/body/panics.rs:{line}:")]);
    fails_with(|| exit.returned(), &["the function panicked", "x.toml is missing"]);
}

#[test]
fn a_panic_prints_what_it_would_in_main() {
    let exit = assert_exit(|| panic!("printed")).env("RUST_BACKTRACE", "0").stdout("").stderr(
        predicate::str::starts_with("\nthread 'main' (")
            .and(predicate::str::contains(") panicked at tests/body/panics.rs:"))
            .and(predicate::str::ends_with(
                ":\nprinted\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
            )),
    );
    fails_with(|| exit.stderr(""), &["of stderr", "printed"]);
}

#[test]
fn a_backtrace_is_printed_where_it_is_asked_for() {
    assert_exit(|| panic!("traced"))
        .env("RUST_BACKTRACE", "1")
        .stderr(predicate::str::contains("stack backtrace:"))
        .stderr(predicate::str::contains("a_backtrace_is_printed_where_it_is_asked_for"));
    let plain = assert_exit(|| panic!("not traced")).env("RUST_BACKTRACE", "0");
    fails_with(|| plain.stderr(predicate::str::contains("stack backtrace:")), &["of stderr", "not traced"]);
}

#[test]
fn an_assertion_that_fails_in_the_child_is_reported_in_the_parent() {
    let line = line!() + 1;
    let report = report_of(|| assert_exit(|| assert_eq!(1 + 1, 3, "sums are off")).success());
    for text in [
        "expected: success (exit code 0)",
        "happened: exit code 101",
        &format!("the function panicked at tests/body/panics.rs:{line}:"),
        "assertion `left == right` failed: sums are off",
        "left: 2",
        "right: 3",
    ] {
        assert!(report.contains(text), "the report lacks {text:?}:\n{report}");
    }
    assert_exit(|| assert_eq!(1 + 1, 2, "sums are off")).success();
}

#[test]
fn the_librarys_own_panics_have_their_messages() {
    let exit = assert_exit(|| {
        let list = std::hint::black_box(vec![1]);
        std::hint::black_box(list[std::hint::black_box(7)]);
    })
    .panicked_with("index out of bounds: the len is 1 but the index is 7");
    fails_with(|| exit.panicked_with("overflow"), &["contains \"overflow\"", "index out of bounds"]);
    assert_exit(|| assert_eq!("x".parse::<u8>().unwrap(), 0)).panicked_with("InvalidDigit").code(101);
}

#[test]
fn a_payload_that_is_no_text_is_still_a_panic() {
    let exit = assert_exit(|| panic_any(42_u8)).panicked().code(101);
    let (message, location) = panic_of(&exit);
    assert_eq!(message, "Box<dyn Any>");
    assert!(location.is_some_and(|place| place.starts_with("tests/body/panics.rs:")));
    fails_with(|| exit.panicked_with("42"), &["contains \"42\"", "Box<dyn Any>"]);
}

#[test]
fn a_resumed_panic_keeps_its_text_and_prints_nothing() {
    let exit =
        assert_exit(|| resume_unwind(Box::new("resumed".to_owned()))).panicked_with("resumed").stderr("");
    assert_eq!(panic_of(&exit), ("resumed", None));
    fails_with(|| exit.exited_immediately(), &["the function panicked", "resumed"]);
}

#[test]
fn a_caught_panic_does_not_end_the_function() {
    let returned = assert_exit(|| drop(catch_unwind(|| panic!("caught")))).returned().success();
    fails_with(
        || returned.panicked(),
        &["expected: the function panics", "the function returned; before, it panicked at", "caught"],
    );
    let exited = assert_exit(|| {
        let _ = catch_unwind(|| panic!("caught"));
        exit(101)
    })
    .code(101);
    fails_with(|| exited.panicked(), &["the function called `exit`; before, it panicked at", "caught"]);
}

#[test]
fn the_panic_that_ends_the_function_is_the_one_that_is_told() {
    let exit = assert_exit(|| {
        let _ = catch_unwind(|| panic!("the first"));
        panic!("the second")
    })
    .panicked_with("the second");
    fails_with(|| exit.panicked_with("the first"), &["contains \"the first\"", "the second"]);

    let resumed = assert_exit(|| {
        let _ = catch_unwind(|| panic!("the first"));
        resume_unwind(Box::new("the second"))
    })
    .panicked_with("the second");
    // The place of the first one would be a wrong answer.
    assert_eq!(panic_of(&resumed), ("the second", None));

    let hooked = assert_exit(|| {
        let _ = catch_unwind(|| panic!("the first"));
        panic::set_hook(Box::new(|_| {}));
        panic!("the second")
    })
    .panicked_with("the second");
    assert_eq!(panic_of(&hooked), ("the second", None));

    let same = assert_exit(|| {
        let payload = catch_unwind(|| panic!("the first")).unwrap_err();
        resume_unwind(payload)
    })
    .panicked_with("the first");
    assert!(panic_of(&same).1.is_some(), "the place of a panic that is caught and resumed is known");
}

#[test]
fn a_panic_hook_of_the_functions_own_is_used() {
    let exit = assert_exit(|| {
        panic::set_hook(Box::new(|info| eprintln!("custom: {info}")));
        panic!("hooked")
    })
    .panicked_with("hooked")
    .code(101)
    .stderr(predicate::str::starts_with("custom: panicked at tests/body/panics.rs:"));
    fails_with(
        || exit.stderr(predicate::str::contains("RUST_BACKTRACE")),
        &["of stderr", "custom: panicked"],
    );

    let chained = assert_exit(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            eprintln!("custom");
            before(info);
        }));
        panic!("chained")
    })
    .panicked_with("chained")
    .stderr(predicate::str::starts_with("custom\n\nthread 'main' ("));
    assert!(panic_of(&chained).1.is_some());
}

#[test]
fn a_panic_hook_that_exits_is_an_exit() {
    let exit = assert_exit(|| {
        panic::set_hook(Box::new(|_| exit(9)));
        panic!("hooked")
    })
    .code(9)
    .hooks_ran();
    fails_with(|| exit.panicked(), &["happened: exit code 9", "the function called `exit`"]);
}

/// Panics when it is dropped.
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("in the drop");
    }
}

#[test]
fn a_panic_while_panicking_aborts() {
    let exit = assert_exit(|| {
        let _guard = PanicsWhenDropped;
        panic!("at first")
    })
    .env("RUST_BACKTRACE", "0")
    .aborted()
    .stderr(predicate::str::contains("at first"))
    .stderr(predicate::str::contains("in the drop"));
    fails_with(
        || exit.panicked(),
        &["expected: the function panics", "happened: killed by SIGABRT (6)", "in the drop"],
    );
    assert_exit(|| drop(PanicsWhenDropped)).panicked_with("in the drop").code(101);
}

#[test]
fn a_panic_that_may_not_unwind_aborts() {
    extern "C" fn called_from_c() {
        panic!("through C")
    }
    let exit = assert_exit(|| called_from_c()).aborted().stderr(predicate::str::contains("through C"));
    fails_with(|| exit.code(101), &["happened: killed by SIGABRT (6)"]);
}

#[test]
fn a_very_long_panic_message_is_cut_and_says_so() {
    let exit = assert_exit(|| panic!("{}", "x".repeat(100_000))).panicked_with("xxx").code(101);
    let (message, location) = panic_of(&exit);
    assert!(message.ends_with(" more bytes)"), "it ends with {:?}", &message[message.len() - 40..]);
    assert!(location.is_some());
    fails_with(|| exit.returned(), &["the function panicked", "xxx", " more bytes)"]);
}

#[test]
fn drops_run_while_a_panic_unwinds_and_not_on_exit() {
    let unwound = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        panic!("unwinds")
    })
    .panicked()
    .dropped("guard");
    fails_with(|| unwound.not_dropped("guard"), &["the guard \"guard\" is not dropped", "1 dropped"]);
    let exited = assert_exit(|| {
        let _guard = probe::on_drop("guard");
        let _ = catch_unwind(AssertUnwindSafe(|| exit(0)));
    })
    .not_dropped("guard");
    fails_with(|| exited.dropped("guard"), &["the guard \"guard\" is dropped", "0 dropped"]);
}

#[test]
fn an_empty_text_is_in_every_message_and_proves_nothing() {
    let exit = assert_exit(|| panic!("no such file")).panicked().panicked_with("file");
    fails_with(
        || exit.clone().panicked_with(""),
        &["an empty text is in every message", "ask for `panicked`"],
    );
    assert_exit(|| panic!("")).panicked_with(predicate::eq(""));
    fails_with(|| exit.panicked_with(predicate::eq("")), &["the function panics with a message"]);
}
