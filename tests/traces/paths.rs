//! `removed`, `left`, `whole_or_absent`: what is at a path in the end, and whether anything ever was.

use std::ffi::CString;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use exeunt::prelude::*;

use crate::support::fails_with;
use crate::{leave_a_process, nothing_yet, shell};

#[test]
fn a_file_that_was_there_for_a_moment_is_removed() {
    let (_directory, path) = nothing_yet();
    let exit = shell(": > \"$0\"; rm \"$0\"", &path).removed(&path).success();
    fails_with(
        || exit.left(&path),
        &[&format!("expected: `{}` is left", path.display()), "it appeared during the run and is gone"],
    );
}

#[test]
fn a_file_that_is_there_in_the_end_is_left() {
    let (_directory, path) = nothing_yet();
    let exit = shell("echo hello > \"$0\"", &path).left(&path).success();
    fails_with(
        || exit.removed(&path),
        &[&format!("expected: `{}` is removed", path.display()), "because: a file of 6 bytes is there"],
    );
}

#[test]
fn a_file_that_never_was_is_neither_removed_nor_left() {
    let (_directory, path) = nothing_yet();
    const NEVER: &str = "it was never there, neither before the run nor at any time in it";
    fails_with(|| shell(":", &path).removed(&path), &[NEVER]);
    fails_with(|| shell(":", &path).left(&path), &[NEVER]);
    // Another file in the same directory is another file.
    fails_with(|| shell(": > \"$0.other\"; rm \"$0.other\"", &path).removed(&path), &[NEVER]);
}

#[test]
fn a_file_from_before_the_run_is_removed_too() {
    let (_directory, path) = nothing_yet();
    std::fs::write(&path, "before").unwrap();
    let exit = shell(":", &path).left(&path);
    fails_with(
        || exit.removed(&path),
        &["it was there before the run already, and a file of 6 bytes is there"],
    );
    let exit = shell("rm \"$0\"", &path).removed(&path);
    fails_with(|| exit.left(&path), &["it was there before the run already, and it is gone"]);
}

#[test]
fn a_file_that_is_renamed_into_its_place_appears_and_a_directory_does() {
    let (_directory, path) = nothing_yet();
    shell(": > \"$0.new\"; mv \"$0.new\" \"$0\"; rm \"$0\"", &path).removed(&path);
    shell("mkdir \"$0\"; rmdir \"$0\"", &path).removed(&path);
    let exit = shell("mkdir \"$0\"", &path).left(&path);
    fails_with(|| exit.removed(&path), &["because: a directory is there"]);
}

#[test]
fn a_link_to_nowhere_is_there() {
    let (_directory, path) = nothing_yet();
    let exit = shell("ln -s nowhere \"$0\"", &path).left(&path);
    fails_with(|| exit.removed(&path), &["a link that leads nowhere is there"]);
}

#[test]
fn a_process_that_is_killed_removes_nothing() {
    let (_directory, path) = nothing_yet();
    let plan = || {
        shell("trap 'rm \"$0\"; exit 0' TERM; : > \"$0\"; echo up; while :; do sleep 0.01; done", &path)
            .ready_when(Ready::stdout("up"))
    };
    plan().signal_after(SIGTERM, ms(0)).removed(&path).code(0);
    fails_with(|| plan().signal_after(SIGKILL, ms(0)).removed(&path), &["a file of 0 bytes is there"]);
}

#[test]
fn facts_know_only_what_was_watched() {
    let (directory, path) = nothing_yet();
    let other = directory.path().join("other");
    let script = ": > \"$0\"; rm \"$0\"";
    let exit = shell(script, &path).success();
    fails_with(
        || exit.clone().removed(&path),
        &[
            "nobody looked: only what is announced before the run is looked at",
            &format!("`.watch({path:?})`"),
        ],
    );
    fails_with(|| exit.clone().left(&path), &["nobody looked"]);
    fails_with(|| exit.clone().whole_or_absent(&path, "x"), &["nobody looked"]);
    fails_with(|| exit.clone().lock_free(&path), &["nobody looked"]);
    fails_with(|| exit.clone().no_open_descriptors(&path), &["nobody looked"]);
    fails_with(|| exit.clone().port_free("127.0.0.1:1"), &["nobody looked", "`.watch_ports()`"]);
    fails_with(|| exit.no_temp_files_left(), &["nobody looked", "`.own_temp_dir()`"]);
    // Whether it exists is not all that can be asked of a path.
    let exit = shell(script, &path).removed(&path);
    fails_with(|| exit.clone().removed(&other), &["nobody looked"]);
    fails_with(|| exit.lock_free(&path), &["nobody looked"]);
    let exit = shell(script, &path).watch(&path).watch(&other).success().removed(&path).lock_free(&path);
    fails_with(|| exit.removed(&other), &["it was never there"]);
}

#[test]
fn facts_stay_what_they_were() {
    let (_directory, path) = nothing_yet();
    let exit = shell(": > \"$0\"", &path).left(&path);
    std::fs::remove_file(&path).unwrap();
    fails_with(|| exit.left(&path).removed(&path), &["a file of 0 bytes is there"]);
}

#[test]
fn a_path_in_a_directory_that_is_not_there_cannot_be_watched() {
    let (_directory, path) = nothing_yet();
    let nested = path.join("file");
    fails_with(
        || shell("mkdir \"$0\"; : > \"$0/file\"; rm -r \"$0\"", &path).removed(&nested),
        &["could not watch", "No such file or directory", "It must exist when the run begins"],
    );
    fails_with(|| program("true").removed("/"), &["names nothing that could come and go"]);
}

#[test]
fn a_relative_path_counts_from_the_directory_of_the_test() {
    let (_directory, path) = nothing_yet();
    let up = std::env::current_dir().unwrap().components().skip(1).map(|_| "..").collect::<PathBuf>();
    let relative = up.join(path.strip_prefix("/").unwrap());
    let exit = shell(": > \"$0\"", &path).current_dir("/").left(&relative);
    fails_with(|| exit.removed(&relative), &["a file of 0 bytes is there"]);
}

#[test]
fn a_relative_path_that_was_meant_from_the_targets_directory_is_told() {
    let (directory, path) = nothing_yet();
    let plan = || shell("echo half > it; rm it", &path).current_dir(&directory);
    let because = "it was never there, neither before the run nor at any time in it (a relative path counts from the \
                   working directory of the test, not from `current_dir`)\n";
    fails_with(|| plan().removed("it"), &[because]);
    fails_with(|| plan().left("it"), &[because]);
    fails_with(|| plan().lock_free("it"), &[because]);
    plan().removed(directory.path().join("it"));
    // Where there never is anything this would hold.
    fails_with(
        || plan().whole_or_absent("it", "whole\n"),
        &["`it` counts from the working directory of the test, and the target runs in another"],
    );
    plan().whole_or_absent(directory.path().join("it"), "whole\n");
    shell(":", &path).whole_or_absent("exeunt-no-such-file", "whole\n");
    let gate = plan().ready_when(Ready::file("exeunt-no-such-file"));
    fails_with(
        || gate.success(),
        &["it is not there (a relative path counts from the working directory of the test"],
    );
}

#[test]
fn many_arrivals_in_the_directory_hide_none() {
    let (_directory, path) = nothing_yet();
    let script = "i=0; while [ $i -lt 2000 ]; do : > \"$0.$i\"; i=$((i+1)); done; : > \"$0\"; rm \"$0\"";
    shell(script, &path).removed(&path).success();
}

#[test]
fn a_file_is_whole_or_absent_or_it_is_torn() {
    let (_directory, path) = nothing_yet();
    let whole = || predicate::str::ends_with("end\n").from_utf8();
    shell(":", &path).whole_or_absent(&path, whole()).success();
    shell("echo begin end > \"$0\"", &path)
        .whole_or_absent(&path, whole())
        .whole_or_absent(&path, "begin end\n");
    fails_with(
        || shell("printf begin > \"$0\"", &path).whole_or_absent(&path, whole()),
        &["absent, or whole, of `", "a file of 5 bytes is there"],
    );
    fails_with(
        || shell("printf begin > \"$0\"", &path).whole_or_absent(&path, "begin end\n"),
        &["absent, or whole, of `", "-begin end", "+begin"],
    );
    fails_with(
        || shell("yes end | head -n 100 > \"$0\"", &path).capture_limit(100).whole_or_absent(&path, whole()),
        &["a file of 400 bytes is there, which could not be read, is longer than `capture_limit`, or"],
    );
    fails_with(
        || shell("rm \"$0\"; mkdir \"$0\"", &path).whole_or_absent(&path, whole()),
        &["because: a directory is there"],
    );
}

#[test]
fn the_file_of_a_unix_socket_stays_where_it_is_not_removed() {
    let (_directory, path) = nothing_yet();
    let exit = assert_exit_with(path.clone(), |path| drop(UnixListener::bind(path).unwrap())).left(&path);
    fails_with(|| exit.removed(&path), &["because: a socket is there"]);
    std::fs::remove_file(&path).unwrap();
    let exit = assert_exit_with(path.clone(), |path| {
        drop(UnixListener::bind(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
    });
    exit.removed(&path).returned();
}

#[test]
fn shared_memory_and_semaphores_are_found_by_their_names() {
    fn make(name: String, unlinked: bool) {
        let name = CString::new(name).unwrap();
        // SAFETY: the name is NUL-terminated.
        assert!(unsafe { libc::shm_open(name.as_ptr(), libc::O_CREAT | libc::O_RDWR, 0o600) } >= 0);
        // SAFETY: as above; the mode and the value are what O_CREAT asks for.
        assert!(!unsafe { libc::sem_open(name.as_ptr(), libc::O_CREAT, 0o600, 1) }.is_null());
        if unlinked {
            // SAFETY: as above.
            unsafe { libc::shm_unlink(name.as_ptr()) };
            // SAFETY: as above.
            unsafe { libc::sem_unlink(name.as_ptr()) };
        }
    }
    let name = format!("/exeunt-test-{}", std::process::id());
    let (memory, semaphore) = (exeunt::shared_memory(&name), exeunt::named_semaphore(&name));
    let plan = |unlinked| {
        assert_exit_with((name.clone(), unlinked), |(name, unlinked)| make(name, unlinked))
            .watch(&memory)
            .watch(&semaphore)
    };
    plan(true).returned().removed(&memory).removed(&semaphore);
    let exit = plan(false).returned().left(&memory).left(&semaphore);
    std::fs::remove_file(&memory).unwrap();
    std::fs::remove_file(&semaphore).unwrap();
    fails_with(|| exit.clone().removed(&memory), &["`/dev/shm/exeunt-test-", "a file of 0 bytes is there"]);
    fails_with(|| exit.removed(&semaphore), &["`/dev/shm/sem.exeunt-test-"]);
}

#[test]
fn what_a_leftover_holds_in_the_file_system_is_there_when_it_is_dead() {
    let (_directory, path) = nothing_yet();
    let exit = assert_exit_with(path.clone(), |path| {
        std::fs::write(path, "pid").unwrap();
        leave_a_process();
    });
    let exit = exit.left(&path).leftovers_are(1);
    fails_with(|| exit.removed(&path), &["a file of 3 bytes is there"]);
}

#[test]
fn where_more_happens_than_the_kernel_keeps_nothing_is_claimed() {
    let kept = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let kept: u32 = kept.trim().parse().unwrap();
    let plan = |path: &Path, times: u32| {
        assert_exit_with((path.to_owned(), times), |(path, times): (PathBuf, u32)| {
            let names = [path.with_extension("a"), path.with_extension("b")];
            std::fs::write(&names[0], "").unwrap();
            for time in 0..times {
                let from = usize::from(time % 2 == 1);
                std::fs::rename(&names[from], &names[1 - from]).unwrap();
            }
        })
    };
    let (_directory, path) = nothing_yet();
    fails_with(|| plan(&path, 100).removed(&path), &["it was never there"]);
    fails_with(
        || plan(&path, kept + 100).removed(&path),
        &["whether it ever was there is not known", "the kernel did not tell of all of it"],
    );
}

#[test]
fn what_cannot_be_looked_at_is_not_taken_for_absent() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let file = inside.join("lock");
    // A link that leads to itself can be followed by nobody, root included.
    let script = ": > \"$0\"; d=$(dirname \"$0\"); mv \"$d\" \"$d.moved\"; ln -s \"$d\" \"$d\"";
    let exit = shell(script, &file).watch(&file).success();
    let unknown = "what the test process may not look at";
    fails_with(|| exit.clone().removed(&file), &["is removed", unknown]);
    fails_with(|| exit.clone().left(&file), &["is left", unknown]);
    fails_with(|| exit.clone().lock_free(&file), &["is not locked", unknown]);
    fails_with(|| exit.whole_or_absent(&file, ""), &["absent, or whole", unknown]);
}

#[test]
fn a_link_to_what_is_not_there_shows_no_lock_and_no_file() {
    let (_directory, path) = nothing_yet();
    let exit = shell("ln -s \"$0.never\" \"$0\"", &path).watch(&path).success().left(&path);
    let broken = "a link that leads nowhere is there";
    fails_with(|| exit.clone().lock_free(&path), &["is not locked", broken]);
    fails_with(|| exit.clone().no_open_descriptors(&path), &["open", broken]);
    fails_with(|| exit.clone().whole_or_absent(&path, ""), &["absent, or whole", broken]);
    fails_with(|| exit.removed(&path), &[broken]);
    // One to a file is that file.
    let exit = shell(": > \"$0.file\"; ln -s \"$0.file\" \"$0\"", &path.with_extension("other"));
    let path = path.with_extension("other");
    exit.watch(&path).success().left(&path).lock_free(&path).no_open_descriptors(&path);
}

#[test]
fn a_path_at_which_nothing_can_be_is_refused() {
    let (directory, path) = nothing_yet();
    let long = directory.path().join("n".repeat(256));
    fails_with(|| shell(":", &path).removed(&long), &["nothing can be at `", "File name too long"]);
    fails_with(|| shell(":", &path).whole_or_absent(&long, "x"), &["nothing can be at `"]);
    fails_with(|| shell(":", &path).left("a\0b"), &["nothing can be at `a"]);
    let longest = directory.path().join("n".repeat(255));
    shell(": > \"$0\"; rm \"$0\"", &longest).removed(&longest);
}
