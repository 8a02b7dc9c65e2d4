//! Gates on what the target writes and marks: `Ready::{stdout, stderr, mark, delay}`, `and`, `or`.

use std::io::Write;

use exeunt::prelude::*;

use crate::support::{fails_at_a_deadline, fails_with};
use crate::{ready_at, sent};

/// How long a gate is watched that must stay shut.
const SHUT: std::time::Duration = ms(250);

/// A shell that does this and then stays.
fn shell(script: &str) -> ExitTest {
    program("sh").args(["-c", &format!("{script}; exec sleep 1000")])
}

/// The gate opens for the target, and the signal behind it is delivered.
#[track_caller]
fn opens(script: &str, gate: Ready) {
    shell(script).signal_when(SIGTERM, gate).killed_by(SIGTERM);
}

/// The gate stays shut until the deadline, and the failure names it.
#[track_caller]
fn stays_shut(script: &str, gate: Ready) {
    let name = format!("not reached: SIGTERM (15) when {gate:?}").replace("Ready(", "");
    let name = name.strip_suffix(')').unwrap();
    let plan = shell(script).signal_when(SIGTERM, gate).timeout(SHUT);
    fails_with(|| plan.killed_by(SIGTERM), &[name, "because: the deadline came before"]);
}

const MARK_A: &str = r#"echo a >> "$EXEUNT_PROBE""#;
const MARK_B: &str = r#"echo b >> "$EXEUNT_PROBE""#;

#[test]
fn a_text_opens_the_gate_of_its_stream_only() {
    opens("echo now listening on 8080", Ready::stdout("listening"));
    opens("printf 'no newline'", Ready::stdout("newline"));
    opens("echo now listening >&2", Ready::stderr("listening"));
    stays_shut("echo listening", Ready::stderr("listening"));
    stays_shut("echo listening >&2", Ready::stdout("listening"));
    stays_shut("echo Listening", Ready::stdout("listening"));
}

#[test]
fn a_predicate_is_asked_for_complete_lines() {
    let port = || predicate::str::is_match(r"^on \d+$").unwrap();
    opens("echo listening; echo on 8080", Ready::stdout(port()));
    opens(r"printf 'on 8080\r\n'", Ready::stdout(port()));
    opens("echo on 8080 >&2", Ready::stderr(port()));
    // The line is not complete, and may go on.
    stays_shut("printf 'on 8080'", Ready::stdout(port()));
    stays_shut("echo listening on 8080", Ready::stdout(port()));
}

#[test]
fn a_mark_opens_by_its_whole_label_and_nothing_else_does() {
    opens(MARK_A, Ready::mark("a"));
    opens(MARK_A, Ready::mark(predicate::str::starts_with("a")));
    stays_shut(MARK_A, Ready::mark("b"));
    stays_shut("echo a", Ready::mark("a"));
    stays_shut(r#"echo all of it >> "$EXEUNT_PROBE""#, Ready::mark("all"));
    // A line that is not complete is no mark yet.
    stays_shut(r#"printf a >> "$EXEUNT_PROBE""#, Ready::mark("a"));
}

#[test]
fn a_delay_opens_after_its_time_from_the_step_before() {
    let exit = shell(":").ready_when(Ready::delay(ms(80))).signal_when(SIGTERM, Ready::delay(ms(80)));
    let exit = exit.killed_by(SIGTERM);
    assert!(ready_at(&exit).unwrap() >= ms(80));
    assert!(sent(&exit)[0] >= ready_at(&exit).unwrap() + ms(80));
    stays_shut(":", Ready::delay(secs(1000)));
}

#[test]
fn text_that_arrives_in_pieces_opens_its_gate() {
    let bytewise = || {
        assert_exit(|| {
            for byte in b"now listening on 8080\n" {
                // Each byte is a write of its own, and the harness has the time to see it alone.
                std::io::stdout().write_all(&[*byte]).unwrap();
                std::io::stdout().flush().unwrap();
                std::thread::sleep(ms(2));
            }
            loop {
                std::thread::park();
            }
        })
    };
    bytewise().signal_when(SIGTERM, Ready::stdout("listening")).killed_by(SIGTERM);
    let line = || predicate::eq("now listening on 8080");
    bytewise().signal_when(SIGTERM, Ready::stdout(line())).killed_by(SIGTERM);
    let plan = bytewise().signal_when(SIGTERM, Ready::stdout("listening in")).timeout(ms(500));
    fails_with(
        || plan.killed_by(SIGTERM),
        &["not reached: SIGTERM (15) when stdout contains \"listening in\""],
    );
}

#[test]
fn text_whose_second_half_comes_only_after_a_step_opens_its_gate() {
    // The first half was read when SIGUSR1 was sent: the second comes by that only.
    let script =
        "trap 'printf ning' USR1; printf liste; printf half >&2; while :; do sleep 1000 & wait; done";
    let plan = || program("sh").args(["-c", script]).signal_when(SIGUSR1, Ready::stderr("half"));
    plan().signal_when(SIGTERM, Ready::stdout("listening")).killed_by(SIGTERM).stdout("listening");
    let without = program("sh").args(["-c", script]).signal_when(SIGTERM, Ready::stdout("listening"));
    fails_with(|| without.timeout(SHUT).killed_by(SIGTERM), &["stdout contains \"listening\""]);
}

#[test]
fn two_gates_on_the_same_text_see_successive_occurrences() {
    let two = |gate: fn() -> Ready| {
        move |plan: ExitTest| plan.signal_when(SIGCONT, gate()).signal_when(SIGTERM, gate())
    };
    type Gate = fn() -> Ready;
    let cases: [(Gate, &str, &str); 3] = [
        (|| Ready::stdout("tick"), "echo tick", "SIGTERM (15) when stdout contains \"tick\""),
        (|| Ready::stderr(predicate::eq("tick")), "echo tick >&2", "SIGTERM (15) when a line of stderr"),
        (|| Ready::mark("a"), MARK_A, "SIGTERM (15) when the mark \"a\" was made"),
    ];
    for (gate, once, name) in cases {
        // Both may be there before the first gate is asked.
        let exit = two(gate)(shell(&format!("{once}; {once}"))).killed_by(SIGTERM);
        assert_eq!(sent(&exit).len(), 2);
        let plan = || two(gate)(shell(once));
        fails_at_a_deadline(
            |deadline| plan().timeout(deadline).killed_by(SIGTERM),
            "SIGCONT (18) sent",
            &["not reached", name],
        );
    }
    two(|| Ready::stdout("tick"))(shell("printf ticktick")).killed_by(SIGTERM);
    // Occurrences do not overlap.
    let plan = || two(|| Ready::stdout("aa"))(shell("printf aaa"));
    fails_at_a_deadline(
        |deadline| plan().timeout(deadline).killed_by(SIGTERM),
        "SIGCONT (18) sent",
        &["SIGTERM (15) when stdout contains \"aa\""],
    );
}

#[test]
fn a_gate_uses_up_what_came_before_its_text_too() {
    let plan = |second: &str| {
        shell("echo one; echo two; echo three")
            .signal_when(SIGCONT, Ready::stdout("two"))
            .signal_when(SIGTERM, Ready::stdout(second.to_owned()))
    };
    plan("three").killed_by(SIGTERM);
    fails_at_a_deadline(
        |deadline| plan("one").timeout(deadline).killed_by(SIGTERM),
        "SIGCONT (18) sent",
        &["SIGTERM (15) when stdout contains \"one\""],
    );
}

#[test]
fn and_wants_both_in_whatever_order() {
    let both = || Ready::stdout("one").and(Ready::mark("a"));
    opens(&format!("echo one; {MARK_A}"), both());
    opens(&format!("{MARK_A}; echo one"), both());
    stays_shut("echo one", both());
    stays_shut(MARK_A, both());
    // Parts of one stream in any order too, and both within the same text.
    opens("echo two; echo one", Ready::stdout("one").and(Ready::stdout("two")));
    opens("echo one", Ready::stdout("one").and(Ready::stdout("on")));
}

#[test]
fn or_wants_one_of_them() {
    let either = || Ready::stdout("one").or(Ready::mark("a"));
    opens("echo one", either());
    opens(MARK_A, either());
    stays_shut(&format!("echo two; {MARK_B}"), either());
}

#[test]
fn combinations_nest_and_are_named_whole() {
    let gate = || (Ready::stdout("one").or(Ready::stderr("two"))).and(Ready::mark("a").or(Ready::mark("b")));
    opens(&format!("echo two >&2; {MARK_B}"), gate());
    opens(&format!("{MARK_A}; echo one"), gate());
    stays_shut("echo one; echo two >&2", gate());
    let plan = shell("echo one").ready_when(gate()).timeout(SHUT);
    fails_with(
        || plan.success(),
        &["not reached: readiness (((stdout contains \"one\" or stderr contains \"two\") and \
           (the mark \"a\" was made or the mark \"b\" was made)))"],
    );
}

#[test]
fn a_gate_that_never_opens_fails_at_the_deadline_naming_the_gate() {
    let plan = || shell("echo almost").ready_when(Ready::stdout("ready"));
    fails_at_a_deadline(
        |deadline| plan().timeout(deadline).timed_out(),
        "stdout: almost",
        &["not reached: readiness (stdout contains \"ready\")", "the deadline came before"],
    );
    // The harness ended it: what it knows of the end is not hidden.
    let error = plan().timeout(SHUT).run().unwrap_err();
    assert!(matches!(error.exit().unwrap().ending(), Ending::TimedOut { .. }));
    shell("echo ready").ready_when(Ready::stdout("ready")).timeout(secs(20)).still_running_after(ms(1));
}

#[test]
fn a_gate_on_no_text_is_refused() {
    for gate in [Ready::stdout(""), Ready::stderr(String::new()), Ready::mark("a").or(Ready::stdout(""))] {
        let plan = shell(":").ready_when(gate);
        fails_with(|| plan.timed_out(), &["needs a text: an empty one is everywhere"]);
    }
}

#[test]
fn a_text_gate_is_found_after_very_much_output() {
    let script = "head -c 40000000 /dev/zero; echo ready";
    let plan = || shell(script).capture_limit(1024).timeout(secs(60));
    plan().signal_when(SIGTERM, Ready::stdout("ready")).killed_by(SIGTERM);
}
