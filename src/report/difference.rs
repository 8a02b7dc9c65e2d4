//! Where a text first differs from the one that was expected.
//!
//! `predicates` shows all differences, but not that of a line's end; and to find them it compares each line
//! with all that are equal to it: minutes for ten thousand lines that are the same. A test that fails must not
//! hang on that. In both cases the first difference is told instead.

use std::collections::HashMap;

use predicates_core::Predicate;
use predicates_core::reflection::PredicateReflection;

/// So many pairs of equal lines are compared, beside those of which there is but one.
const MOST_PAIRS: usize = 10_000;

/// The first line in which the text that a predicate wants differs from `bytes`, where the predicate itself
/// cannot show that, or not soon.
pub(super) fn first(predicate: &dyn Predicate<[u8]>, bytes: &[u8]) -> Option<String> {
    let found = std::str::from_utf8(bytes).ok()?;
    let is_hidden = |wanted: &str| wanted != found && wanted.lines().eq(found.lines());
    let wanted =
        texts(predicate).into_iter().find(|wanted| is_hidden(wanted) || takes_long(wanted, found))?;
    Some(first_of(&wanted, found))
}

/// The texts with which a predicate, or a part of it, compares a text by its lines.
fn texts(predicate: &dyn PredicateReflection) -> Vec<String> {
    let own = predicate.parameters().filter(|parameter| parameter.name() == "original");
    let own: Vec<String> = own.map(|parameter| parameter.value().to_string()).collect();
    predicate.children().flat_map(|child| texts(child.value())).chain(own).collect()
}

fn takes_long(wanted: &str, found: &str) -> bool {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for line in wanted.lines() {
        *times.entry(line).or_default() += 1;
    }
    let pairs = found.lines().filter_map(|line| times.get(line));
    pairs.fold(0_usize, |sum, times| sum.saturating_add(times - 1)) > MOST_PAIRS
}

fn first_of(wanted: &str, found: &str) -> String {
    let (mut wanted, mut found) = (wanted.split_inclusive('\n'), found.split_inclusive('\n'));
    let mut number = 1;
    loop {
        match (wanted.next(), found.next()) {
            (Some(wanted), Some(found)) if wanted == found => number += 1,
            (None, None) => return "it is the same text".to_owned(),
            (wanted, found) => {
                let line = |sign: char, line: Option<&str>| match line {
                    None => format!("{sign} (its end)"),
                    Some(line) => match line.strip_suffix('\n') {
                        Some(line) => format!("{sign}{line}"),
                        None => format!("{sign}{line} (no newline)"),
                    },
                };
                let (wanted, found) = (line('-', wanted), line('+', found));
                return format!(
                    "it differs first in line {number} (- expected, + found):\n{wanted}\n{found}"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use assert_cmd::assert::IntoOutputPredicate;
    use predicates::prelude::*;

    use super::first;

    #[test]
    fn of_lines_that_come_again_and_again_the_first_difference_is_told() {
        let wanted = "y\n".repeat(20_000);
        let told = |found: &str| first(&wanted.clone().into_output(), found.as_bytes());
        let head = "it differs first in line ";
        assert_eq!(
            told(&"y\n".repeat(20_001)),
            Some(format!("{head}20001 (- expected, + found):\n- (its end)\n+y"))
        );
        assert_eq!(
            told(&["y\n".repeat(19_999).as_str(), "y"].concat()),
            Some(format!("{head}20000 (- expected, + found):\n-y\n+y (no newline)"))
        );
        let long_ago = ["x\n", wanted.as_str()].concat();
        assert_eq!(told(&long_ago), Some(format!("{head}1 (- expected, + found):\n-y\n+x")));
    }

    #[test]
    fn the_end_of_a_line_is_told_where_nothing_else_differs() {
        let told = |wanted: &'static str, found: &str| first(&wanted.into_output(), found.as_bytes());
        let head = "it differs first in line ";
        assert_eq!(
            told("hi\nyou", "hi\nyou\n"),
            Some(format!("{head}2 (- expected, + found):\n-you (no newline)\n+you"))
        );
        assert_eq!(told("hi\n", "hi\r\n"), Some(format!("{head}1 (- expected, + found):\n-hi\n+hi\r")));
        assert_eq!(told("hi\n", "ho\n"), None);
        assert_eq!(told("hi\n", "hi\n"), None);
    }

    #[test]
    fn what_is_soon_compared_is_compared_whole() {
        let lines: String = (0..20_000).map(|number| format!("{number}\n")).collect();
        assert_eq!(first(&lines.clone().into_output(), [&lines, "more\n"].concat().as_bytes()), None);
        assert_eq!(first(&"y\n".into_output(), "y\n".repeat(9_000).as_bytes()), None);
        let contains = predicate::str::contains("y\n".repeat(20_000)).from_utf8();
        assert_eq!(first(&contains, "y\n".repeat(19_000).as_bytes()), None);
    }

    #[test]
    fn a_text_within_other_predicates_is_found() {
        let wanted = predicate::str::diff("y\n".repeat(200)).or(predicate::str::is_empty()).from_utf8();
        assert!(first(&wanted, "y\n".repeat(201).as_bytes()).is_some());
        let other = predicate::str::diff("y\n".repeat(200)).not().from_utf8();
        assert_eq!(first(&other, "y\n".repeat(200).as_bytes()).as_deref(), Some("it is the same text"));
    }
}
