//! Many runs at once, from many threads of one test process.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use exeunt::prelude::*;

use crate::process::PATIENCE;
use crate::support::fails_with;

const THREADS: usize = 16;
const RUNS_PER_THREAD: usize = 4;
const AT_ONCE: usize = 64;

/// Leaves with a code, and says it on both streams and by a mark.
fn tell(code: i32) -> ! {
    use std::io::Write;
    let _ = write!(std::io::stdout(), "out {code}");
    let _ = write!(std::io::stderr(), "err {code}");
    probe::mark(format!("mark {code}"));
    std::process::exit(code)
}

#[test]
fn sixteen_threads_get_each_its_own_runs_ending() {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for run in 0..RUNS_PER_THREAD {
                    let code = i32::try_from(thread * RUNS_PER_THREAD + run).unwrap();
                    let exit = assert_exit_with(code, |code| tell(code)).code(code);
                    let exit = exit.stdout(format!("out {code}")).stderr(format!("err {code}"));
                    let exit = exit.cleanup_ran(format!("mark {code}"));
                    assert_eq!(exit.marks().len(), 1);
                    fails_with(|| exit.code(code + 1), &[&format!("happened: exit code {code}, ")]);
                }
            });
        }
    });
}

/// Says that it is there, and leaves with its number when the gate is opened for all.
fn wait_at_gate((directory, number): (OsString, usize)) -> ! {
    let directory = Path::new(&directory);
    std::fs::write(directory.join(number.to_string()), "").expect("a file");
    // To open a pipe for reading waits until somebody has it open for writing.
    let opened = std::fs::File::open(directory.join("gate"));
    std::process::exit(opened.map_or(255, |_| i32::try_from(number).expect("few")))
}

#[test]
fn sixty_four_targets_are_alive_at_once_and_each_ends_as_itself() {
    let directory = tempfile::tempdir().unwrap();
    let gate = directory.path().join("gate");
    let path = std::ffi::CString::new(gate.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path is NUL-terminated.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    std::thread::scope(|scope| {
        let run = |number: usize| {
            let place = directory.path().as_os_str().to_owned();
            move || {
                let code = i32::try_from(number).expect("few");
                let exit = assert_exit_with((place, number), wait_at_gate).code(code);
                fails_with(|| exit.code(255), &["expected: exit code 255"]);
            }
        };
        let runs: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(run(number))).collect();
        let begin = Instant::now();
        while directory.path().read_dir().unwrap().count() < AT_ONCE + 1 {
            assert!(begin.elapsed() < PATIENCE, "not all of them came");
            std::thread::yield_now();
        }
        // Opened both ways it does not wait for a reader; it stays open until all have left.
        let open = OpenOptions::new().read(true).write(true).open(&gate).unwrap();
        for run in runs {
            run.join().expect("it ended as itself");
        }
        drop(open);
    });
}
