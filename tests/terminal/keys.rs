//! Ctrl-C, Ctrl-\ and Ctrl-Z: signals as long as the terminal makes signals of them, and evidence that
//! counts from there.

use exeunt::{Delivery, Disposition, Key, KeyMeaning, What, prelude::*};
use std::io::Write;

use crate::meanings;
use crate::programs::python_program;
use crate::support::{fails_at_a_deadline, fails_with, needs, times_out};

/// Leaves with 3 at Ctrl-C, after a line; with 4 at Ctrl-\.
fn leaves_by_keys() -> ExitTest {
    let script = "
        trap 'echo leaving; exit 3' INT
        trap 'echo quitting; exit 4' QUIT
        echo working
        while :; do sleep 0.01; done";
    program("sh").args(["-c", script]).pty().ready_when(Ready::stdout("working"))
}

#[test]
fn ctrl_c_is_a_sigint_to_the_foreground_group() {
    let exit = leaves_by_keys().interrupt_after(ms(10)).cleanup_ran("leaving").code(3);
    assert!(
        matches!(meanings(&exit)[..], [(Key::Interrupt, KeyMeaning::Signal { signal: SIGINT, .. })]),
        "{:?}",
        exit.timeline()
    );
    fails_with(
        || leaves_by_keys().interrupt_after(ms(10)).cleanup_ran("quitting"),
        &["after Ctrl-C was typed", "Ctrl-C typed: SIGINT (2) to the foreground process group, "],
    );
}

#[test]
fn ctrl_backslash_is_a_sigquit() {
    leaves_by_keys().quit_after(ms(10)).cleanup_ran("quitting").code(4);
    leaves_by_keys().quit_when(Ready::delay(ms(10))).code(4);
    fails_with(
        || leaves_by_keys().quit_after(ms(10)).cleanup_ran("leaving"),
        &[r"happened: exit code 4, ", r"after Ctrl-\ was typed", r"Ctrl-\ typed: SIGQUIT (3)"],
    );
}

#[test]
fn a_target_without_a_handler_is_killed_by_ctrl_c() {
    let plan = || program("cat").pty().interrupt_when(Ready::delay(ms(50)));
    let exit = plan().killed_by(SIGINT);
    assert_eq!(exit.stdout_text(), "^C");
    fails_with(
        || plan().code(130),
        &[
            "happened: killed by SIGINT (2), ",
            "after Ctrl-C was typed",
            "hint: SIGINT (2) had its default action: the target had installed no handler",
            "terminal: ^C",
        ],
    );
}

#[test]
fn what_was_printed_before_the_key_is_no_evidence() {
    let script = "echo cleaned up; while :; do sleep 0.01; done";
    let plan = || program("sh").args(["-c", script]).pty().interrupt_when(Ready::stdout("cleaned up"));
    fails_with(
        || plan().cleanup_ran("cleaned up"),
        &["stdout said \"cleaned up\"", "but before Ctrl-C was typed"],
    );
    plan().cleanup_skipped("cleaned up").killed_by(SIGINT);
}

#[test]
fn within_counts_from_the_key() {
    let exit = || leaves_by_keys().interrupt_after(secs(1));
    let exit = exit().within(secs(20)).code(3);
    assert!(exit.duration() >= secs(1));
    fails_with(
        || leaves_by_keys().interrupt_after(ms(0)).within(std::time::Duration::from_nanos(1)),
        &["ended within 0 ms after Ctrl-C was typed", "it took"],
    );
}

#[test]
fn a_python_program_dies_of_the_interrupt_that_it_was_told_of() {
    let Some(plan) = python_program("interrupted.py") else { return };
    let exit = plan.pty().interrupt_when(Ready::stdout("working")).cleanup_ran("finally").killed_by(SIGINT);
    assert!(exit.stdout_text().contains("KeyboardInterrupt"), "{}", exit.stdout_text());
    let plan = python_program("interrupted.py").expect("found above");
    fails_with(
        || plan.pty().interrupt_when(Ready::stdout("working")).code(130),
        &["expected: exit code 130", "happened: killed by SIGINT (2)"],
    );
}

#[test]
fn a_function_with_the_ctrlc_crate_cleans_up() {
    fn works_until_ctrl_c() {
        let (sender, receiver) = std::sync::mpsc::channel();
        ctrlc::set_handler(move || sender.send(()).expect("main receives")).expect("a handler");
        println!("working");
        receiver.recv().expect("a signal");
        println!("cleaned up");
        std::process::exit(5);
    }
    let plan = || assert_exit(works_until_ctrl_c).pty().ready_when(Ready::stdout("working"));
    let exit = plan().interrupt_after(ms(0)).cleanup_ran("cleaned up").code(5);
    let meaning = KeyMeaning::Signal { signal: SIGINT, disposition: Some(Disposition::Handled) };
    assert_eq!(meanings(&exit), [(Key::Interrupt, meaning)]);
    fails_with(|| exit.code(6), &["to the foreground process group, for which a handler was installed"]);
    fails_with(|| plan().quit_after(ms(0)).code(5), &["killed by SIGQUIT (3)"]);
}

#[test]
fn a_terminal_that_makes_no_signals_passes_the_key_on_as_a_character() {
    let script = "stty raw -echo; echo ready; head -c 1 | od -An -tx1; stty sane";
    let plan = || program("sh").args(["-c", script]).pty().ready_when(Ready::stdout("ready"));
    let exit = plan().interrupt_after(ms(0)).stdout(predicate::str::contains("03")).success();
    assert_eq!(meanings(&exit), [(Key::Interrupt, KeyMeaning::Character)]);
    plan().suspend_when(Ready::delay(ms(0))).stdout(predicate::str::contains("1a")).success();
    fails_with(
        || plan().interrupt_after(ms(0)).killed_by(SIGINT),
        &["Ctrl-C typed: a character like any other", "(ISIG off"],
    );
}

#[test]
fn the_key_is_the_one_that_the_terminal_has_at_that_moment() {
    // Ctrl-G interrupts here, and Ctrl-C is a character that is echoed.
    let script =
        "trap 'echo interrupted; exit 3' INT; stty intr '^G'; echo ready; while :; do sleep 0.01; done";
    let plan = || program("sh").args(["-c", script]).pty().ready_when(Ready::stdout("ready"));
    let exit = plan().interrupt_after(ms(0)).cleanup_ran("interrupted").code(3);
    assert!(exit.stdout_text().contains("^G"), "{}", exit.stdout_text());
    fails_at_a_deadline(
        |deadline| plan().type_after("\x03", ms(0)).timeout(deadline).code(3),
        r#"typed "\u{3}""#,
        &["still running"],
    );
}

#[test]
fn ctrl_c_reaches_every_process_of_the_foreground_group() {
    let script = "
        trap 'echo outer; wait; exit 3' INT
        sh -c \"trap 'echo inner; exit 0' INT; echo ready; while :; do sleep 0.01; done\" &
        wait; wait";
    // A shell without job control starts what runs in the background with SIGINT ignored.
    let script = script.replace("&\n", "\n");
    let plan = || program("sh").args(["-c", &script]).pty().ready_when(Ready::stdout("ready"));
    let exit = plan().interrupt_after(ms(0)).cleanup_ran("outer").cleanup_ran("inner");
    assert!(exit.stdout_text().contains("inner"), "{}", exit.stdout_text());
    // A signal to the target alone reaches the other not.
    let alone = times_out(|| plan().signal_after(SIGINT, ms(0)), |_| true);
    assert!(!alone.stdout_text().contains("inner"), "{}", alone.stdout_text());
}

#[test]
fn ctrl_z_does_not_stop_the_leader_of_a_session() {
    let plan = || program("sh").args(["-c", "echo working; read -r line; echo went on"]).pty();
    let plan = || plan().suspend_when(Ready::stdout("working")).type_after("go\n", ms(0));
    let exit = plan().stdout(predicate::str::contains("went on")).success();
    assert!(matches!(meanings(&exit)[..], [(Key::Suspend, KeyMeaning::Signal { signal: SIGTSTP, .. })]));
    // One that has a handler hears of it.
    let script = "trap 'echo stop me; exit 3' TSTP; echo working; while :; do sleep 0.01; done";
    let handled = program("sh").args(["-c", script]).pty().suspend_when(Ready::stdout("working"));
    handled.cleanup_ran("stop me").code(3);
}

#[test]
fn a_key_that_comes_too_late_was_not_delivered() {
    let ended = || program("true").pty().interrupt_after(secs(60));
    fails_with(
        || ended().success(),
        &["not reached: typing Ctrl-C after 60 s", "the target had ended", "`allow_early_end` accepts that"],
    );
    let exit = ended().allow_early_end().success();
    assert!(!exit.timeline().iter().any(|event| matches!(event.what, What::Delivered { .. })));
}

#[test]
fn two_keys_in_a_row_are_two_signals() {
    if needs("bash").is_none() {
        return;
    }
    let script = "
        trap 'trap \"echo now; exit 4\" INT; echo later' INT
        echo working
        while :; do sleep 0.01; done";
    let plan = || {
        program("bash")
            .args(["-c", script])
            .pty()
            .interrupt_when(Ready::stdout("working"))
            .interrupt_when(Ready::stdout("later"))
    };
    let exit = plan().cleanup_ran("now").code(4);
    let typed = |event: &&exeunt::Event| {
        matches!(event.what, What::Delivered { delivery: Delivery::Key { key: Key::Interrupt, .. } })
    };
    assert_eq!(exit.timeline().iter().filter(typed).count(), 2);
    fails_with(|| plan().code(3), &["happened: exit code 4"]);
}

#[test]
fn output_of_a_function_at_a_terminal_comes_line_by_line() {
    let plan = || {
        assert_exit(|| {
            print!("a line\nno line");
            let _ = std::io::stderr().flush();
            loop {
                std::thread::park();
            }
        })
        .pty()
        .interrupt_when(Ready::stdout("a line"))
    };
    plan().flushed("a line").not_flushed("no line").killed_by(SIGINT);
    fails_with(
        || plan().flushed("no line"),
        &["SIGINT (2) ended the process", "At a terminal", "terminal: a line"],
    );
}

#[test]
fn a_key_that_the_terminal_does_not_have_is_a_character() {
    let script = "stty intr undef -echo; echo ready; read it; echo \"$it\" | od -An -tx1";
    let plan = || {
        let plan = program("sh").args(["-c", script]).pty().interrupt_when(Ready::stdout("ready"));
        plan.type_after("\n", ms(0))
    };
    let exit = plan().stdout(predicate::str::contains("03 0a")).success();
    assert_eq!(meanings(&exit), [(Key::Interrupt, KeyMeaning::Character)]);
    fails_with(
        || plan().killed_by(SIGINT),
        &["Ctrl-C typed: a character like any other", "or it has no such key"],
    );
    let script = "stty eof undef -echo; echo ready; read it; echo \"$it\" | od -An -tx1";
    let plan = program("sh").args(["-c", script]).pty().end_of_input_when(Ready::stdout("ready"));
    let exit = plan.type_after("\n", ms(0)).stdout(predicate::str::contains("04 0a")).success();
    assert_eq!(meanings(&exit), [(Key::EndOfInput, KeyMeaning::Character)]);
}
