//! Bounded capture of one output stream: the head and the tail, and when each part came.
//!
//! Bytes flow in as they are read; nothing is interpreted here but where lines end. However much a
//! target prints, memory stays within the limit.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What was kept of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Captured {
    /// The first bytes; all of them where nothing was left out.
    #[serde(with = "crate::kept::bytes")]
    pub(crate) head: Vec<u8>,
    /// The last bytes, where something was left out in between.
    #[serde(with = "crate::kept::bytes")]
    pub(crate) tail: Vec<u8>,
    /// How many bytes the target wrote in all.
    pub(crate) total: u64,
    /// When the bytes from an offset on arrived, in order of both.
    pub(crate) arrivals: Vec<Arrival>,
}

/// From this offset on the bytes arrived at this time after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrival {
    pub(crate) offset: u64,
    pub(crate) at: Duration,
}

impl Captured {
    /// How many bytes were not kept.
    pub(crate) fn left_out(&self) -> u64 {
        self.total - (self.head.len() + self.tail.len()) as u64
    }

    /// All bytes that were kept, the head and the tail.
    pub(crate) fn kept(&self) -> Vec<u8> {
        [self.head.as_slice(), self.tail.as_slice()].concat()
    }

    /// The kept parts, each with the offset at which it began in the stream.
    pub(crate) fn parts(&self) -> [(u64, &[u8]); 2] {
        [(0, &self.head), (self.total - self.tail.len() as u64, &self.tail)]
    }

    /// The lines that were kept: their offset, their bytes without the line end, and whether they
    /// had one. A line that was cut at the gap is not among them.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let gap = self.left_out() > 0;
        let [head, tail] = self.parts().map(|(start, bytes)| lines_of(start, bytes));
        head.filter(move |line| !gap || line.complete).chain(tail.skip(usize::from(gap)))
    }

    /// When the byte at `offset` arrived.
    pub(crate) fn arrived(&self, offset: u64) -> Option<Duration> {
        let index = self.arrivals.partition_point(|arrival| arrival.offset <= offset);
        self.arrivals.get(index.checked_sub(1)?).map(|arrival| arrival.at)
    }
}

/// The lines of a part that begins at this offset of its stream.
fn lines_of(start: u64, bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut next = start;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |piece| {
        let offset = next;
        next += piece.len() as u64;
        let complete = piece.ends_with(b"\n");
        let text = piece.strip_suffix(b"\n").unwrap_or(piece);
        Line { offset, text: text.strip_suffix(b"\r").unwrap_or(text), complete }
    })
}

/// One line of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) offset: u64,
    pub(crate) text: &'a [u8],
    pub(crate) complete: bool,
}

/// The most arrival times that are kept. Where there are more, those that come shortly after another are left
/// out, and what arrived then is said to have arrived with that.
const MOST_ARRIVALS: usize = 4096;

/// Takes a stream in.
#[derive(Debug)]
pub(crate) struct Capture {
    limit: usize,
    /// The whole stream as long as it fits; then the head, and behind it a ring of the last bytes.
    kept: Vec<u8>,
    /// Where in the ring its oldest byte is.
    oldest: usize,
    total: u64,
    arrivals: Vec<Arrival>,
    /// Arrivals that are nearer to each other than this are told as one; those since the last thinning out are
    /// exact.
    resolution: Duration,
}

impl Capture {
    /// Keeps at most `limit` bytes: of a longer stream the first half of that, and the last half.
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Vec::new(),
            oldest: 0,
            total: 0,
            arrivals: Vec::new(),
            resolution: Duration::from_micros(1),
        }
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    const fn head_len(&self) -> usize {
        self.limit - self.limit / 2
    }

    /// Takes in what was read at `at`, counted from when the capture began.
    pub(crate) fn push(&mut self, bytes: &[u8], at: Duration) {
        if bytes.is_empty() {
            return;
        }
        if self.arrivals.last().is_none_or(|last| last.at != at) {
            if self.arrivals.len() == MOST_ARRIVALS {
                self.thin_out();
            }
            self.arrivals.push(Arrival { offset: self.total, at });
        }
        self.total += bytes.len() as u64;
        let room = self.limit - self.kept.len();
        let (fitting, rest) = bytes.split_at(room.min(bytes.len()));
        self.kept.extend_from_slice(fitting);
        if !rest.is_empty() {
            self.push_to_ring(rest);
        }
    }

    /// Leaves out half of the arrival times or more, the nearest to others first.
    fn thin_out(&mut self) {
        loop {
            let mut last = None;
            self.arrivals.retain(|arrival| {
                let far = last.is_none_or(|last| arrival.at.saturating_sub(last) >= self.resolution);
                if far {
                    last = Some(arrival.at);
                }
                far
            });
            if self.arrivals.len() <= MOST_ARRIVALS / 2 {
                return;
            }
            self.resolution *= 2;
        }
    }

    fn push_to_ring(&mut self, bytes: &[u8]) {
        let head_len = self.head_len();
        let ring = &mut self.kept[head_len..];
        let last = &bytes[bytes.len().saturating_sub(ring.len())..];
        if last.is_empty() {
            return;
        }
        let (to_end, from_begin) = last.split_at(last.len().min(ring.len() - self.oldest));
        ring[self.oldest..][..to_end.len()].copy_from_slice(to_end);
        ring[..from_begin.len()].copy_from_slice(from_begin);
        self.oldest = (self.oldest + last.len()) % ring.len();
    }

    /// Ends the capture of a target that started `start` after the capture began.
    pub(crate) fn finish(mut self, start: Duration) -> Captured {
        for arrival in &mut self.arrivals {
            arrival.at = arrival.at.saturating_sub(start);
        }
        let tail = if self.total > self.kept.len() as u64 {
            let head_len = self.head_len();
            self.kept[head_len..].rotate_left(self.oldest);
            self.kept.split_off(head_len)
        } else {
            Vec::new()
        };
        Captured { head: self.kept, tail, total: self.total, arrivals: self.arrivals }
    }
}

#[cfg(test)]
mod tests {
    use super::{Capture, Captured};
    use std::time::Duration;

    fn captured(limit: usize, pieces: &[&str]) -> Captured {
        let mut capture = Capture::new(limit);
        for (index, piece) in (0_u64..).zip(pieces) {
            capture.push(piece.as_bytes(), Duration::from_millis(index));
        }
        capture.finish(Duration::ZERO)
    }

    #[test]
    fn within_the_limit_everything_is_kept_as_one_piece() {
        let all = captured(8, &["abc", "def", "gh"]);
        assert_eq!((all.kept().as_slice(), all.left_out(), all.tail.len()), (&b"abcdefgh"[..], 0, 0));
    }

    #[test]
    fn beyond_the_limit_head_and_tail_are_kept_and_the_rest_is_counted() {
        for pieces in [&["abcdefghijkl"][..], &["abc", "defghi", "jkl"], &["a", "bcdefghijk", "l"]] {
            let cut = captured(6, pieces);
            assert_eq!((cut.head.as_slice(), cut.tail.as_slice()), (&b"abc"[..], &b"jkl"[..]), "{pieces:?}");
            assert_eq!((cut.left_out(), cut.total), (6, 12));
        }
    }

    #[test]
    fn the_kept_parts_are_the_ends_of_the_stream_however_it_is_cut() {
        let text = "abcdefghijklmnopqrstuvwxyz";
        for limit in 0..=text.len() + 1 {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let pieces = [&text[..first], &text[first..second], &text[second..]];
                    let cut = captured(limit, &pieces);
                    let (head, tail) = if limit < text.len() {
                        (&text[..limit - limit / 2], &text[text.len() - limit / 2..])
                    } else {
                        (text, "")
                    };
                    let kept = (cut.head.as_slice(), cut.tail.as_slice());
                    assert_eq!(kept, (head.as_bytes(), tail.as_bytes()), "limit {limit}, {pieces:?}");
                }
            }
        }
    }

    #[test]
    fn a_limit_of_zero_keeps_nothing_and_counts_all() {
        let none = captured(0, &["abc", "def"]);
        assert_eq!((none.kept().len(), none.left_out()), (0, 6));
    }

    #[test]
    fn lines_know_their_offset_their_end_and_when_they_came() {
        let all = captured(64, &["one\ntw", "o\r\n", "three"]);
        let lines: Vec<_> = all.lines().map(|line| (line.offset, line.text, line.complete)).collect();
        assert_eq!(lines, [(0, &b"one"[..], true), (4, b"two", true), (9, b"three", false)]);
        assert_eq!(all.arrived(4), Some(Duration::from_millis(0)));
        assert_eq!(all.arrived(9), Some(Duration::from_millis(2)));
    }

    #[test]
    fn arrivals_count_from_the_start_of_the_target() {
        let mut capture = Capture::new(64);
        capture.push(b"early", Duration::from_millis(3));
        capture.push(b"late", Duration::from_millis(9));
        let all = capture.finish(Duration::from_millis(4));
        assert_eq!(all.arrived(0), Some(Duration::ZERO));
        assert_eq!(all.arrived(5), Some(Duration::from_millis(5)));
    }

    #[test]
    fn of_any_number_of_arrivals_the_times_are_nearly_right() {
        // Slow, then fast, then slow again.
        let at = |index: u64| match index {
            0..10 => Duration::from_secs(index),
            10..100_000 => Duration::from_secs(10) + Duration::from_micros(7 * index),
            _ => Duration::from_secs(20 + index - 100_000),
        };
        let mut capture = Capture::new(64);
        for index in 0..100_010 {
            capture.push(b".", at(index));
        }
        let all = capture.finish(Duration::ZERO);
        assert!(all.arrivals.len() <= super::MOST_ARRIVALS, "{}", all.arrivals.len());
        for index in 0..100_010 {
            let told = all.arrived(index).unwrap();
            let late = at(index).checked_sub(told).expect("nothing is told to have come later than it did");
            assert!(late < Duration::from_millis(1), "{index}: {told:?} instead of {:?}", at(index));
        }
        for index in (0..10).chain(100_000..100_010) {
            assert_eq!(all.arrived(index), Some(at(index)));
        }
    }

    #[test]
    fn lines_cut_at_the_gap_are_not_lines() {
        let cut = captured(8, &["ab\ncd", "ef\nghij\nkl\n"]);
        let lines: Vec<_> = cut.lines().map(|line| line.text).collect();
        assert_eq!(lines, [&b"ab"[..], b"kl"]);
    }
}
