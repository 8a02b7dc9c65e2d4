//! The classic comparison, by criterion: the same work done by exeunt and by its peers.
//!
//! The budgets are kept in the other benchmark, `budgets`, which measures in turn; criterion measures
//! one contender after the other, and compares with the run before.
#![allow(missing_docs, reason = "criterion's macros make public items")]

mod support;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};

use support::contenders::{self, WRITER};

fn function(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("function");
    group.bench_function("bare fork", |bencher| bencher.iter(contenders::bare_fork));
    group.bench_function("exeunt", |bencher| bencher.iter(contenders::exeunt_function));
    group.bench_function("rusty-fork", |bencher| bencher.iter(contenders::rusty_fork));
    group.bench_function("procspawn", |bencher| bencher.iter(contenders::procspawn));
    group.finish();
}

fn program(criterion: &mut Criterion) {
    for (name, path, arguments) in
        [("program, true", "/bin/true", &[][..]), ("program, Rust", WRITER, &["0"][..])]
    {
        let mut group = criterion.benchmark_group(name);
        group.bench_function("Command::output", |bencher| {
            bencher.iter(|| contenders::output(path, arguments));
        });
        group.bench_function("exeunt", |bencher| {
            bencher.iter(|| contenders::exeunt_program(path, arguments));
        });
        group.bench_function("assert_cmd", |bencher| {
            bencher.iter(|| contenders::assert_cmd(path, arguments));
        });
        group.finish();
    }
}

fn output(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("output");
    for (name, bytes) in [("1 KiB", "1024"), ("1 MiB", "1048576"), ("16 MiB", "16777216")] {
        group.throughput(Throughput::Bytes(bytes.parse().expect("a number")));
        group.bench_function(BenchmarkId::new("Command::output", name), |bencher| {
            bencher.iter(|| contenders::output(WRITER, &[bytes]));
        });
        group.bench_function(BenchmarkId::new("exeunt", name), |bencher| {
            bencher.iter(|| contenders::exeunt_program(WRITER, &[bytes]));
        });
    }
    group.finish();
}

fn main() {
    support::roles::take_up();
    let criterion = if support::quick() {
        Criterion::default()
            .sample_size(10)
            .warm_up_time(Duration::from_millis(50))
            .measurement_time(Duration::from_millis(200))
    } else {
        Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3))
    };
    let mut criterion = criterion.configure_from_args();
    function(&mut criterion);
    program(&mut criterion);
    output(&mut criterion);
    criterion.final_summary();
}
