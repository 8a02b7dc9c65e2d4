//! G: signals.

use exeunt::{Event, Sender, What, prelude::*};

use crate::page::Verdict::{Holds, InPart};
use crate::page::settle;
use crate::support::{fails_with, fixture, needs};
use crate::{interpreter, marks, python};

/// The mark by which a program says that it has made its arrangements.
fn ready() -> Ready {
    Ready::mark("ready")
}

#[test]
fn g01_without_a_handler_a_signal_kills_and_nothing_runs() {
    settle(
        "G1",
        "Without a handler, SIGTERM, SIGHUP and SIGQUIT kill: no `finally`, no exit hook, no flush.",
        Holds,
        |findings| {
            for signal in [SIGTERM, SIGHUP, SIGQUIT] {
                let exit = python("blocks_and_hook.py", ["wait"])?.signal_when(signal, ready());
                let exit = exit.killed_by(signal).cleanup_skipped("with left").cleanup_skipped("finally ran");
                let exit = exit.cleanup_skipped("hook ran").not_flushed("in the buffer").stderr("");
                fails_with(
                    || exit.clone().cleanup_ran("hook ran"),
                    &["there is no evidence that it did", "had installed no handler"],
                );
                findings.saw("no handler", &exit);
            }
            Some(())
        },
    );
}

#[test]
fn g02_a_handler_cleans_up_and_leaves_with_0_and_hooks_run() {
    settle("G2", "A handler for SIGINT and SIGTERM cleans up and leaves with 0.", Holds, |findings| {
        for signal in [SIGINT, SIGTERM] {
            let label = format!("cleaned up after {}", signal.name()?);
            let exit = python("handled_signals.py", [])?.signal_when(signal, ready());
            let exit = exit.code(0).cleanup_ran(&label).cleanup_ran("hook ran");
            fails_with(|| exit.clone().killed_by(signal), &["happened: exit code 0"]);
            findings.saw("handled", &exit);
        }
        let exit = python("handled_signals.py", [])?.signal_when(SIGHUP, ready()).killed_by(SIGHUP);
        findings.saw("not handled", &exit.cleanup_skipped("hook ran"));
        Some(())
    });
}

#[test]
fn g03_a_handler_for_sigkill_or_sigstop_is_an_invalid_argument() {
    settle("G3", "SIGKILL and SIGSTOP cannot be handled.", Holds, |findings| {
        let plan = python("forbidden_signals.py", [])?.signal_when(SIGKILL, ready());
        let exit = plan.killed_by(SIGKILL).cleanup_skipped("handled");
        let refused = ["SIGKILL: Invalid argument", "SIGSTOP: Invalid argument", "ready"];
        assert_eq!(marks(&exit), refused);
        fails_with(|| exit.clone().cleanup_ran("handled"), &["there is no evidence that it did"]);
        findings.saw("SIGKILL", &exit);
        // It is stopped, not ended, and goes on by SIGCONT to the signal that ends it.
        let plan = python("forbidden_signals.py", [])?.signal_when(SIGSTOP, ready());
        let plan = plan.signal_after(SIGTERM, ms(0)).signal_after(SIGCONT, ms(0));
        let exit = plan.killed_by(SIGTERM).cleanup_skipped("handled");
        findings.saw("SIGSTOP", &exit);
        let stopped = python("forbidden_signals.py", [])?.signal_when(SIGSTOP, ready());
        findings.saw("SIGSTOP alone", &stopped.still_running_after(ms(200)));
        Some(())
    });
}

#[test]
fn g04_a_masked_sigint_is_pending_and_arrives_on_unmasking() {
    settle("G4", "A masked SIGINT stays pending and arrives on unmasking.", Holds, |findings| {
        let plan = python("masked_interrupt.py", [])?.signal_when(SIGINT, Ready::mark("blocked"));
        let exit = plan.signal_after(SIGUSR1, ms(0)).code(0);
        let exit = exit.cleanup_ran("it is pending").cleanup_ran("it arrived on unmasking");
        fails_with(|| exit.clone().killed_by(SIGINT), &["happened: exit code 0"]);
        findings.saw("sent while masked", &exit);
        let plan = python("masked_interrupt.py", [])?.signal_when(SIGUSR1, Ready::mark("blocked"));
        let exit = plan.code(0).cleanup_skipped("it is pending").cleanup_ran("it did not arrive");
        findings.saw("not sent", &exit);
        Some(())
    });
}

#[test]
fn g05_ctrl_c_raises_a_keyboardinterrupt_and_python_dies_of_sigint_and_not_with_130() {
    settle(
        "G5",
        "Ctrl-C at a terminal raises KeyboardInterrupt; uncaught, a traceback is printed and the process dies of \
         SIGINT, which differs from code 130.",
        Holds,
        |findings| {
            let plan = python("blocks_and_hook.py", ["wait"])?.pty().interrupt_when(ready());
            let exit = plan.killed_by(SIGINT);
            assert_eq!(marks(&exit), ["ready", "with left", "finally ran", "hook ran"]);
            let exit = exit.flushed("Traceback (most recent call last):").flushed("KeyboardInterrupt");
            fails_with(
                || exit.clone().code(130),
                &["expected: exit code 130", "happened: killed by SIGINT (2)", "Ctrl-C typed"],
            );
            findings.saw("uncaught", &exit);
            // A shell makes 130 of it, and that is a code.
            let script = r#"trap : INT; "$@"; exit $?"#;
            let shell = program(needs("bash")?).args(["-c", script, "bash"]).arg(interpreter()?);
            let shell = shell.args(["-B", "-s", "-S"]).arg(fixture("python").join("blocks_and_hook.py"));
            let exit = shell.arg("wait").pty().interrupt_when(ready()).code(130);
            fails_with(|| exit.clone().killed_by(SIGINT), &["happened: exit code 130"]);
            findings.saw("what a shell leaves with that ran it", &exit);
            Some(())
        },
    );
}

#[test]
fn g06_a_second_ctrl_c_interrupts_the_clean_up_unless_that_ignores_it() {
    settle(
        "G6",
        "`except KeyboardInterrupt` cleans up. A second Ctrl-C during the clean-up?",
        Holds,
        |findings| {
            let cleaning_up = || Ready::mark("cleaning up");
            let plan = |way| Some(python("interrupted_clean_up.py", [way])?.pty().interrupt_when(ready()));
            let exit = plan("can_be_interrupted")?.signal_when(SIGUSR1, cleaning_up()).code(5);
            findings.saw("one", &exit.cleanup_ran("cleaned up"));
            let exit = plan("can_be_interrupted")?.interrupt_when(cleaning_up()).killed_by(SIGINT);
            let exit = exit.cleanup_skipped("cleaned up");
            let exit = exit.flushed("During handling of the above exception, another exception occurred:");
            fails_with(|| exit.clone().cleanup_ran("cleaned up"), &["there is no evidence that it did"]);
            findings.saw("two", &exit);
            let plan = plan("ignores_interrupts")?.interrupt_when(cleaning_up());
            let exit = plan.signal_after(SIGUSR1, ms(0)).code(5).cleanup_ran("cleaned up");
            findings.saw("two, the second of which is ignored", &exit);
            Some(())
        },
    );
}

#[test]
fn g07_a_childs_handler_for_sigusr1_leaves_with_0() {
    settle("G7", "Parent and child by SIGUSR1: the child's handler leaves with 0.", Holds, |findings| {
        let exit = python("child_by_sigusr1.py", [])?.traced().code(0);
        let exit = exit.cleanup_ran("the child's handler ran");
        let by_the_parent = |event: &Event| match event.what {
            What::Received(received) => (received.signal, received.from) == (SIGUSR1, Sender::Target),
            _ => false,
        };
        assert!(exit.timeline().iter().any(by_the_parent), "{:?}", exit.timeline());
        let exit = exit.cleanup_ran("the parent sees 0");
        findings.saw("with a handler", &exit);
        let exit = python("child_by_sigusr1.py", ["without_a_handler"])?.code(0);
        let exit = exit.cleanup_skipped("the child's handler ran").cleanup_ran("the parent sees -10");
        fails_with(|| exit.clone().cleanup_ran("the parent sees 0"), &["there is no evidence"]);
        findings.saw("without", &exit);
        Some(())
    });
}

#[test]
fn g08_the_end_waits_for_a_slow_handler_and_a_handler_for_a_busy_c_call() {
    settle(
        "G8",
        "The end comes only after a handler that takes long. A handler does not interrupt a busy C call.",
        Holds,
        |findings| {
            let plan = python("slow_handler.py", [])?.signal_when(SIGTERM, ready());
            let exit = plan.signal_when(SIGUSR1, Ready::mark("the handler begins")).code(0);
            let exit = exit.cleanup_ran("the handler is done");
            findings.saw("a slow handler", &exit);
            // It is left there for a while, from when it has begun: SIGURG does nothing to it.
            let plan = python("slow_handler.py", [])?.signal_when(SIGTERM, ready());
            let plan = plan.signal_when(SIGURG, Ready::mark("the handler begins"));
            let exit = plan.still_running_after(ms(300)).cleanup_ran("the handler begins");
            fails_with(|| exit.clone().cleanup_ran("the handler is done"), &["there is no evidence"]);
            findings.saw("a handler that is not done", &exit);

            let plan = python("busy_call.py", ["in_c"])?.signal_when(SIGTERM, Ready::mark("busy"));
            let exit = plan.code(0);
            let in_c = ["busy", "the signal came, and the call goes on", "the handler runs"];
            assert_eq!(marks(&exit), in_c);
            findings.saw("a busy call in C", &exit);
            let plan = python("busy_call.py", ["in_python"])?.signal_when(SIGTERM, Ready::mark("busy"));
            let exit = plan.code(0).cleanup_skipped(in_c[1]);
            fails_with(|| exit.clone().cleanup_ran(in_c[1]), &["there is no evidence that it did"]);
            findings.saw("a busy loop in Python", &exit);

            let waiting = || Ready::mark("waiting");
            let plan = python("waiting_call.py", ["sigwait"])?.signal_when(SIGTERM, waiting());
            let exit = plan.still_running_after(ms(300)).cleanup_skipped("the handler runs");
            fails_with(|| exit.clone().cleanup_ran("the handler runs"), &["there is no evidence"]);
            findings.saw("`signal.sigwait`, a call that waits and is not interrupted either", &exit);

            let plan = python("waiting_call.py", ["sigwaitinfo"])?.signal_when(SIGTERM, waiting());
            let exit = plan.code(0).cleanup_ran("the handler runs");
            findings.saw("`signal.sigwaitinfo`, which is", &exit);
            Some(())
        },
    );
}

#[test]
fn g09_the_handler_runs_in_the_main_thread_and_interrupts_its_join_unless_that_blocks_the_signal() {
    settle(
        "G9",
        "SIGTERM in a program of several threads: the handler runs in the main thread, and not while that is in an \
         untimed join.",
        InPart,
        |findings| {
            let joined = || Ready::mark("the main thread is in its join");
            let plan = python("threads_and_sigterm.py", ["let_in"])?.signal_when(SIGTERM, joined());
            let exit = plan.code(0).cleanup_ran("the handler runs in the main thread");
            fails_with(|| exit.clone().killed_by(SIGTERM), &["happened: exit code 0"]);
            findings.saw("in an untimed join", &exit);
            let plan = python("threads_and_sigterm.py", ["blocked"])?.signal_when(SIGTERM, joined());
            let exit =
                plan.still_running_after(ms(500)).cleanup_skipped("the handler runs in the main thread");
            let exit = exit.cleanup_skipped("the handler runs in another thread");
            fails_with(
                || exit.clone().cleanup_ran("the handler runs in the main thread"),
                &["there is no evidence"],
            );
            findings.saw("where the main thread blocks it, so that another takes it", &exit);
            Some(())
        },
    );
}

#[test]
fn g10_a_hung_up_terminal_is_sighup_and_a_reader_that_has_gone_120_or_1_or_sigpipe() {
    settle(
        "G10",
        "A closed terminal sends SIGHUP. A closed reader gives BrokenPipeError, status 120 or 1, or death by SIGPIPE \
         where that is restored.",
        Holds,
        |findings| {
            let exit = python("blocks_and_hook.py", ["wait"])?.pty().hang_up_when(ready());
            let exit = exit.killed_by(SIGHUP).cleanup_skipped("hook ran");
            fails_with(
                || exit.clone().cleanup_ran("hook ran"),
                &["there is no evidence that it did", "the terminal hung up"],
            );
            findings.saw("a terminal that hangs up", &exit);

            let broken = "BrokenPipeError: [Errno 32] Broken pipe\n";
            for (way, case, code) in [
                ("left_in_the_buffer", "`print` into the buffer, flushed at the end", 120),
                ("flushed", "`print(flush=True)`, uncaught", 120),
                ("unbuffered", "`os.write`, uncaught", 1),
            ] {
                let exit = python("reader_gone.py", [way])?.code(code);
                let exit = exit.stderr(predicate::str::ends_with(broken));
                let exit = match way {
                    "left_in_the_buffer" => exit.cleanup_ran("the end of the program"),
                    _ => exit.cleanup_skipped("the end of the program"),
                };
                fails_with(|| exit.clone().success(), &[&format!("happened: exit code {code}")]);
                findings.saw(case, &exit);
            }
            let exit = python("reader_gone.py", ["caught"])?.code(0).stderr("");
            findings.saw("caught, and stdout turned away", &exit.cleanup_ran("the reader is gone"));
            let exit = python("reader_gone.py", ["sigpipe_restored"])?.killed_by(SIGPIPE).stderr("");
            fails_with(|| exit.clone().code(141), &["happened: killed by SIGPIPE (13)"]);
            findings.saw("with SIGPIPE at its default", &exit);
            Some(())
        },
    );
}
