//! What is typed: lines, their end, the end of the input, and passwords that nobody sees.

use exeunt::{Key, KeyMeaning, prelude::*};

use crate::meanings;
use crate::programs::python_program;
use crate::support::{fails_at_a_deadline, fails_with, needs};

#[test]
fn what_is_typed_is_read_and_echoed() {
    let plan = || {
        program("cat").pty().type_after("hello\n", ms(20)).end_of_input_when(Ready::stdout("hello\r\nhello"))
    };
    plan().stdout("hello\r\nhello\r\n").success();
    fails_with(
        || plan().stdout("hello\r\n"),
        &["typed \"hello\\n\"", "Ctrl-D typed: the end of the line, or, where that was empty, of the input"],
    );
}

#[test]
fn ctrl_d_at_the_begin_of_a_line_ends_the_input() {
    let exit = program("cat").pty().end_of_input_after(ms(20)).stdout("").success();
    assert_eq!(meanings(&exit), [(Key::EndOfInput, KeyMeaning::EndOfInput)]);
    // In a line it hands over what there is of it; `cat` prints that and reads on.
    let once = || program("cat").pty().type_after("half", ms(20)).end_of_input_after(ms(20));
    fails_at_a_deadline(|deadline| once().timeout(deadline).success(), "halfhalf", &["still running"]);
    once().end_of_input_when(Ready::stdout("halfhalf")).success();
}

#[test]
fn ctrl_d_is_the_end_of_input_only_where_input_comes_in_lines() {
    let script = "stty raw -echo; echo ready; head -c 1 | od -An -tx1; stty sane";
    let plan = || program("sh").args(["-c", script]).pty().ready_when(Ready::stdout("ready"));
    let exit = plan().end_of_input_after(ms(0)).stdout(predicate::str::contains("04")).success();
    assert_eq!(meanings(&exit), [(Key::EndOfInput, KeyMeaning::Character)]);
    // The control: in lines it is no character, and nothing comes.
    let in_lines = program("sh").args(["-c", "stty -echo; echo ready; head -c 1 | od -An -tx1"]).pty();
    let exit = in_lines.end_of_input_when(Ready::stdout("ready")).success();
    assert_eq!(meanings(&exit), [(Key::EndOfInput, KeyMeaning::EndOfInput)]);
    fails_with(|| exit.stdout(predicate::str::contains("04")), &["04"]);
}

#[test]
fn the_end_of_the_input_is_what_within_counts_from() {
    let plan = || program("cat").pty().end_of_input_after(secs(1));
    assert!(plan().within(secs(20)).success().duration() >= secs(1));
    fails_with(
        || plan().within(std::time::Duration::from_nanos(1)),
        &["ended within 0 ms after Ctrl-D was typed"],
    );
}

#[test]
fn a_password_is_not_echoed() {
    if needs("bash").is_none() {
        return;
    }
    let script = r#"read -rsp 'password: ' it; echo; echo "it has ${#it} letters""#;
    let plan = || program("bash").args(["-c", script]).pty();
    let exit = plan()
        .type_when("secret\n", Ready::stdout("password: "))
        .stdout("password: \r\nit has 6 letters\r\n")
        .success();
    assert!(!exit.stdout_text().contains("secret"));
    // Typed before it was asked for, it is seen by all.
    let early = plan().type_when("secret\n", Ready::stdout("never")).timeout(ms(300));
    fails_with(|| early.success(), &["not reached: typing \"secret\\n\" when stdout contains \"never\""]);
}

#[test]
fn a_password_of_python_is_not_echoed() {
    let Some(plan) = python_program("password.py") else { return };
    plan.pty()
        .type_when("secret\n", Ready::stdout("Password: "))
        .stdout("Password: \r\nit has 6 letters\r\n")
        .success();
}

#[test]
fn more_than_the_terminal_holds_is_typed_as_it_is_read() {
    let line = format!("{}\n", "x".repeat(999));
    let text = line.repeat(300);
    let script = "stty -echo; echo ready; head -n 300 | wc -c";
    let plan = || program("sh").args(["-c", script]).pty().type_when(text.clone(), Ready::stdout("ready"));
    plan().stdout("ready\r\n300000\r\n").success();
    // Where nobody reads it, the rest is not typed.
    let deaf = program("sh").args(["-c", "stty -echo; echo ready; exec sleep 1000"]);
    fails_with(
        || deaf.pty().type_when(text.clone(), Ready::stdout("ready")).timeout(secs(1)).success(),
        &["not reached: typing \"xxx", "the deadline came before"],
    );
}

#[test]
fn a_text_that_is_typed_is_no_reason_to_leave() {
    // Otherwise what was printed before Ctrl-C would be evidence.
    let script = "read it; echo cleaned up; while :; do sleep 0.01; done";
    let plan = || {
        program("sh")
            .args(["-c", script])
            .pty()
            .type_after("go\n", ms(0))
            .interrupt_when(Ready::stdout("cleaned up"))
    };
    fails_with(|| plan().cleanup_ran("cleaned up"), &["but before Ctrl-C was typed"]);
    plan().cleanup_skipped("cleaned up").killed_by(SIGINT);
}
