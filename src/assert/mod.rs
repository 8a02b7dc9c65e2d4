//! The assertions: each compares the facts of a run with what is expected, and hands a mismatch to
//! the report.

mod cleanup;
mod output;
mod traces;

use std::fmt::Display;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::assert::{IntoCodePredicate, IntoOutputPredicate};
use predicates_core::Predicate;

use crate::error::Error;
use crate::evidence;
use crate::exit::{Ending, Exit, How, Outputs};
use crate::exit_test::{ExitTest, Question, scaled};
use crate::report::{self, Mismatch};
use crate::script::IntoTextMatch;
use crate::signal::{SIGABRT, Signal};

/// Assertions on how a process ended, on a plan ([`ExitTest`], which they carry out) and on the
/// facts ([`Exit`]). Each gives the facts back, so that they can be chained.
///
/// # Panics
///
/// All of them panic with a report where the assertion does not hold, and where the run failed:
/// where the target was not started, or the script not carried out.
pub trait ExitAssert: Sized {
    /// The facts; with a time, the run ends at the latest this long after its script.
    #[doc(hidden)]
    fn conclude(self, observe_for: Option<Duration>) -> Result<Exit, Error>;

    /// Announces to a plan what is going to be asked. The facts are what they are.
    #[doc(hidden)]
    fn announce(self, question: Question) -> Self;

    /// The exit code is this, or one of these, or one for which the predicate holds. What it takes is
    /// exactly what assert_cmd's `code` takes. A signal is never a code.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// program("false").code(1).code(vec![1, 2]).code(predicate::ne(0));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics also for a code that no process can have: codes go from 0 to 255, and `code(512)` or
    /// `code(-1)` are not taken modulo 256.
    #[track_caller]
    fn code<I, P>(self, expected: I) -> Exit
    where
        I: IntoCodePredicate<P>,
        P: Predicate<i32>,
    {
        let predicate = expected.into_code();
        if !(0..=255).any(|code| predicate.eval(&code)) {
            fail(&report::impossible_code(&predicate));
        }
        let exit = concluded(self);
        let holds = matches!(exit.ending(), Ending::Code(code) if predicate.eval(code));
        check(exit, holds, || Mismatch::new(report::code_expectation(&predicate)))
    }

    /// The exit code is 0.
    #[track_caller]
    fn success(self) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.ending(), Ending::Code(0));
        check(exit, holds, || Mismatch::new("success (exit code 0)"))
    }

    /// The exit code is not 0, or a signal killed the target. The end by the deadline is not meant, nor
    /// that by the SIGKILL of an [`escalate`](crate::ExitTest::escalate).
    #[track_caller]
    fn failure(self) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.ending(), Ending::Code(1..) | Ending::Signal { .. });
        let holds = holds && exit.forced().is_none();
        check(exit, holds, || Mismatch::new("failure (an exit code that is not 0, or a signal)"))
    }

    /// This signal killed the target, with a core dump or without. An exit code of 128 and the signal's
    /// number, as a shell makes, is not that.
    #[track_caller]
    fn killed_by(self, expected: Signal) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.ending(), Ending::Signal { signal, .. } if *signal == expected);
        check(exit, holds, || Mismatch::new(format!("killed by {expected}")))
    }

    /// SIGABRT killed the target.
    #[track_caller]
    fn aborted(self) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.ending(), Ending::Signal { signal, .. } if *signal == SIGABRT);
        check(exit, holds, || Mismatch::new(format!("aborted (killed by {SIGABRT})")))
    }

    /// A signal killed the target, and it left a core dump. See [`ExitTest::core_dumps`].
    #[track_caller]
    fn core_dumped(self) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.ending(), Ending::Signal { core_dumped: true, .. });
        check(exit, holds, || {
            Mismatch::new("killed by a signal that left a core dump").and(report::core_dumps())
        })
    }

    /// The target was still running at the deadline, or when the time of
    /// [`still_running_after`](Self::still_running_after) was over, and the harness ended it.
    #[track_caller]
    fn timed_out(self) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.ending(), Ending::TimedOut { .. });
        check(exit, holds, || Mismatch::new("still running at the deadline"))
    }

    /// The target is still running this long after the last step of its script (without one, after
    /// readiness, else after its start). On a plan the run is then ended; on facts the duration
    /// counts. Not multiplied by `EXEUNT_TIMEOUT_SCALE`.
    #[track_caller]
    fn still_running_after(self, time: Duration) -> Exit {
        let exit = concluded_after(self, Some(time));
        let ran = exit.duration().saturating_sub(exit.last_step());
        let script_done = exit.script_done;
        check(exit, script_done && ran >= time, || {
            Mismatch::new(format!("still running after {}", report::duration(time)))
                .and(format!("it ran for {}", report::duration(ran)))
                .and_if(!script_done, || "its script was not carried out to the end".to_owned())
        })
    }

    /// The function returned.
    #[track_caller]
    fn returned(self) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.how(), Some(How::Returned));
        check_way(exit, holds, || Mismatch::new("the function returns"))
    }

    /// A panic ended the function.
    #[track_caller]
    fn panicked(self) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.how(), Some(How::Panicked { .. }));
        check_way(exit, holds, || Mismatch::new("the function panics"))
    }

    /// A panic ended the function, and its message contains this text, or the predicate holds for it.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// assert_exit(|| panic!("no such file: {}", "x.toml")).panicked_with("no such file");
    /// ```
    #[track_caller]
    fn panicked_with<P>(self, expected: impl IntoTextMatch<P>) -> Exit {
        let expected = expected.into_text_match();
        let exit = concluded(self);
        let holds = matches!(exit.how(), Some(How::Panicked { message, .. }) if expected.matches(message));
        check_way(exit, holds && !expected.is_empty(), || {
            Mismatch::new(format!("the function panics with a message {expected}"))
                .and_if(expected.is_empty(), || {
                    "an empty text is in every message; ask for `panicked`".to_owned()
                })
        })
    }

    /// The function ended its process without its exit hooks, as `_exit` does.
    #[track_caller]
    fn exited_immediately(self) -> Exit {
        let exit = concluded(self);
        let holds = matches!(exit.how(), Some(How::ExitedImmediately));
        check_way(exit, holds, || Mismatch::new("the function ends its process at once, without exit hooks"))
    }

    /// The exit hooks (`atexit`) of the function's process ran, all of them.
    #[track_caller]
    fn hooks_ran(self) -> Exit {
        let exit = concluded(self);
        let known = exit.hooks_ran;
        check(exit, known == Some(true), || {
            let mismatch = Mismatch::new("the exit hooks run");
            match known {
                Some(_) => mismatch.and("they were skipped, or one of them did not return"),
                None => mismatch.and(
                    "only a function's process tells; let a program call `exeunt::probe::at_exit` and ask for \
                     `cleanup_ran`",
                ),
            }
        })
    }

    /// What the target wrote to stdout is this, or the predicate holds for it. What it takes is exactly
    /// what assert_cmd's `stdout` takes. At a terminal ([`ExitTest::pty`]) it is all that appeared there.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// program("echo").arg("hi").stdout("hi\n").stdout(predicate::str::contains("h"));
    /// ```
    #[track_caller]
    fn stdout<I, P>(self, expected: I) -> Exit
    where
        I: IntoOutputPredicate<P>,
        P: Predicate<[u8]>,
    {
        let exit = concluded(self);
        let predicate = expected.into_output();
        let mismatch = output::stream("stdout", &exit.stdout, &predicate);
        settle(exit, mismatch)
    }

    /// What the target wrote to stderr is this, or the predicate holds for it. At a terminal
    /// ([`ExitTest::pty`]) it always fails, for there it comes with stdout.
    #[track_caller]
    fn stderr<I, P>(self, expected: I) -> Exit
    where
        I: IntoOutputPredicate<P>,
        P: Predicate<[u8]>,
    {
        let exit = concluded(self);
        let predicate = expected.into_output();
        let mismatch = match exit.outputs {
            Outputs::Terminal => Some(output::one_stream("stderr", &predicate)),
            Outputs::Apart => output::stream("stderr", &exit.stderr, &predicate),
        };
        settle(exit, mismatch)
    }

    /// This text reached stdout or stderr: it left the target's buffers before the end. At a terminal
    /// ([`ExitTest::pty`]), which ends lines by `\r\n`, a `\n` of the text stands for that.
    #[track_caller]
    fn flushed(self, text: impl AsRef<str>) -> Exit {
        let exit = concluded(self);
        let mismatch = output::flushed(&exit, text.as_ref());
        settle(exit, mismatch)
    }

    /// This text reached neither stdout nor stderr.
    #[track_caller]
    fn not_flushed(self, text: impl AsRef<str>) -> Exit {
        let exit = concluded(self);
        let mismatch = output::not_flushed(&exit, text.as_ref());
        settle(exit, mismatch)
    }

    /// There is evidence that this clean-up ran: a mark with this label, a `cleanup_check` of this
    /// label that holds, or a complete line of output that contains it. Where the script delivered a
    /// signal, marks and lines count only after the first delivery.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// assert_exit(|| println!("lock released")).cleanup_ran("lock released");
    /// assert_exit(|| exeunt::probe::mark("lock released")).cleanup_ran("lock released");
    /// ```
    #[track_caller]
    fn cleanup_ran(self, label: impl AsRef<str>) -> Exit {
        let label = label.as_ref();
        let exit = concluded(self);
        let findings = evidence::of_cleanup(&exit, label);
        let holds = !findings.valid.is_empty() && !label.is_empty();
        let mismatch = (!holds).then(|| {
            Mismatch::new(format!("the clean-up {label:?} runs"))
                .and("there is no evidence that it did")
                .and_all(report::where_it_looked(&exit, label, &findings))
        });
        settle(exit, mismatch)
    }

    /// There is no evidence that this clean-up ran; the opposite of [`cleanup_ran`](Self::cleanup_ran).
    /// It fails where not all output was kept, for then the evidence may have been left out.
    #[track_caller]
    fn cleanup_skipped(self, label: impl AsRef<str>) -> Exit {
        let label = label.as_ref();
        let exit = concluded(self);
        let findings = evidence::of_cleanup(&exit, label);
        let holds = findings.valid.is_empty() && findings.not_looked_at == 0 && !label.is_empty();
        check(exit, holds, || {
            Mismatch::new(format!("the clean-up {label:?} is skipped"))
                .and_if(label.is_empty(), || report::empty("label"))
                .and_all(report::not_skipped(&findings))
        })
    }

    /// This clean-up ran, and ran once in the whole run: there is evidence for it as for
    /// [`cleanup_ran`](Self::cleanup_ran), and not twice.
    ///
    /// Marks are counted for themselves, and so are the lines of stdout and those of stderr: a program that
    /// makes a mark, prints a line and answers a check has told of one clean-up. Counted as a second time is
    /// also what is no evidence: a mark or line from before the first signal, and the drop of a guard's copy
    /// by a fork. So code is found that ran twice because a forked child fell through into its parent's. Marks
    /// tell which process made them, lines do not; and a line comes twice also where a fork inherited it in a
    /// buffer that both processes flushed.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// assert_exit(|| exeunt::probe::mark("lock released")).cleanup_ran_once("lock released");
    /// ```
    #[track_caller]
    fn cleanup_ran_once(self, label: impl AsRef<str>) -> Exit {
        let exit = concluded(self);
        let mismatch = cleanup::ran_once(&exit, label.as_ref());
        settle(exit, mismatch)
    }

    /// The clean-up of these labels ran, each at least once and in this order; other labels may lie in between.
    ///
    /// All of it must be told in one place, be it by marks, by lines of stdout or by lines of stderr: between those
    /// no order is known. In a line, a label is not seen where it is a part of a longer one. A label that is seen
    /// several times in a row counts once, or as often as it is named in a row; one that is seen again after the next
    /// has begun is another order. Where the script delivered a signal, only what came after the first delivery
    /// counts. Checks have no order.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// assert_exit(|| {
    ///     exeunt::probe::at_exit("socket closed");
    ///     exeunt::probe::at_exit("lock released");
    /// })
    /// .cleanup_order(["lock released", "socket closed"]);
    /// ```
    #[track_caller]
    fn cleanup_order<I>(self, labels: I) -> Exit
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let labels: Vec<String> = labels.into_iter().map(|label| label.as_ref().to_owned()).collect();
        let exit = concluded(self);
        let mismatch = cleanup::in_order(&exit, &labels);
        settle(exit, mismatch)
    }

    /// Every drop guard of this label ([`probe::on_drop`](crate::probe::on_drop)) that was armed was
    /// dropped, and at least one was armed.
    #[track_caller]
    fn dropped(self, label: impl AsRef<str>) -> Exit {
        let exit = concluded(self);
        let mismatch = cleanup::dropped(&exit, label.as_ref());
        settle(exit, mismatch)
    }

    /// No drop guard of this label was dropped, and at least one was armed.
    #[track_caller]
    fn not_dropped(self, label: impl AsRef<str>) -> Exit {
        let exit = concluded(self);
        let mismatch = cleanup::not_dropped(&exit, label.as_ref());
        settle(exit, mismatch)
    }

    /// When the target ended there was no zombie: no process of the run that had ended, and whose parent was
    /// alive (or was the target) and had not waited for it. A plan is carried out [`traced`](ExitTest::traced),
    /// for only so a zombie is told from an orphan that ended just before the target; facts of a run that was
    /// not fail where there was either.
    #[track_caller]
    fn no_zombies(self) -> Exit {
        let exit = concluded(self.announce(Question::Zombies));
        let mismatch = cleanup::zombies(&exit);
        settle(exit, mismatch)
    }

    /// Every drop guard that was armed, of whatever label, was dropped by the process that armed it; and at
    /// least one was armed.
    #[track_caller]
    fn all_dropped(self) -> Exit {
        let exit = concluded(self);
        let mismatch = cleanup::all_dropped(&exit);
        settle(exit, mismatch)
    }

    /// No process that came from the target was alive when the target ended ([`Exit::leftovers`]).
    #[track_caller]
    fn no_leftovers(self) -> Exit {
        self.leftovers_are(0)
    }

    /// So many processes that came from the target were alive when the target ended. All have been killed
    /// since.
    #[track_caller]
    fn leftovers_are(self, expected: usize) -> Exit {
        let exit = concluded(self);
        let mismatch = cleanup::left(&exit, expected);
        settle(exit, mismatch)
    }

    /// Something was at this path, before the run or at some time in it, and when all was dead there was
    /// nothing any more. What never was is not removed.
    ///
    /// On a plan the path is watched for that; facts know it only where the plan had
    /// [`watch`](ExitTest::watch). The same holds for the other questions about a path. A unix socket, a
    /// directory, a [shared memory object](crate::shared_memory) and a
    /// [named semaphore](crate::named_semaphore) are paths as well.
    #[track_caller]
    fn removed(self, path: impl AsRef<Path>) -> Exit {
        let exit = concluded(self.announce(Question::Path(path.as_ref().to_owned())));
        let mismatch = traces::removed(&exit, path.as_ref());
        settle(exit, mismatch)
    }

    /// Something is at this path when all is dead, be it that it was there before the run.
    #[track_caller]
    fn left(self, path: impl AsRef<Path>) -> Exit {
        let exit = concluded(self.announce(Question::Path(path.as_ref().to_owned())));
        let mismatch = traces::left(&exit, path.as_ref());
        settle(exit, mismatch)
    }

    /// When all is dead there is nothing at this path, or a file whose content is this (or one for which the
    /// predicate holds), as it is where a file is written under another name and then renamed. Of a file
    /// longer than [`capture_limit`](ExitTest::capture_limit) this cannot be known. Since a path at which there
    /// never is anything will do, a relative one is refused where the plan has a `current_dir`.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let report = directory.path().join("report");
    /// program("sh")
    ///     .args(["-c", r#"echo complete > "$0.new" && mv "$0.new" "$0""#])
    ///     .arg(&report)
    ///     .whole_or_absent(&report, predicate::str::ends_with("complete\n").from_utf8());
    /// ```
    #[track_caller]
    fn whole_or_absent<I, P>(self, path: impl AsRef<Path>, whole: I) -> Exit
    where
        I: IntoOutputPredicate<P>,
        P: Predicate<[u8]>,
    {
        let exit = concluded(self.announce(Question::Content(path.as_ref().to_owned())));
        let mismatch = traces::whole_or_absent(&exit, path.as_ref(), &whole.into_output());
        settle(exit, mismatch)
    }

    /// When the target had ended, no process held a lock on this file, by `flock` or by `fcntl` (POSIX or
    /// open file description), neither one that the target left nor another. A file that is not there any more
    /// is not locked; one that never was is a failure.
    #[track_caller]
    fn lock_free(self, path: impl AsRef<Path>) -> Exit {
        let exit = concluded(self.announce(Question::Lock(path.as_ref().to_owned())));
        let mismatch = traces::lock_free(&exit, path.as_ref());
        settle(exit, mismatch)
    }

    /// When the target had ended, no process that it left had this file open, whether it still had its name
    /// or not.
    #[track_caller]
    fn no_open_descriptors(self, path: impl AsRef<Path>) -> Exit {
        let exit = concluded(self.announce(Question::Descriptors(path.as_ref().to_owned())));
        let mismatch = traces::no_open_descriptors(&exit, path.as_ref());
        settle(exit, mismatch)
    }

    /// When the target had ended, no socket listened at this TCP address, neither one of a process that the
    /// target left nor another. That one ever did listen there this does not show; a gate does
    /// ([`Ready::port`](crate::Ready::port)).
    ///
    /// On facts it can be asked where the plan had [`watch_ports`](ExitTest::watch_ports).
    ///
    /// # Panics
    ///
    /// Panics also for an address that cannot be resolved.
    #[track_caller]
    fn port_free(self, address: impl ToSocketAddrs) -> Exit {
        let addresses = match address.to_socket_addrs() {
            Ok(addresses) => addresses.collect::<Vec<_>>(),
            Err(error) => fail(&report::no_address(&error)),
        };
        let exit = concluded(self.announce(Question::Ports));
        let mismatch = traces::port_free(&exit, &addresses);
        settle(exit, mismatch)
    }

    /// The target made temporary files, in a directory that is its own
    /// ([`own_temp_dir`](ExitTest::own_temp_dir)), and none of them is left. One that made none, or made them
    /// elsewhere, fails.
    #[track_caller]
    fn no_temp_files_left(self) -> Exit {
        let exit = concluded(self.announce(Question::TempDir));
        let mismatch = traces::no_temp_files_left(&exit);
        settle(exit, mismatch)
    }

    /// The target ended at most this long after it was last given a reason to leave (a signal, a key, a
    /// stream that was closed), or without one after its start. One that had to be forced has not ended in
    /// time. Multiplied by `EXEUNT_TIMEOUT_SCALE`.
    #[track_caller]
    fn within(self, limit: Duration) -> Exit {
        let limit = scaled(limit);
        let exit = concluded(self);
        let (since, from) = match &exit.last_delivery {
            Some(last) => (last.at, report::was_done(&last.delivery)),
            None => (Duration::ZERO, "its start".to_owned()),
        };
        let took = exit.duration().saturating_sub(since);
        let ended = !matches!(exit.ending(), Ending::TimedOut { .. });
        let forced = exit.forced().is_some();
        check(exit, ended && !forced && took <= limit, || {
            Mismatch::new(format!("ended within {} after {from}", report::duration(limit)))
                .and_if(!forced, || format!("it took {}", report::duration(took)))
        })
    }
}

impl ExitAssert for ExitTest {
    fn conclude(self, observe_for: Option<Duration>) -> Result<Exit, Error> {
        self.run_observed(observe_for)
    }

    fn announce(self, question: Question) -> Self {
        self.ask(question)
    }
}

impl ExitAssert for Exit {
    fn conclude(self, _: Option<Duration>) -> Result<Exit, Error> {
        Ok(self)
    }

    fn announce(self, _: Question) -> Self {
        self
    }
}

#[track_caller]
fn concluded(subject: impl ExitAssert) -> Exit {
    concluded_after(subject, None)
}

#[track_caller]
fn concluded_after(subject: impl ExitAssert, observe_for: Option<Duration>) -> Exit {
    match subject.conclude(observe_for) {
        Ok(exit) => exit,
        Err(error) => fail(&error),
    }
}

/// Gives the facts back, or panics with a report of the mismatch.
#[track_caller]
fn check(exit: Exit, holds: bool, mismatch: impl FnOnce() -> Mismatch) -> Exit {
    if !holds {
        fail(&report::mismatch(&exit, &mismatch()));
    }
    exit
}

/// The same for the way by which a function left, of which a program tells nothing.
#[track_caller]
fn check_way(exit: Exit, holds: bool, mismatch: impl FnOnce() -> Mismatch) -> Exit {
    let is_program = exit.hooks_ran.is_none();
    check(exit, holds, || mismatch().and_if(is_program, report::ways_of_functions))
}

/// Gives the facts back, or panics with a report of what is wrong.
#[track_caller]
fn settle(exit: Exit, mismatch: Option<Mismatch>) -> Exit {
    match mismatch {
        Some(mismatch) => fail(&report::mismatch(&exit, &mismatch)),
        None => exit,
    }
}

#[track_caller]
fn fail(message: &dyn Display) -> ! {
    let report = message.to_string();
    if report::colour_is_wanted() {
        panic!("{}", report::painted(&report));
    }
    panic!("{report}")
}
