//! The terminal goes away: SIGHUP, an end of the input, and writes that fail.

use exeunt::prelude::*;

use crate::support::fails_with;

#[test]
fn a_target_without_a_handler_dies_of_sighup() {
    let plan = || program("cat").pty().hang_up_after(ms(20));
    plan().killed_by(SIGHUP);
    fails_with(
        || plan().success(),
        &[
            "killed by SIGHUP (1), ",
            "after the terminal hung up",
            "the terminal hung up: SIGHUP (1), which had its default action",
        ],
    );
}

#[test]
fn a_handler_cleans_up_and_a_mark_tells() {
    let script = r#"
        trap 'echo saved >> "$EXEUNT_PROBE"; exit 3' HUP
        echo working
        while :; do sleep 0.01; done"#;
    let plan = || program("sh").args(["-c", script]).pty().hang_up_when(Ready::stdout("working"));
    plan().cleanup_ran("saved").code(3).within(secs(20));
    fails_with(
        || plan().cleanup_ran("closed"),
        &["after the terminal hung up", "the terminal hung up: SIGHUP (1), "],
    );
}

#[test]
fn who_ignores_sighup_finds_an_end_of_input_and_no_place_to_write() {
    let script = r#"
        trap '' HUP
        echo working
        cat > /dev/null
        echo "read to the end" >> "$EXEUNT_PROBE"
        echo gone 2> /dev/null || exit 5"#;
    let plan = || program("sh").args(["-c", script]).pty().hang_up_when(Ready::stdout("working"));
    let exit = plan().cleanup_ran("read to the end").code(5);
    assert_eq!(exit.stdout_text(), "working\r\n");
    fails_with(|| plan().success(), &["SIGHUP (1), which the target ignored", "happened: exit code 5"]);
}

#[test]
fn what_was_written_before_is_kept() {
    for _ in 0..50 {
        let plan = program("sh").args(["-c", "printf ready; printf ' and more'; exec sleep 1000"]).pty();
        plan.hang_up_when(Ready::stdout("and more")).stdout("ready and more").killed_by(SIGHUP);
    }
}

#[test]
fn a_hang_up_reaches_the_leader_and_the_others_only_when_that_ends() {
    let inner = r#"
        trap 'echo "inner hung up" >> "$EXEUNT_PROBE"; exit 0' HUP
        trap 'echo "inner was told" >> "$EXEUNT_PROBE"; exit 0' USR1
        echo ready
        while :; do sleep 0.01; done"#;
    // In the group of the target, and so in the foreground.
    let script = "sh -c \"$0\" & trap 'kill -USR1 $!; wait $!; exit 3' HUP; wait";
    let plan = || program("sh").args(["-c", script, inner]).pty().hang_up_when(Ready::stdout("ready"));
    plan().cleanup_ran("inner was told").cleanup_skipped("inner hung up").code(3);
    fails_with(|| plan().cleanup_ran("inner hung up"), &["there is no evidence that it did"]);
}

#[test]
fn a_target_that_gave_up_its_terminal_finds_its_end_and_no_signal() {
    fn reads_to_the_end_of_a_terminal_that_is_not_its_own() {
        // Giving it up sends SIGHUP to those in the foreground.
        // SAFETY: numbers only.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        // SAFETY: the request takes nothing.
        assert_eq!(unsafe { libc::ioctl(0, libc::TIOCNOTTY) }, 0);
        // SAFETY: numbers only.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) };
        println!("given up");
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(6);
    }
    let plan = || {
        let plan = assert_exit(reads_to_the_end_of_a_terminal_that_is_not_its_own).pty();
        plan.hang_up_when(Ready::stdout("given up"))
    };
    plan().code(6);
    fails_with(|| plan().killed_by(SIGHUP), &["happened: exit code 6", "after the terminal hung up"]);
}
