//! Arguments that arrive as they were. Most checks are made in the new process, against a value made
//! there; the controls show that a wrong value is told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use exeunt::prelude::*;
use serde::{Deserialize, Serialize};

use crate::support::fails_with;

#[test]
fn a_number_arrives() {
    let exit = assert_exit_with(42, |code| exit(code)).code(42);
    fails_with(|| exit.code(0), &["happened: exit code 42"]);
}

#[test]
fn several_values_arrive_in_their_order() {
    let given = (1_u8, "two".to_owned(), [3_i64, -3], '4', true);
    assert_exit_with(given, |(one, two, three, four, five)| {
        assert_eq!((one, two.as_str(), three, four, five), (1, "two", [3, -3], '4', true));
    })
    .returned();
    fails_with(
        || assert_exit_with((1, 2), |(a, b)| assert_eq!((a, b), (2, 1))).returned(),
        &["the function panicked", "left: (1, 2)", "right: (2, 1)"],
    );
}

/// A value that is as long as asked, and in which every byte is in its own place.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

#[test]
fn a_value_of_one_mebibyte_arrives() {
    for len in [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024] {
        let exit = assert_exit_with(pattern(len), |bytes| {
            println!("{}", bytes.len());
            assert!(bytes == pattern(bytes.len()), "the bytes have changed");
        })
        .returned()
        .stdout(format!("{len}\n"));
        fails_with(|| exit.stdout("12\n"), &["of stdout", &len.to_string()]);
    }
    let mut wrong = pattern(1024 * 1024);
    wrong[700_000] ^= 1;
    let noticed = assert_exit_with(wrong, |bytes| assert!(bytes == pattern(bytes.len()), "it has changed"));
    fails_with(|| noticed.returned(), &["the function panicked", "it has changed"]);
}

#[test]
fn a_long_value_arrives_by_exec_too() {
    let exit = assert_exit_with(pattern(1024 * 1024), |bytes| {
        assert_eq!(std::env::args().nth(1).as_deref(), Some("with an argument"));
        exit(i32::from(bytes == pattern(1024 * 1024)))
    })
    .arg("with an argument")
    .code(1);
    fails_with(|| exit.success(), &["happened: exit code 1"]);
}

#[test]
fn what_is_no_number_arrives_bit_by_bit() {
    let odd = f64::from_bits(0x7ff8_0000_dead_beef);
    let given = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE / 2.0, odd];
    assert_exit_with(given, |list| {
        assert!(list[0].is_nan());
        assert_eq!(list[1..3], [f64::INFINITY, f64::NEG_INFINITY]);
        assert!(list[3].is_sign_negative() && list[3] == 0.0);
        assert!(list[4].is_subnormal());
        assert_eq!(list[5].to_bits(), 0x7ff8_0000_dead_beef);
    })
    .returned();
    assert_exit_with(f32::NAN, |number| assert!(number.is_nan())).returned();
    fails_with(
        || assert_exit_with(0.0_f64, |number| assert!(number.is_nan(), "a number")).returned(),
        &["the function panicked", "a number"],
    );
}

#[test]
fn the_largest_numbers_arrive() {
    assert_exit_with((u128::MAX, i128::MIN, u64::MAX, i64::MIN), |numbers| {
        assert_eq!(numbers, (u128::MAX, i128::MIN, u64::MAX, i64::MIN));
    })
    .returned();
    fails_with(
        || assert_exit_with(u128::MAX, |number| assert_eq!(number, 0)).returned(),
        &["left: 340282366920938463463374607431768211455"],
    );
}

#[test]
fn nothing_at_all_arrives_as_nothing() {
    assert_exit_with((), |()| exit(3)).code(3);
    assert_exit_with(String::new(), |text| assert_eq!(text, "")).returned();
    assert_exit_with(Vec::<u64>::new(), |list| assert!(list.is_empty())).returned();
    assert_exit_with((String::new(), Vec::<()>::new(), None::<u8>), |empty| {
        assert_eq!(empty, (String::new(), Vec::new(), None));
    })
    .returned();
    fails_with(
        || assert_exit_with(vec![0], |list| assert!(list.is_empty(), "not empty")).returned(),
        &["not empty"],
    );
}

#[test]
fn nested_options_are_kept_apart() {
    type Nested = Option<Option<Option<()>>>;
    let all: [Nested; 4] = [None, Some(None), Some(Some(None)), Some(Some(Some(())))];
    fn number(value: &Nested) -> i32 {
        match value {
            None => 10,
            Some(None) => 11,
            Some(Some(None)) => 12,
            Some(Some(Some(()))) => 13,
        }
    }
    for value in all {
        let expected = number(&value);
        let exit = assert_exit_with(value, |value| exit(number(&value))).code(expected);
        fails_with(|| exit.code(14), &[&format!("happened: exit code {expected}")]);
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Round { radius: f32 },
    Cornered(Vec<(i16, i16)>),
    Group(Box<Self>, Option<Box<Self>>),
}

fn some_shape() -> Shape {
    Shape::Group(
        Box::new(Shape::Cornered(vec![(0, 0), (-1, 1)])),
        Some(Box::new(Shape::Group(Box::new(Shape::Round { radius: 0.5 }), None))),
    )
}

#[test]
fn a_type_of_ones_own_arrives() {
    assert_exit_with(some_shape(), |shape| assert_eq!(shape, some_shape())).returned();
    fails_with(
        || assert_exit_with(Shape::Nothing, |shape| assert_eq!(shape, some_shape())).returned(),
        &["the function panicked", "left: Nothing"],
    );
}

#[test]
fn collections_without_an_order_arrive() {
    // Read back, they are serialised in another order than they were.
    let numbers: HashMap<String, u32> = (0..100).map(|number| (number.to_string(), number)).collect();
    assert_exit_with(numbers, |numbers| {
        assert_eq!(numbers.len(), 100);
        assert!(numbers.iter().all(|(text, number)| *text == number.to_string()));
    })
    .returned();
    for len in 0..5 {
        let set: HashSet<u32> = (0..len).collect();
        let exit = assert_exit_with(set, |set| exit(i32::try_from(set.len()).unwrap()));
        exit.code(i32::try_from(len).unwrap());
    }
    let map = BTreeMap::from([("a".to_owned(), vec![1]), ("b".to_owned(), vec![])]);
    let exit = assert_exit_with(map, |map| exit(i32::try_from(map.len()).unwrap())).code(2);
    fails_with(|| exit.code(1), &["happened: exit code 2"]);
}

#[test]
fn texts_and_times_arrive() {
    let text = "ä \0 \u{10ffff} \r\n\u{1b}[0m".to_owned();
    assert_exit_with((text, Duration::MAX), |(text, time)| {
        assert_eq!(text, "ä \0 \u{10ffff} \r\n\u{1b}[0m");
        assert_eq!(time, Duration::MAX);
    })
    .returned();
    fails_with(
        || assert_exit_with("x".to_owned(), |text| assert_eq!(text, "y")).returned(),
        &["left: \"x\"", "right: \"y\""],
    );
}

#[test]
fn a_path_that_is_not_utf8_arrives_as_an_os_string() {
    let odd = || OsString::from_vec(b"/tmp/\xff\xfe".to_vec());
    let exit = assert_exit_with(odd(), |path| {
        let path = PathBuf::from(path);
        println!("{}", path.display());
        assert_eq!(path.into_os_string().into_vec(), b"/tmp/\xff\xfe");
    })
    .returned();
    fails_with(|| exit.stdout("/tmp/\n"), &["of stdout"]);
    assert_exit_with(PathBuf::from("/tmp/ä"), |path| assert_eq!(path, PathBuf::from("/tmp/ä"))).returned();
}

#[test]
fn a_value_is_read_anew_at_each_run() {
    for round in 0..3 {
        let plan = || assert_exit_with(vec![round; 3], |list| exit(list.iter().sum()));
        plan().code(3 * round);
        fails_with(|| plan().code(100), &[&format!("happened: exit code {}", 3 * round)]);
    }
}
