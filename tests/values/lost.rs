//! Arguments that would not arrive as they were: an error before anything runs, never a wrong value.

use std::ffi::OsString;
use std::fmt::Debug;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use exeunt::prelude::*;
use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::support::fails_with;

/// Asserts that `value` is refused with these words, and that the function was not run.
#[track_caller]
fn is_refused<A: Serialize + DeserializeOwned + Debug>(value: A, texts: &[&str]) {
    let error = assert_exit_with(value, |value| panic!("ran with {value:?}")).run().expect_err("no run");
    assert!(error.exit().is_none(), "there is an exit: {error}");
    let words = error.to_string();
    assert!(words.starts_with("could not pass the arguments to the function: "), "{words}");
    for text in texts {
        assert!(words.contains(text), "the error lacks {text:?}: {words}");
    }
}

#[test]
fn a_path_that_is_not_utf8_is_refused_and_the_error_says_what_to_use() {
    let odd = || PathBuf::from(OsString::from_vec(b"/tmp/\xff".to_vec()));
    let words = ["cannot be serialised", "a path that is not UTF-8 travels as an `OsString`"];
    is_refused(odd(), &words);
    is_refused(vec![PathBuf::from("/tmp"), odd()], &words);
    // An assertion fails with it too, whatever it is about.
    fails_with(
        || assert_exit_with(odd(), |_| std::process::exit(1)).failure(),
        &["could not pass the arguments to the function: ", words[1]],
    );
    assert_exit_with(odd().into_os_string(), |_| ()).returned();
}

#[derive(Debug, Serialize, Deserialize)]
struct Skips {
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u8>,
    second: u8,
}

#[test]
fn a_field_that_is_skipped_is_noticed() {
    // Without the first field, the second is taken for it.
    is_refused(Skips { first: None, second: 0 }, &[]);
    is_refused(Skips { first: None, second: 1 }, &[]);
    assert_exit_with(Skips { first: Some(1), second: 2 }, |value| {
        assert_eq!((value.first, value.second), (Some(1), 2));
    })
    .returned();
}

#[derive(Debug, Serialize, Deserialize)]
struct SkipsTheLast {
    first: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    last: Vec<u8>,
}

#[test]
fn a_field_that_is_skipped_at_the_end_is_noticed() {
    is_refused(SkipsTheLast { first: 1, last: Vec::new() }, &["cannot be read back"]);
    assert_exit_with(SkipsTheLast { first: 1, last: vec![2] }, |value| assert_eq!(value.last, [2]))
        .returned();
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
}

#[test]
fn a_type_that_describes_itself_is_refused() {
    is_refused(Untagged::Number(1), &["cannot be read back"]);
    is_refused(Untagged::Text("one".to_owned()), &["cannot be read back"]);
}

#[derive(Debug, Serialize, Deserialize)]
struct Flattened {
    name: String,
    #[serde(flatten)]
    rest: std::collections::BTreeMap<String, u8>,
}

#[test]
fn a_flattened_type_is_refused() {
    let rest = std::collections::BTreeMap::from([("a".to_owned(), 1)]);
    is_refused(Flattened { name: "x".to_owned(), rest }, &["cannot be serialised"]);
}

/// Reads what it wrote with its halves exchanged.
#[derive(Debug, PartialEq)]
struct Exchanged(u8, u8);

impl Serialize for Exchanged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0, self.1).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exchanged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <(u8, u8)>::deserialize(deserializer).map(|(a, b)| Self(b, a))
    }
}

#[test]
fn a_type_that_reads_something_else_than_it_wrote_is_refused() {
    is_refused(Exchanged(1, 2), &["they change on the way", "`Serialize` and `Deserialize` do not fit"]);
    assert_exit_with(Exchanged(3, 3), |value| assert_eq!(value, Exchanged(3, 3))).returned();
}

/// Forgets what it held.
#[derive(Debug, Serialize, Deserialize)]
struct Forgets {
    kept: u8,
    #[serde(skip_deserializing)]
    lost: u8,
}

#[test]
fn a_field_that_is_written_and_not_read_is_noticed() {
    is_refused(Forgets { kept: 1, lost: 2 }, &[]);
}

#[test]
fn a_value_that_only_this_process_can_read_is_an_error_of_its_own() {
    /// Can be read in the process that this variable names, and in no other.
    #[derive(Debug)]
    struct Local;
    impl Serialize for Local {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            std::process::id().serialize(serializer)
        }
    }
    impl<'de> Deserialize<'de> for Local {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match u32::deserialize(deserializer)? {
                id if id == std::process::id() => Ok(Self),
                id => Err(serde::de::Error::custom(format!("only process {id} reads this"))),
            }
        }
    }
    is_refused(Local, &["they could not be decoded in the new process"]);
}
