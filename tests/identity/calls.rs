//! That it is the function of this call that runs, and that it runs elsewhere.

use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use exeunt::prelude::*;

use crate::support::fails_with;

#[test]
fn two_calls_in_one_test_are_two_functions() {
    let (one, two) = (assert_exit(|| exit(1)), assert_exit(|| exit(2)));
    // Carried out in the other order.
    let two = two.code(2);
    let one = one.code(1);
    fails_with(|| one.code(2), &["happened: exit code 1"]);
    fails_with(|| two.code(1), &["happened: exit code 2"]);
}

#[test]
fn the_same_function_may_run_again_and_again() {
    fn leaves() {
        exit(7)
    }
    for _ in 0..20 {
        assert_exit(leaves).code(7);
    }
    fails_with(|| assert_exit(leaves).code(8), &["happened: exit code 7"]);
}

/// One function, and many: each type has its own.
fn leave_with_size_of<T>() -> Exit {
    assert_exit(|| exit(i32::try_from(size_of::<T>()).unwrap())).run().unwrap()
}

#[test]
fn a_generic_function_runs_with_the_type_of_the_call() {
    leave_with_size_of::<u8>().code(1);
    leave_with_size_of::<u64>().code(8);
    leave_with_size_of::<[u16; 50]>().code(100);
    leave_with_size_of::<()>().code(0);
    fails_with(|| leave_with_size_of::<u32>().code(8), &["leave_with_size_of<u32>", "happened: exit code 4"]);
}

#[test]
fn a_constant_parameter_is_part_of_the_function() {
    fn leave_with<const CODE: i32>() -> Exit {
        assert_exit(|| exit(CODE)).run().unwrap()
    }
    leave_with::<11>().code(11);
    leave_with::<12>().code(12);
    fails_with(|| leave_with::<13>().code(12), &["happened: exit code 13"]);
}

trait Leaves {
    fn leave() -> !;
}

struct Early;
struct Late;

impl Leaves for Early {
    fn leave() -> ! {
        exit(21)
    }
}

impl Leaves for Late {
    fn leave() -> ! {
        exit(22)
    }
}

#[test]
fn a_method_of_a_trait_is_that_of_the_type() {
    assert_exit(Early::leave).code(21);
    assert_exit(<Late as Leaves>::leave).code(22);
    fails_with(|| assert_exit(Late::leave).code(21), &["happened: exit code 22"]);
}

#[test]
fn a_function_that_is_passed_on_keeps_its_identity() {
    fn passed_on<F: FnOnce(i32)>(f: F) -> Exit {
        assert_exit(move || f(1)).run().unwrap()
    }
    passed_on(|by| exit(30 + by)).code(31);
    passed_on(|by| exit(31 + by)).code(32);
    fails_with(|| passed_on(|by| exit(32 + by)).code(32), &["happened: exit code 33"]);
}

#[test]
fn a_value_of_no_size_may_be_captured() {
    #[derive(Clone, Copy)]
    struct Unit;
    let unit = Unit;
    let exit = assert_exit(move || {
        let Unit = unit;
        exit(5)
    })
    .code(5);
    fails_with(|| exit.success(), &["happened: exit code 5"]);
}

static RAN_HERE: AtomicBool = AtomicBool::new(false);

#[expect(clippy::print_stdout, reason = "it is the way to tell the test")]
fn notes_where_it_ran() {
    RAN_HERE.store(true, Ordering::Relaxed);
    println!("{}", std::process::id());
}

#[test]
fn the_function_never_runs_in_the_test_process() {
    let id = format!("{}\n", std::process::id());
    let exit = assert_exit(notes_where_it_ran).success();
    assert_ne!(exit.stdout_text(), id);
    // Nor where an assertion fails, nor by exec, nor where nothing is asserted.
    fails_with(|| exit.code(1), &["happened: exit code 0"]);
    assert_exit(notes_where_it_ran).arg("x").success();
    drop(assert_exit(notes_where_it_ran));
    assert!(!RAN_HERE.load(Ordering::Relaxed), "the function has run in the test process");
    // The control: called, it does.
    notes_where_it_ran();
    assert!(RAN_HERE.load(Ordering::Relaxed));
}

#[test]
fn a_plan_that_is_not_asserted_does_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ran");
    let plan =
        || assert_exit(|| std::fs::write(std::env::var_os("HERE").unwrap(), "").unwrap()).env("HERE", &path);
    drop(plan());
    assert!(!path.exists(), "a plan that was dropped has run");
    plan().success();
    assert!(path.exists());
}

static CHANGED: AtomicI32 = AtomicI32::new(1);

#[test]
fn what_the_test_changed_the_function_does_not_see() {
    CHANGED.store(2, Ordering::Relaxed);
    let exit = assert_exit(|| exit(CHANGED.load(Ordering::Relaxed))).code(1);
    fails_with(|| exit.code(2), &["happened: exit code 1"]);
    // And the reverse.
    assert_exit(|| CHANGED.store(3, Ordering::Relaxed)).returned();
    assert_eq!(CHANGED.load(Ordering::Relaxed), 2);
}

#[test]
fn calls_of_several_threads_do_not_get_mixed_up() {
    thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for round in 0..4 {
                    let code = 10 * thread + round;
                    assert_exit_with(code, |code| {
                        println!("{code}");
                        exit(code)
                    })
                    .code(code)
                    .stdout(format!("{code}\n"));
                }
            });
        }
    });
    fails_with(|| assert_exit_with(4, |code| exit(code)).code(14), &["happened: exit code 4"]);
}

mod a_module {
    pub(super) mod in_a_module {
        use exeunt::prelude::*;

        use crate::support::fails_with;

        #[test]
        fn a_test_in_a_module_is_named_with_its_path() {
            let exit = assert_exit(|| std::process::exit(3)).code(3);
            fails_with(
                || exit.code(4),
                &[
                    "function `identity::calls::a_module::in_a_module::a_test_in_a_module_is_named_with_its_path`",
                ],
            );
        }

        exeunt::isolated! {
            #[test]
            fn an_isolated_test_in_a_module_is_found() {
                let code = i32::try_from(std::env::args().count()).unwrap();
                let exit = assert_exit_forked(|| std::process::exit(code)).code(code);
                fails_with(|| exit.code(0), &["a_module::in_a_module::an_isolated_test_in_a_module_is_found"]);
            }
        }
    }
}

#[test]
fn the_report_names_the_function_and_the_line_of_the_call() {
    use crate::support::again;
    let name = "identity::calls::specimen";
    let exit = again(["--ignored", "--exact", "calls::specimen"])
        .code(101)
        .stdout(predicate::str::contains(format!("function `{name}`: not the expected exit")))
        .stdout(predicate::str::contains(format!("panicked at tests/identity/calls.rs:{SPECIMENS_LINE}:")));
    fails_with(|| exit.stdout(predicate::str::contains("src/assert/mod.rs")), &["of stdout"]);
}

const SPECIMENS_LINE: u32 = line!() + 5;

#[test]
#[ignore = "a specimen, for the test above"]
fn specimen() {
    assert_exit(|| exit(3)).success();
}
