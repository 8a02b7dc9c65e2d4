//! The window of a terminal that changes its size while a program runs.

use exeunt::{Delivery, What, prelude::*};

use crate::support::fails_with;

/// Says the size of the window at its start, and whenever it is told of another; SIGTERM ends it.
fn watches_the_window() -> ExitTest {
    let script = "trap 'stty size' WINCH; trap 'exit 3' TERM; stty size; while :; do sleep 0.01; done";
    program("sh").args(["-c", script]).pty()
}

#[test]
fn a_program_is_told_of_another_size_and_sees_it() {
    let plan = || {
        watches_the_window()
            .resize_when(50, 132, Ready::stdout("24 80\r\n"))
            .resize_when(1, 1, Ready::stdout("50 132\r\n"))
            .signal_when(SIGTERM, Ready::stdout("1 1\r\n"))
    };
    let exit = plan().stdout("24 80\r\n50 132\r\n1 1\r\n").code(3);
    let resized = exit.timeline().iter().filter_map(|event| match &event.what {
        What::Delivered { delivery: Delivery::Resized { rows, columns } } => Some((*rows, *columns)),
        _ => None,
    });
    assert_eq!(resized.collect::<Vec<_>>(), [(50, 132), (1, 1)]);
    fails_with(|| exit.code(0), &["ms  the window was resized to 50 rows of 132 columns\n"]);
    fails_with(|| plan().stdout("24 80\r\n"), &["50 132", "1 1"]);
}

#[test]
fn the_same_size_is_no_news() {
    let plan = || {
        watches_the_window()
            .window_size(50, 132)
            .resize_when(50, 132, Ready::stdout("50 132\r\n"))
            .signal_after(SIGTERM, ms(0))
    };
    plan().stdout("50 132\r\n").code(3);
    fails_with(|| plan().stdout("50 132\r\n50 132\r\n"), &["-50 132"]);
}

#[test]
fn a_window_that_changes_its_size_is_no_reason_to_leave() {
    // What was said before the signal proves nothing, be it after the window changed its size.
    let plan = || {
        watches_the_window()
            .resize_when(50, 132, Ready::stdout("24 80\r\n"))
            .signal_when(SIGTERM, Ready::stdout("50 132\r\n"))
    };
    plan().cleanup_skipped("50 132");
    fails_with(|| plan().cleanup_ran("50 132"), &["but before SIGTERM (15) was sent"]);
    watches_the_window()
        .resize_when(50, 132, Ready::stdout("24 80\r\n"))
        .signal_when(SIGKILL, Ready::stdout("50 132\r\n"))
        .killed_by(SIGKILL);
}

#[test]
fn a_target_that_has_ended_has_no_window() {
    let plan = || program("true").pty().resize_when(50, 132, Ready::delay(secs(10)));
    fails_with(
        || plan().success(),
        &["not reached: resizing the window to 50 rows of 132 columns when 10 s"],
    );
    plan().allow_early_end().success();
}
