//! Gates combined by `and` and `or`, gates of one's own, and what is told of a gate that never opened:
//! how far each part of it had come.

use exeunt::prelude::*;

use crate::support::{fails_with, needs};
use crate::{LEFT, WORDS, is_always_handled, is_killed_at_work, runs, stays_closed};

/// A perl program that installs a handler for SIGTERM, works, and installs one for SIGHUP.
fn two_handlers() -> Option<ExitTest> {
    const SCRIPT: &str = r#"
        $| = 1;
        $SIG{TERM} = sub { print "left in order\n"; exit 7 };
        print "at work\n";
        do { $sum += $_ for 1 .. 100_000 } while (@ARGV && $ARGV[0] eq "forever");
        $SIG{HUP} = $SIG{TERM};
        print "arranged\n";
        1 while 1;
    "#;
    Some(program(needs("perl")?).args(["-e", SCRIPT]))
}

#[test]
fn both_handlers_are_waited_for_whichever_comes_first() {
    let Some(forever) = two_handlers() else { return };
    let plan = || two_handlers().expect("perl was there a moment ago");
    is_always_handled(SIGHUP, || Ready::handler(SIGTERM).and(Ready::handler(SIGHUP)), plan);
    is_always_handled(SIGHUP, || Ready::handler(SIGHUP).and(Ready::handler(SIGTERM)), plan);
    is_killed_at_work(SIGHUP, forever.arg("forever"));
}

#[test]
fn a_text_and_a_handler_are_both_waited_for() {
    let Some(_) = two_handlers() else { return };
    let plan = || two_handlers().expect("perl was there a moment ago");
    is_always_handled(SIGHUP, || Ready::stdout("at work").and(Ready::handler(SIGHUP)), plan);
    let forever = || plan().arg("forever").ready_when(Ready::stdout("at work").and(Ready::handler(SIGTERM)));
    fails_with(
        || forever().signal_after(SIGHUP, ms(0)).cleanup_ran(WORDS),
        &[
            "killed by SIGHUP (1)",
            "ready: (stdout contains \"at work\" and the target is ready to take SIGTERM (15))",
        ],
    );
}

#[test]
fn either_handler_will_do() {
    let Some(_) = two_handlers() else { return };
    let plan = || two_handlers().expect("perl was there a moment ago");
    is_always_handled(SIGTERM, || Ready::handler(SIGTERM).or(Ready::handler(SIGUSR1)), plan);
    is_always_handled(SIGTERM, || Ready::handler(SIGUSR1).or(Ready::handler(SIGTERM)), plan);
    stays_closed(
        plan,
        || Ready::handler(SIGUSR1).or(Ready::handler(SIGUSR2)),
        &[
            "gate: the target is ready to take SIGUSR1 (10): never installed",
            "gate: the target is ready to take SIGUSR2 (12): never installed",
        ],
    );
}

#[test]
fn of_two_handlers_the_missing_one_is_named() {
    let Some(_) = two_handlers() else { return };
    stays_closed(
        || two_handlers().expect("perl was there a moment ago"),
        || Ready::handler(SIGTERM).and(Ready::handler(SIGUSR1)),
        &[
            "not reached: readiness ((the target is ready to take SIGTERM (15) and the target is ready to take \
             SIGUSR1 (10)))",
            "gate: the target is ready to take SIGTERM (15): open\n",
            "gate: the target is ready to take SIGUSR1 (10): never installed",
        ],
    );
}

#[test]
fn a_gate_of_ones_own_is_asked_whenever_something_is_seen() {
    let lines = |count: usize| {
        let what = format!("{count} lines");
        Ready::seen(what, move |seen| seen.stdout().lines().count() >= count && seen.pid() > 0)
    };
    let plan = || {
        let script = "trap 'echo left in order; exit 7' TERM; echo 1; echo 2; echo arranged; \
                      while :; do sleep 0.01; done";
        program("sh").args(["-c", script])
    };
    for _ in 0..runs() {
        let exit = plan().ready_when(lines(3)).signal_after(SIGTERM, ms(0)).cleanup_ran(WORDS).code(LEFT);
        assert!(exit.stdout_text().starts_with("1\n2\narranged\n"), "{exit:?}");
    }
    stays_closed(
        plan,
        || lines(4),
        &["not reached: readiness (4 lines)", "gate: 4 lines: its closure said no\n"],
    );
}

#[test]
fn a_gate_of_ones_own_sees_marks_both_streams_and_how_long_it_has_waited() {
    let script =
        r#"echo out; echo err >&2; echo one >> "$EXEUNT_PROBE"; echo two >> "$EXEUNT_PROBE"; exec sleep 600"#;
    let gate = || {
        Ready::seen("all of it", |seen| {
            seen.stdout() == "out\n"
                && seen.stderr() == "err\n"
                && seen.marks() == ["one", "two"]
                && seen.waited() < secs(600)
        })
    };
    program("sh").args(["-c", script]).ready_when(gate()).signal_after(SIGKILL, ms(0)).killed_by(SIGKILL);
}

#[test]
fn each_part_of_a_gate_that_never_opened_says_how_far_it_had_come() {
    let directory = tempfile::tempdir().unwrap();
    let (missing, old) = (directory.path().join("missing"), directory.path().join("old"));
    std::fs::write(&old, "as it was").unwrap();
    // Nothing can listen on port 1 of this address but by root's own doing.
    let port = "127.77.77.77:1";
    let gate = || {
        Ready::stdout("arranged")
            .and(Ready::stdout("nowhere"))
            .and(Ready::stderr(predicate::str::starts_with("ready")))
            .and(Ready::mark("no mark"))
            .and(Ready::file(&missing))
            .and(Ready::file(&old))
            .and(Ready::port(port))
            .and(Ready::handler(SIGTERM))
            .and(Ready::seen("the moon", |_| false))
            .and(Ready::delay(secs(600)))
    };
    let script = r#"echo oops >&2; echo mark >> "$EXEUNT_PROBE"; echo arranged; exec sleep 600"#;
    stays_closed(
        || program("sh").args(["-c", script]),
        gate,
        &[
            "  gate: stdout contains \"arranged\": open\n",
            "  gate: stdout contains \"nowhere\": not among the 9 bytes of stdout that came since the gate before\n",
            "  gate: a line of stderr for which var.starts_with(\"ready\"): not among the 5 bytes of stderr that \
             came since the gate before\n",
            "  gate: the mark \"no mark\" was made: not among the 1 marks made since the gate before\n",
            &format!("  gate: the file `{}` is there: it is not there\n", missing.display()),
            &format!("  gate: the file `{}` is there: it is as it was before the start\n", old.display()),
            "  gate: a socket listens at 127.77.77.77:1: nothing listens there\n",
            "  gate: the target is ready to take SIGTERM (15): never installed: the signal has its default action\n",
            "  gate: the moon: its closure said no\n",
            "  gate: 600 s have passed: not yet\n",
        ],
    );
}

#[test]
fn the_last_words_of_a_target_open_its_gate_however_soon_it_ends() {
    for _ in 0..runs() {
        assert_exit(|| print!("listening")).ready_when(Ready::stdout("listening")).success();
        fails_with(
            || assert_exit(|| print!("listening")).ready_when(Ready::stdout("ready")).success(),
            &[
                "not reached: readiness (stdout contains \"ready\")",
                "gate: stdout contains \"ready\": not among the 9 bytes of stdout that came since the gate before",
            ],
        );
    }
}

#[test]
fn a_step_whose_gate_never_opened_says_how_far_that_had_come() {
    let plan = |gate| {
        let plan = assert_exit(|| print!("one two")).ready_when(Ready::stdout("one"));
        plan.signal_when(SIGTERM, gate)
    };
    fails_with(
        || plan(Ready::stdout("three")).success(),
        &[
            "not reached: SIGTERM (15) when stdout contains \"three\"\n",
            "because: the target had ended ",
            "gate: stdout contains \"three\": not among the 4 bytes of stdout that came since the gate before\n",
        ],
    );
    plan(Ready::stdout("three")).allow_early_end().success();
}
