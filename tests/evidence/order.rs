//! `cleanup_order`: what ran in which order, and the difference where it was another.

use exeunt::prelude::*;

use crate::support::{fails_with, report_of};

fn marks(labels: &'static str) -> Exit {
    assert_exit_with(labels.to_owned(), |labels: String| {
        for label in labels.split(' ') {
            probe::mark(label);
        }
    })
    .returned()
}

#[test]
fn marks_in_the_order_that_is_expected_may_have_others_between_them() {
    marks("a x b y c").cleanup_order(["a", "b", "c"]).cleanup_order(["x", "c"]).cleanup_order(["b"]);
    fails_with(
        || marks("a x c y b").cleanup_order(["a", "b", "c"]),
        &[
            "expected: the clean-up runs in this order: \"a\", \"b\", \"c\"",
            "the marks say otherwise (- expected, + seen):",
            "  \"a\"\n            - \"b\"\n              \"c\"\n            + \"b\"\n",
        ],
    );
}

#[test]
fn a_label_that_comes_again_later_is_another_order_and_one_that_comes_in_a_row_is_not() {
    marks("a a b b b c").cleanup_order(["a", "b", "c"]).cleanup_order(["a", "a", "b", "c"]);
    marks("a b a").cleanup_order(["a", "b", "a"]);
    fails_with(
        || marks("a b a").cleanup_order(["a", "b"]),
        &["  \"a\"\n              \"b\"\n            + \"a\"\n"],
    );
    fails_with(
        || marks("a b").cleanup_order(["a", "a", "b"]),
        &["- \"a\" (2 times)\n            + \"a\"\n              \"b\"\n"],
    );
}

#[test]
fn what_did_not_run_is_named() {
    fails_with(
        || marks("a c").cleanup_order(["a", "b", "c"]),
        &["  \"a\"\n            - \"b\"\n              \"c\"\n", "there is no evidence that \"b\" ran"],
    );
    fails_with(
        || assert_exit(|| ()).cleanup_order(["a", "b"]),
        &["there is no evidence that \"a\" and \"b\" ran"],
    );
}

#[test]
fn lines_of_one_stream_have_an_order_and_lines_of_two_have_none() {
    let shell = |script: &str| program("sh").args(["-c", script]).success();
    let exit = shell("echo 1 lock released; echo 2 socket closed").cleanup_order(["lock", "socket"]);
    fails_with(|| exit.cleanup_order(["socket", "lock"]), &["stdout says otherwise", "+ \"socket\""]);
    let exit = shell("echo lock released and socket closed >&2").cleanup_order(["lock", "socket"]);
    fails_with(|| exit.cleanup_order(["socket", "lock"]), &["stderr says otherwise"]);
    fails_with(
        || shell("echo lock released; echo socket closed >&2").cleanup_order(["lock", "socket"]),
        &["they are told in different places", "let all of them be marks"],
    );
    fails_with(
        || shell("echo lock released; echo socket >> \"$EXEUNT_PROBE\"").cleanup_order(["lock", "socket"]),
        &["they are told in different places"],
    );
    fails_with(
        || {
            program("sh")
                .args(["-c", "echo lock; yes other | head -n 1000; echo socket"])
                .capture_limit(200)
                .cleanup_order(["lock", "socket"])
        },
        &["of the output were not kept, so this cannot be known"],
    );
}

#[test]
fn one_place_in_a_line_counts_for_one_label() {
    let line = |text: &str| program("echo").arg(text).success();
    // A label that is a part of another one is not seen where that is.
    let exit = line("lock released");
    fails_with(
        || exit.clone().cleanup_order(["lock", "lock released"]),
        &["- \"lock\"", "  \"lock released\""],
    );
    fails_with(|| exit.cleanup_order(["lock released", "lock"]), &["- \"lock\""]);
    line("lock, lock released").cleanup_order(["lock", "lock released"]);
    line("lock released, lock").cleanup_order(["lock released", "lock"]);
    // One that comes again is seen again.
    fails_with(|| line("a b a").cleanup_order(["a", "b"]), &["+ \"a\""]);
    line("a b a").cleanup_order(["a", "b", "a"]);
    // However often.
    line(&"a".repeat(100_000)).cleanup_order(["a"]);
    fails_with(|| line(&"a".repeat(100_000)).cleanup_order(["a", "b"]), &["- \"b\""]);
}

#[test]
fn what_came_before_the_signal_is_in_no_order() {
    let plan = |first: &str| {
        let script = format!(
            "trap 'echo lock; echo socket; exit 0' TERM; {first}; echo up; while :; do sleep 0.01; done"
        );
        program("sh")
            .args(["-c", &script])
            .ready_when(Ready::stdout("up"))
            .signal_after(SIGTERM, ms(0))
            .code(0)
    };
    plan("echo socket").cleanup_order(["lock", "socket"]);
    fails_with(
        || plan("echo file").cleanup_order(["file", "lock"]),
        &["there is no evidence after SIGTERM (15) was sent that \"file\" ran"],
    );
}

#[test]
fn hooks_guards_and_marks_are_in_one_order_and_armed_guards_in_none() {
    let exit = assert_exit(|| {
        probe::at_exit("first hook");
        probe::at_exit("second hook");
        let _first = probe::on_drop("first guard");
        let _second = probe::on_drop("second guard");
        probe::mark("body");
    });
    let exit =
        exit.cleanup_order(["body", "second guard", "first guard", "second hook", "first hook"]).returned();
    fails_with(|| exit.cleanup_order(["first guard", "second guard"]), &["+ \"first guard\""]);
}

#[test]
fn a_long_order_is_compared_in_full_and_shown_in_part() {
    let exit = assert_exit(|| {
        for number in 0..20_000 {
            probe::mark(if number % 2 == 0 { "a" } else { "b" });
        }
    });
    let report = report_of(|| exit.returned().cleanup_order(["b", "a"]));
    assert!(report.contains("… 19800 more …"), "{report}");
}
