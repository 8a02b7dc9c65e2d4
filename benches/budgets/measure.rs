//! Measuring contenders in turn, so that whatever else the machine does hits all of them alike.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// So long nothing is started before a sample that is taken at rest. It is longer than what a
/// contender leaves behind it to do (exeunt's supervisor forks its next target, for example). It is
/// slept, for on a busy machine the scheduler holds it against a process that spins.
const REST: Duration = Duration::from_millis(1);

/// So many runs in a row are one turn where they follow each other without a rest.
const ROW: usize = 16;

/// How the samples follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// One sample of each contender in turn, each after a rest.
    Rested,
    /// A row of samples of each contender in turn, without any rest.
    InARow,
}

/// A name and the work, which says itself how long it took.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) work: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Contender<'a> {
    /// One whose work is timed from its call to its return.
    pub(crate) fn timed<T>(name: &'static str, mut work: impl FnMut() -> T + 'a) -> Self {
        Self::timing_itself(name, move || {
            let begin = Instant::now();
            let result = work();
            let taken = begin.elapsed();
            // Whatever freeing it costs comes after.
            drop(result);
            taken
        })
    }

    pub(crate) fn timing_itself(name: &'static str, work: impl FnMut() -> Duration + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// What was measured of one contender.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) name: &'static str,
    histogram: Histogram<u64>,
}

impl Samples {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, histogram: Histogram::new(3).expect("three digits are allowed") }
    }

    pub(crate) fn add(&mut self, taken: Duration) {
        let nanoseconds = u64::try_from(taken.as_nanos()).expect("no sample takes centuries");
        self.histogram.record(nanoseconds).expect("the histogram grows");
    }

    /// Adds samples of `work`, each after a rest.
    pub(crate) fn take(&mut self, count: usize, work: fn()) {
        for _ in 0..count {
            rest();
            let begin = Instant::now();
            work();
            self.add(begin.elapsed());
        }
    }

    pub(crate) fn median(&self) -> Duration {
        Duration::from_nanos(self.histogram.value_at_quantile(0.5))
    }

    pub(crate) fn p99(&self) -> Duration {
        Duration::from_nanos(self.histogram.value_at_quantile(0.99))
    }
}

fn rest() {
    std::thread::sleep(REST);
}

/// Takes at least `count` samples of each contender, in turn; who begins changes from turn to turn.
pub(crate) fn in_turn(count: usize, pace: Pace, mut contenders: Vec<Contender<'_>>) -> Vec<Samples> {
    let mut samples: Vec<Samples> = contenders.iter().map(|contender| Samples::new(contender.name)).collect();
    // The first of anything is slower.
    for contender in &mut contenders {
        let _ = (contender.work)();
    }
    let (turns, row) = match pace {
        Pace::Rested => (count, 1),
        Pace::InARow => (count.div_ceil(ROW), ROW),
    };
    let many = contenders.len();
    for turn in 0..turns {
        for index in (0..many).map(|place| (turn + place) % many) {
            rest();
            for _ in 0..row {
                samples[index].add((contenders[index].work)());
            }
        }
    }
    samples
}
