//! This process's environment as C sees it: for targets before their own code runs.

use std::ffi::{CStr, CString, c_char};

unsafe extern "C" {
    static mut environ: *const *const c_char;
}

/// Replaces the whole environment. Only in a process with one thread; the strings are kept for the
/// life of the process.
pub(crate) fn replace(variables: Vec<CString>) {
    let mut pointers: Vec<*const c_char> =
        variables.into_iter().map(|variable| CString::into_raw(variable).cast_const()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: one thread, so that nobody reads the list meanwhile; list and strings are leaked.
    unsafe { environ = Vec::leak(pointers).as_ptr() };
}

/// Takes a variable out of the environment, and its text out of what `/proc/PID/environ` shows.
/// Only in a process with one thread, before `main` or just after a fork.
pub(crate) fn take(name: &CStr) -> Option<String> {
    // SAFETY: the name is NUL-terminated, and nobody changes the environment meanwhile.
    let found = unsafe { libc::getenv(name.as_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: getenv returned a NUL-terminated string.
    let text = unsafe { CStr::from_ptr(found) };
    let len = text.to_bytes().len();
    let text = text.to_string_lossy().into_owned();
    // SAFETY: the name is NUL-terminated; one thread.
    unsafe { libc::unsetenv(name.as_ptr()) };
    let whole = name.to_bytes().len() + 1 + len;
    // SAFETY: `getenv` points behind the `NAME=` of a text that the kernel or `setenv` put into
    // writable memory of this process; nothing refers to it any more.
    let start = unsafe { found.sub(name.to_bytes().len() + 1) };
    // SAFETY: see above.
    unsafe { std::ptr::write_bytes(start, 0, whole) };
    Some(text)
}

/// The list of variables as C code gets it.
pub(crate) fn current() -> *const *const c_char {
    // SAFETY: reads one pointer; one thread.
    unsafe { environ }
}
