//! The arguments of a function, as the bytes that travel to its process.
//!
//! The format does not describe itself, so that a type whose `Serialize` and `Deserialize` do not fit
//! each other would arrive as something else. Such a value is found out here, by reading it back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// How often a value is read back before its order is taken for its own. A set of two has one of two
/// orders each time.
const TRIES: usize = 32;

/// Serialises arguments, and makes sure that the other side will see the same.
///
/// # Errors
///
/// Fails for a value that the format cannot hold, and for one that would change on the way.
pub(super) fn serialise<A: Serialize + DeserializeOwned>(args: &A) -> Result<Vec<u8>, Error> {
    let lost = |why: String| Error::arguments(why);
    let bytes = postcard::to_stdvec(args).map_err(|error| {
        lost(format!(
            "they cannot be serialised: {error} (a path that is not UTF-8 travels as an `OsString`)"
        ))
    })?;
    let mut last: Option<Vec<u8>> = None;
    for _ in 0..TRIES {
        let back: A = postcard::from_bytes(&bytes)
            .map_err(|error| lost(format!("what is serialised cannot be read back: {error}")))?;
        let again = postcard::to_stdvec(&back).map_err(|error| lost(error.to_string()))?;
        if again == bytes {
            return Ok(bytes);
        }
        if tally(&again) != tally(&bytes) {
            break;
        }
        // `HashMap` and `HashSet` have another order each time they are made; then it means nothing.
        if last.as_ref().is_some_and(|last| *last != again) {
            return Ok(bytes);
        }
        last = Some(again);
    }
    Err(lost(
        "they change on the way: their `Serialize` and `Deserialize` do not fit each other in a format \
         that does not describe itself (is there a `skip_serializing_if`, `flatten` or `untagged`?)"
            .to_owned(),
    ))
}

/// How often each byte occurs: the same for the same elements in any order.
fn tally(bytes: &[u8]) -> [usize; 256] {
    let mut counts = [0; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    counts
}
