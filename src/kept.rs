//! Facts in other forms: kept as JSON, printed for a person, given to the types of other crates.
//!
//! The JSON is the facts as serde writes them, with the number of the format in front. Bytes are a text where
//! they are one.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Output};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::exit::Exit;

/// The number of the format. One that reads otherwise has another.
const FORMAT: u32 = 1;

/// The first field of the facts; facts in another format are refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            FORMAT => Ok(Self),
            other => Err(serde::de::Error::custom(format!(
                "facts in format {other}, where this version of exeunt reads format {FORMAT}"
            ))),
        }
    }
}

/// Bytes that are written as a text where they are one and a person may read it; otherwise as numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bytes::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes::deserialize(deserializer).map(Self)
    }
}

/// For fields that are bytes: `#[serde(with = "crate::kept::bytes")]`.
pub(crate) mod bytes {
    use std::fmt;

    use serde::de::{SeqAccess, Visitor};
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) if serializer.is_human_readable() => serializer.serialize_str(text),
            _ => serializer.collect_seq(bytes),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct TextOrNumbers;

        impl<'de> Visitor<'de> for TextOrNumbers {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of bytes")
            }

            fn visit_str<E>(self, text: &str) -> Result<Vec<u8>, E> {
                Ok(text.as_bytes().to_vec())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = list.next_element()? {
                    bytes.push(byte);
                }
                Ok(bytes)
            }
        }

        if deserializer.is_human_readable() {
            deserializer.deserialize_any(TextOrNumbers)
        } else {
            deserializer.deserialize_seq(TextOrNumbers)
        }
    }
}

/// For paths, which may be no text: `#[serde(with = "crate::kept::path")]`.
pub(crate) mod path {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        super::bytes::serialize(path.as_os_str().as_bytes(), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        super::bytes::deserialize(deserializer).map(|bytes| OsString::from_vec(bytes).into())
    }
}

impl Exit {
    /// The facts as JSON, in one line. Needs the feature `json`.
    ///
    /// It is an object whose first field, `format`, is the number 1; the facts follow under the names of
    /// what gives them: `ending`, `how`, `stdout`, `stderr`, `marks`, `timeline`, `duration`, `usage`,
    /// `leftovers`, `tree` and others. `docs/EVIDENCE.md` shows one. Variants are named as in Rust
    /// (`{"Code": 3}`), a duration is `{"secs": 0, "nanos": 1500000}`, and bytes (what was written, labels,
    /// contents) are a text where they are UTF-8 and a list of numbers where not. Where a field is added or
    /// changes, so does the number.
    ///
    /// ```
    /// use exeunt::prelude::*;
    ///
    /// let exit = program("echo").arg("hello").success();
    /// let kept = exit.to_json();
    /// assert!(kept.starts_with(r#"{"format":1,"#));
    /// assert_eq!(Exit::from_json(&kept).unwrap(), exit);
    /// ```
    #[cfg(feature = "json")]
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "facts hold nothing that JSON has no form for")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and lists can be written")
    }

    /// The facts that [`to_json`](Self::to_json) kept. Needs the feature `json`.
    ///
    /// # Errors
    ///
    /// Fails where the text is not such facts, and where their format is another.
    #[cfg(feature = "json")]
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Status and output as `std::process::Command::output` gives them. After
    /// [`Ending::TimedOut`](crate::Ending::TimedOut) the status is that of the SIGKILL which the harness sent.
    #[must_use]
    pub fn output(&self) -> Output {
        Output {
            status: ExitStatus::from_raw(self.raw_status),
            stdout: self.stdout.kept(),
            stderr: self.stderr.kept(),
        }
    }
}

/// What a person likes to know of the run: how it ended, the timeline, what it wrote and what it left.
///
/// ```
/// use exeunt::prelude::*;
///
/// let exit = program("sh").args(["-c", "echo hello; exit 3"]).run().unwrap();
/// assert!(exit.to_string().starts_with("`sh -c \"echo hello; exit 3\"`: exit code 3, "));
/// ```
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::report::summary(self))
    }
}

impl From<Exit> for Output {
    fn from(exit: Exit) -> Self {
        exit.output()
    }
}

/// For the assertions of assert_cmd.
impl From<Exit> for assert_cmd::assert::Assert {
    fn from(exit: Exit) -> Self {
        Self::new(exit.output())
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn bytes_come_back_from_a_format_that_no_person_reads() {
        for bytes in [&b""[..], b"text\n", b"\xff\x00no text"] {
            let kept = postcard::to_stdvec(&Bytes(bytes.to_vec())).unwrap();
            assert_eq!(postcard::from_bytes::<Bytes>(&kept).unwrap().0, bytes);
        }
    }
}
