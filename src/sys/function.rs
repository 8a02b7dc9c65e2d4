//! How a function travels to a fresh process: as the distance of a trampoline, instantiated for
//! the function's type, from a known place in the same executable.

use std::marker::PhantomData;
use std::process::{ExitCode, Termination};
use std::sync::atomic::AtomicU8;

use serde::de::DeserializeOwned;

/// Calls one particular function; the argument is what its caller serialised. The error says that
/// the arguments could not be decoded.
pub(crate) type Trampoline = fn(&[u8]) -> Result<ExitCode, postcard::Error>;

/// The known place that distances are counted from. A static, for it has one address, where the
/// compiler may make several copies of a function.
static ANCHOR: AtomicU8 = AtomicU8::new(0);

fn anchor() -> usize {
    (&raw const ANCHOR).addr()
}

/// The address of a trampoline, relative to the anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Address(usize);

impl Address {
    /// `None` where the trampoline is in another loaded object than this crate, so that the
    /// distance would mean nothing in another process.
    pub(crate) fn of(trampoline: Trampoline) -> Option<Self> {
        let at = trampoline as *const () as usize;
        let same = object_of(at)? == object_of(anchor())?;
        same.then(|| Self(at.wrapping_sub(anchor())))
    }

    /// An address of no trampoline, which is never called.
    pub(crate) const fn nowhere() -> Self {
        Self(usize::MAX)
    }

    /// The trampoline in this process, which runs the same executable.
    pub(crate) fn trampoline(self) -> Trampoline {
        let at = anchor().wrapping_add(self.0);
        // SAFETY: `of` made the distance from a trampoline of the same executable image: the
        // launcher was started from the test process's own /proc/self/exe.
        unsafe { std::mem::transmute::<usize, Trampoline>(at) }
    }
}

/// Where the loaded object that holds `address` begins.
pub(crate) fn object_of(address: usize) -> Option<usize> {
    // SAFETY: an all-zero Dl_info is a valid value to be overwritten.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is live; the address is only looked up.
    let found = unsafe { libc::dladdr(address as *const libc::c_void, &raw mut info) };
    (found != 0).then_some(info.dli_fbase as usize)
}

/// The trampoline for a function without arguments.
pub(crate) fn without_arguments<F, T>(_: NoCaptures<F>, f: F) -> Trampoline
where
    F: FnOnce() -> T,
    T: Termination,
{
    std::mem::forget(f);
    |_| {
        let f: F = conjure();
        Ok(f().report())
    }
}

/// The trampoline for a function with one argument that is serialised.
pub(crate) fn with_arguments<A, F, T>(_: NoCaptures<F>, f: F) -> Trampoline
where
    A: DeserializeOwned,
    F: FnOnce(A) -> T,
    T: Termination,
{
    std::mem::forget(f);
    |bytes| {
        let arguments: A = postcard::from_bytes(bytes)?;
        let f: F = conjure();
        Ok(f(arguments).report())
    }
}

/// The proof that a function captures nothing.
pub(crate) struct NoCaptures<F>(PhantomData<fn(F)>);

impl<F> NoCaptures<F> {
    /// Does not compile for a closure that captures something. The compiler names the place where the
    /// function around this call was called: that should be the user's.
    pub(crate) const fn prove() -> Self {
        assert!(
            size_of::<F>() == 0,
            "this closure captures variables (or is a function pointer), and the fresh process that \
             `assert_exit` starts has none of them: pass the values with \
             `assert_exit_with(values, |values| ...)`, or fork the test process with \
             `assert_exit_forked(|| ...)` inside `isolated!`"
        );
        Self(PhantomData)
    }
}

/// Makes a value of a zero-sized function type out of nothing. Only for a type that is proven to have
/// no captures.
fn conjure<F>() -> F {
    // SAFETY: F has no bytes to be wrong about, for the callers were given the proof, and it is
    // inhabited: they were given a value, which was forgotten there.
    unsafe { std::ptr::NonNull::<F>::dangling().read() }
}
