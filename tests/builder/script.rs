//! The script: signals after a time or at a gate, in order, each step counted from the one before; and
//! what becomes of steps that the target did not wait for.

use exeunt::prelude::*;

use crate::support::{fails_at_a_deadline, fails_with, times_out};
use crate::{ready_at, sent};

/// Ends only when it is killed.
fn forever() -> ExitTest {
    program("sleep").arg("1000")
}

/// Prints the name of each signal as it arrives, and leaves with 3 at SIGTERM.
fn names_its_signals() -> ExitTest {
    let script = "
        trap 'echo usr1' USR1
        trap 'echo usr2' USR2
        trap 'echo term; exit 3' TERM
        echo ready
        while :; do sleep 1000 & wait; done";
    program("sh").args(["-c", script])
}

#[test]
fn a_signal_is_sent_after_its_time_and_not_before() {
    let exit = forever().signal_after(SIGTERM, ms(120)).killed_by(SIGTERM);
    assert!(sent(&exit)[0] >= ms(120) && exit.duration() >= ms(120));
    fails_with(
        || exit.killed_by(SIGINT),
        &[
            "expected: killed by SIGINT (2)",
            "happened: killed by SIGTERM (15), ",
            "after SIGTERM (15) was sent",
        ],
    );
}

#[test]
fn a_signal_at_once_finds_the_target_started() {
    forever().signal_after(SIGTERM, ms(0)).killed_by(SIGTERM);
    let function = assert_exit(|| {
        loop {
            std::thread::park();
        }
    });
    let exit = function.signal_after(SIGKILL, ms(0)).killed_by(SIGKILL);
    fails_with(|| exit.killed_by(SIGTERM), &["happened: killed by SIGKILL (9)"]);
}

#[test]
fn without_a_script_no_signal_is_sent() {
    let exit = times_out(names_its_signals, |exit| !exit.stdout_bytes().is_empty()).stdout("ready\n");
    assert!(sent(&exit).is_empty());
    fails_with(|| exit.flushed("usr1"), &["\"usr1\" is flushed"]);
}

#[test]
fn several_signals_are_sent_in_order_each_at_its_gate() {
    let exit = names_its_signals()
        .ready_when(Ready::stdout("ready"))
        .signal_after(SIGUSR1, ms(0))
        .signal_when(SIGUSR2, Ready::stdout("usr1"))
        .signal_when(SIGUSR1, Ready::stdout("usr2"))
        .signal_when(SIGTERM, Ready::stdout("usr1"))
        .code(3)
        .stdout("ready\nusr1\nusr2\nusr1\nterm\n");
    assert_eq!(sent(&exit).len(), 4);
    assert!(sent(&exit).is_sorted() && ready_at(&exit).unwrap() <= sent(&exit)[0]);
    // The control: in another order a gate waits for what does not come.
    let other = || {
        names_its_signals()
            .ready_when(Ready::stdout("ready"))
            .signal_after(SIGUSR1, ms(0))
            .signal_when(SIGTERM, Ready::stdout("usr2"))
    };
    fails_at_a_deadline(
        |deadline| other().timeout(deadline).code(3),
        "SIGUSR1 (10) sent",
        &["not reached: SIGTERM (15) when stdout contains \"usr2\"", "because: the deadline came before"],
    );
}

#[test]
fn each_step_counts_from_the_one_before_it() {
    let exit = names_its_signals()
        .ready_when(Ready::stdout("ready"))
        .signal_after(SIGUSR1, ms(60))
        .signal_after(SIGUSR2, ms(60))
        .signal_after(SIGTERM, ms(60))
        .code(3);
    let times: Vec<_> = ready_at(&exit).into_iter().chain(sent(&exit)).collect();
    assert_eq!(times.len(), 4);
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= ms(60), "{times:?}");
    }
}

#[test]
fn the_first_step_counts_from_readiness() {
    let script = "sleep 0.2; echo ready; exec sleep 1000";
    let plan = || program("sh").args(["-c", script]).ready_when(Ready::stdout("ready"));
    let exit = plan().signal_after(SIGTERM, ms(50)).killed_by(SIGTERM);
    assert!(sent(&exit)[0] >= ms(250), "{:?}", exit.timeline());
    assert!(sent(&exit)[0] >= ready_at(&exit).unwrap() + ms(50));
}

#[test]
fn a_target_that_ended_before_its_signal_fails_the_test() {
    let ended = || program("sh").args(["-c", "exit 3"]).signal_after(SIGTERM, secs(10));
    fails_with(
        || ended().code(3),
        &[
            "the script was not carried out",
            "not reached: SIGTERM (15) after 10 s, due 10000.0 ms after the start",
            "because: the target had ended",
            "exit code 3",
            "`allow_early_end` accepts that",
        ],
    );
    let error = ended().run().unwrap_err();
    assert_eq!(error.exit().map(Exit::ending), Some(&Ending::Code(3)));

    let exit = ended().allow_early_end().code(3);
    assert!(sent(&exit).is_empty());
    fails_with(|| exit.success(), &["expected: success", "happened: exit code 3"]);
}

#[test]
fn a_target_that_ended_between_two_signals_fails_the_test() {
    let plan = || forever().signal_after(SIGTERM, ms(10)).signal_after(SIGKILL, secs(10));
    fails_with(
        || plan().killed_by(SIGTERM),
        &["not reached: SIGKILL (9) after 10 s", "the target had ended", "killed by SIGTERM (15)"],
    );
    let exit = plan().allow_early_end().killed_by(SIGTERM);
    assert_eq!(sent(&exit).len(), 1);
}

#[test]
fn a_target_that_ended_before_it_was_ready_fails_the_test() {
    let plan = || program("sh").args(["-c", "echo almost; exit 3"]).ready_when(Ready::stdout("ready"));
    fails_with(
        || plan().code(3),
        &["not reached: readiness (stdout contains \"ready\")", "the target had ended", "stdout: almost"],
    );
    plan().allow_early_end().code(3);
    let signalled = || plan().signal_after(SIGTERM, ms(0));
    fails_with(|| signalled().code(3), &["not reached: readiness (stdout contains \"ready\")"]);
    signalled().allow_early_end().code(3);
}

#[test]
fn allow_early_end_changes_nothing_for_a_target_that_waits() {
    forever().signal_after(SIGTERM, ms(10)).allow_early_end().killed_by(SIGTERM);
    // Nor does it excuse a gate that stays shut until the deadline.
    let stuck = || forever().signal_when(SIGTERM, Ready::stdout("never")).timeout(ms(200)).allow_early_end();
    fails_with(|| stuck().timed_out(), &["stdout contains \"never\"", "the deadline came before"]);
}

#[test]
fn a_plan_that_contradicts_itself_is_refused() {
    let late = || forever().signal_after(SIGTERM, ms(0)).ready_when(Ready::stdout("ready"));
    fails_with(|| late().killed_by(SIGTERM), &["`ready_when` comes before the steps of the script"]);
    let twice = || forever().ready_when(Ready::stdout("a")).ready_when(Ready::stdout("b"));
    fails_with(|| twice().timed_out(), &["there is one `ready_when`; combine gates with `and` and `or`"]);
    // The first mistake is the one that is told.
    let both = || twice().timeout(std::time::Duration::ZERO);
    fails_with(|| both().timed_out(), &["there is one `ready_when`"]);
}

#[test]
fn a_plan_that_is_not_asserted_does_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ran");
    let plan = || program("touch").arg(&file);
    drop(plan());
    assert!(!file.exists());
    plan().success();
    assert!(file.exists());
}
