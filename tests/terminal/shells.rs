//! An interactive shell and its jobs, each in a group of its own.

use exeunt::{Key, KeyMeaning, prelude::*};

use crate::meanings;
use crate::support::{fails_with, needs};

/// An interactive bash that prompts with `$ ` and reads no configuration.
fn bash() -> Option<ExitTest> {
    let bash = program(needs("bash")?).args(["--norc", "--noprofile", "--noediting", "-i"]);
    Some(bash.env("PS1", "$ ").env("TERM", "dumb").env_remove("PROMPT_COMMAND").pty())
}

#[test]
fn ctrl_c_ends_the_foreground_job_and_not_the_shell() {
    let Some(bash) = bash() else { return };
    let exit = bash
        .type_when("sh -c 'echo job runs; exec sleep 1000'\n", Ready::stdout("$ "))
        .interrupt_when(Ready::stdout("\r\njob runs"))
        .type_when("echo code $?\n", Ready::stdout("$ "))
        .type_when("exit 7\n", Ready::stdout("\ncode 130"))
        .code(7);
    let [(Key::Interrupt, KeyMeaning::SignalToOthers { signal: SIGINT, group: Some(group) })] =
        meanings(&exit)[..]
    else {
        panic!("{:?}", exit.timeline());
    };
    assert!(group > 0);
}

#[test]
fn the_group_that_got_the_key_is_told() {
    let Some(bash) = bash() else { return };
    let plan = bash
        .type_when("sh -c 'echo job runs; exec sleep 1000'\n", Ready::stdout("$ "))
        .interrupt_when(Ready::stdout("\r\njob runs"))
        .type_when("exit 7\n", Ready::stdout("$ "));
    fails_with(
        || plan.killed_by(SIGINT),
        &["Ctrl-C typed: SIGINT (2) to the foreground process group ", ", in which the target is not"],
    );
}

#[test]
fn ctrl_z_stops_the_foreground_job_and_the_shell_continues_it() {
    let Some(bash) = bash() else { return };
    bash.type_when("sh -c 'echo job runs; exec sleep 1000'\n", Ready::stdout("$ "))
        .suspend_when(Ready::stdout("\r\njob runs"))
        .type_when("kill %1; fg\n", Ready::stdout("Stopped"))
        .type_when("exit 7\n", Ready::stdout("Terminated").and(Ready::stdout("$ ")))
        .code(7);
}

#[test]
fn ctrl_d_at_the_prompt_ends_the_shell() {
    let Some(bash) = bash() else { return };
    bash.type_when("(exit 9)\n", Ready::stdout("$ ")).end_of_input_when(Ready::stdout("$ ")).code(9);
}
