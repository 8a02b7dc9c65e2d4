//! Many runs at once: each gets its own verdict, output and marks, and nothing grows.
#![expect(clippy::print_stdout, reason = "the targets print")]

use std::sync::Barrier;

use exeunt::prelude::*;

use crate::process::{descendants, descriptors, launcher, strangers};
use crate::support::fails_with;

const THREADS: i32 = 16;
const RUNS_OF_EACH: i32 = 4;

/// Runs a function, a program, one that is signalled and one that leaves a daemon, all telling
/// their number.
fn run_and_check(number: i32) {
    let code = number % 200 + 1;
    let exit = assert_exit_with(number, |number| {
        println!("function {number}");
        probe::mark(format!("mark {number}"));
        std::process::exit(number % 200 + 1);
    });
    let exit = exit.code(code).stdout(format!("function {number}\n")).stderr("");
    assert_eq!(exit.marks().iter().map(exeunt::Mark::label).collect::<Vec<_>>(), [format!("mark {number}")]);

    let script = "echo program $0 >&2; exit $1";
    let plan = program("sh").args(["-c", script, &number.to_string(), &code.to_string()]);
    plan.code(code).stderr(format!("program {number}\n")).stdout("");

    let script = "trap 'echo left $0; exit 7' TERM; sleep 1000 & echo ready; wait";
    let plan =
        program("sh").args(["-c", script, &number.to_string()]).signal_when(SIGTERM, Ready::stdout("ready"));
    let exit = plan.code(7).cleanup_ran(format!("left {number}"));
    assert_eq!(exit.leftovers().len(), 1);

    program("cat").stdin(number.to_string()).stdout(number.to_string());
    fails_with(|| program("sh").args(["-c", "exit 250"]).code(code), &["happened: exit code 250"]);
}

fn run_all_at_once() {
    let barrier = Barrier::new(THREADS.unsigned_abs() as usize);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let barrier = &barrier;
            scope.spawn(move || {
                // A thread that failed still comes to the barrier, or the others would wait for ever.
                let outcomes = (0..RUNS_OF_EACH).map(|run| {
                    barrier.wait();
                    std::panic::catch_unwind(|| run_and_check(thread * RUNS_OF_EACH + run))
                });
                for outcome in outcomes.collect::<Vec<_>>() {
                    outcome.unwrap();
                }
            });
        }
    });
}

#[test]
fn sixty_four_runs_on_sixteen_threads_all_get_their_own_verdict() {
    run_all_at_once();
}

isolated! {
    #[test]
    fn many_runs_at_once_leave_no_descriptor_and_no_process() {
        program("true").success();
        let launcher = launcher();
        let (before, of_the_launcher) = (descriptors("self"), descriptors(launcher.pid));
        for _ in 0..2 {
            run_all_at_once();
            assert_eq!(descriptors("self"), before);
            assert_eq!(strangers(), [""; 0]);
        }
        assert!(launcher.is_alive());
        assert_eq!(descriptors(launcher.pid), of_the_launcher);
        // One run at a time needs a supervisor and its spare; what many at once needed is gone again.
        let of_the_harness = descendants(launcher.pid).len();
        assert!(of_the_harness <= 8, "{of_the_harness} processes under the launcher");
    }
}
