//! `stdin`: the target reads the bytes and then the end, or does not read them; neither blocks a run,
//! nor kills the test process.

use exeunt::prelude::*;

use crate::support::fails_with;

const MIB: usize = 1024 * 1024;

fn a_mebibyte() -> Vec<u8> {
    (0..MIB).map(|index| b"0123456789abcdefghijklmnopqrstuvwxyz\xff"[index % 37]).collect()
}

#[test]
fn a_mebibyte_goes_through_cat_unchanged() {
    let exit = program("cat").stdin(a_mebibyte()).success();
    assert!(exit.stdout_bytes() == a_mebibyte());
    let mut other = a_mebibyte();
    other[MIB / 2] ^= 1;
    fails_with(|| exit.stdout(other), &["expected: of stdout", "stdout (1048576 bytes)"]);
}

#[test]
fn a_function_reads_its_stdin_too() {
    let exit = assert_exit(|| {
        let text = std::io::read_to_string(std::io::stdin()).unwrap();
        print!("{}", text.to_uppercase());
    });
    let exit = exit.stdin("quiet").returned().stdout("QUIET");
    fails_with(|| exit.stdout("quiet"), &["expected: of stdout", "QUIET"]);
}

#[test]
fn without_bytes_stdin_is_at_its_end() {
    for plan in [program("cat"), program("cat").stdin("")] {
        let exit = plan.timeout(secs(20)).success().stdout("");
        fails_with(|| exit.code(1), &["expected: exit code 1", "happened: exit code 0"]);
    }
}

#[test]
fn a_program_that_does_not_read_ends_as_it_would() {
    let exit = program("sh").args(["-c", "exit 3"]).stdin(a_mebibyte()).timeout(secs(20)).code(3);
    fails_with(|| exit.success(), &["happened: exit code 3"]);
    // One that reads a part, and one that closes its stdin and goes on.
    program("sh")
        .args(["-c", "read line; echo \"$line\""])
        .stdin([b"first\n", &a_mebibyte()[..]].concat())
        .stdout("first\n");
    program("sh").args(["-c", "exec <&-; echo open >&2; exit 4"]).stdin(a_mebibyte()).code(4);
}

#[test]
fn a_program_that_neither_reads_nor_ends_runs_into_its_deadline() {
    let exit = program("sleep").arg("1000").stdin(a_mebibyte()).timeout(ms(200)).timed_out();
    fails_with(|| exit.success(), &["expected: success", "happened: still running after"]);
}

isolated! {
    #[test]
    fn a_reader_that_is_gone_does_not_kill_a_test_process_with_the_default_sigpipe() {
        // SAFETY: SIG_DFL runs no code.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        for _ in 0..20 {
            program("sh").args(["-c", "exec <&-; exit 4"]).stdin(a_mebibyte()).code(4);
        }
        // It is still the default.
        // SAFETY: SIG_DFL runs no code.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        assert_eq!(before, libc::SIG_DFL);
    }
}
