//! What the two benchmarks share: the contenders, the roles in which the executable is started again,
//! and whether a quick run was asked for.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod contenders;
pub(crate) mod roles;

/// Whether to measure just enough to see that the benchmarks work.
pub(crate) fn quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
        || std::env::var_os("EXEUNT_BENCH_QUICK").is_some_and(|value| !value.is_empty() && value != "0")
}
