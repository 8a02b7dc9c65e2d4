//! In which order the clean-up of several labels ran.
//!
//! Marks are ordered among each other, by their place in the file, and so are the lines of one stream.
//! Between a mark and a line, or between the two streams, no order is known. So each is looked at for
//! itself.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::exit::{Exit, MarkKind};
use crate::script::StreamName;

use super::guards::Armed;
use super::{is_early, killed_by_default, place_in};

/// Where an order can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Marks,
    Lines(StreamName),
}

/// Labels in the order in which they were seen in one place: each, by its number, with how often it was seen
/// in a row, none of the other labels in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) channel: Channel,
    pub(crate) seen: Vec<(usize, usize)>,
    /// Bytes that were not kept, and so not looked at.
    pub(crate) not_looked_at: u64,
}

impl Order {
    /// Whether all was seen as often as expected, or oftener, and in no other order.
    pub(crate) fn is(&self, expected: &[(usize, usize)]) -> bool {
        self.not_looked_at == 0
            && self.seen.len() == expected.len()
            && self
                .seen
                .iter()
                .zip(expected)
                .all(|(seen, expected)| seen.0 == expected.0 && seen.1 >= expected.1)
    }
}

/// Numbers the labels, the same for equal ones, and gives the expected order with the orders that were
/// seen. What came before the first signal does not count.
pub(crate) fn of_order(exit: &Exit, labels: &[String]) -> (Vec<(usize, usize)>, Vec<Order>) {
    let mut numbers: HashMap<&[u8], usize> = HashMap::new();
    for (index, label) in labels.iter().enumerate() {
        numbers.entry(label.as_bytes()).or_insert(index);
    }
    let expected = in_a_row(labels.iter().map(|label| numbers[label.as_bytes()]));
    let armed = Armed::of(exit);
    let marks = exit.marks.iter().enumerate().filter_map(|(index, mark)| {
        let number = *numbers.get(mark.label.as_slice())?;
        let counts =
            mark.kind != MarkKind::Armed && !is_early(exit, index, mark) && !armed.is_of_a_copy(mark);
        counts.then_some(number)
    });
    let mut orders = vec![Order { channel: Channel::Marks, seen: in_a_row(marks), not_looked_at: 0 }];
    if killed_by_default(exit) {
        return (expected, orders);
    }
    let first = exit.first_delivery.as_ref();
    for (stream, captured, boundary) in [
        (StreamName::Stdout, &exit.stdout, first.map_or(0, |first| first.stdout)),
        (StreamName::Stderr, &exit.stderr, first.map_or(0, |first| first.stderr)),
    ] {
        let seen = captured.lines().filter(|line| line.complete).flat_map(|line| {
            let before = usize::try_from(boundary.saturating_sub(line.offset)).unwrap_or(usize::MAX);
            labels_in(line.text.get(before..).unwrap_or_default(), &numbers)
        });
        let seen = in_a_row(seen);
        orders.push(Order { channel: Channel::Lines(stream), seen, not_looked_at: captured.left_out() });
    }
    (expected, orders)
}

/// The labels in a line, in the order in which they stand there. Of labels that overlap the first counts, and of
/// those that begin at the same place the longest.
fn labels_in(line: &[u8], numbers: &HashMap<&[u8], usize>) -> Vec<usize> {
    let place_from = |from: usize, label: &[u8]| Some(from + place_in(line.get(from..)?, label)?);
    let mut labels: Vec<(&[u8], usize, usize)> =
        numbers.iter().filter_map(|(label, number)| Some((*label, *number, place_from(0, label)?))).collect();
    let mut found = Vec::new();
    while let Some((label, number, place)) =
        labels.iter().copied().min_by_key(|(label, _, place)| (*place, Reverse(label.len())))
    {
        found.push(number);
        let end = place + label.len();
        // Each is looked for once more only where its place is used up.
        labels.retain_mut(|(label, _, place)| {
            let next = if *place < end { place_from(end, label) } else { Some(*place) };
            *place = next.unwrap_or(*place);
            next.is_some()
        });
    }
    found
}

fn in_a_row(numbers: impl Iterator<Item = usize>) -> Vec<(usize, usize)> {
    let mut rows: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match rows.last_mut() {
            Some((last, times)) if *last == number => *times += 1,
            _ => rows.push((number, 1)),
        }
    }
    rows
}
