//! What text is looked for: a text, or whatever a predicate holds for.

use std::fmt;

use predicates_core::Predicate;

/// A predicate on text that can be described.
pub trait TextPredicate: Predicate<str> + Send {}
impl<P: Predicate<str> + Send> TextPredicate for P {}

/// What a text gate looks for: a text, or a predicate of the `predicates` crate.
///
/// The parameter keeps the implementations apart, as in assert_cmd's conversion traits.
pub trait IntoTextMatch<P> {
    /// The gate's condition.
    fn into_text_match(self) -> TextMatch;
}

/// Tells a text from a predicate in [`IntoTextMatch`].
#[derive(Debug)]
pub struct PlainText;

/// A text that is to occur, or a predicate that is to hold.
pub struct TextMatch(pub(super) Match);

pub(super) enum Match {
    Text(String),
    Predicate(Box<dyn TextPredicate>),
}

impl TextMatch {
    /// Whether it is a text that is everywhere.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.0, Match::Text(wanted) if wanted.is_empty())
    }

    /// Whether the text occurs in `text`, or the predicate holds for it.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Match::Text(wanted) => text.contains(wanted.as_str()),
            Match::Predicate(predicate) => predicate.eval(text),
        }
    }
}

/// How it reads after "with a message".
impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Match::Text(text) => write!(f, "that contains {text:?}"),
            Match::Predicate(predicate) => write!(f, "for which {predicate}"),
        }
    }
}

impl fmt::Debug for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Match::Text(text) => write!(f, "TextMatch({text:?})"),
            Match::Predicate(predicate) => write!(f, "TextMatch({predicate})"),
        }
    }
}

impl IntoTextMatch<PlainText> for &str {
    fn into_text_match(self) -> TextMatch {
        TextMatch(Match::Text(self.to_owned()))
    }
}

impl IntoTextMatch<PlainText> for String {
    fn into_text_match(self) -> TextMatch {
        TextMatch(Match::Text(self))
    }
}

impl<P: Predicate<str> + Send + 'static> IntoTextMatch<P> for P {
    fn into_text_match(self) -> TextMatch {
        TextMatch(Match::Predicate(Box::new(self)))
    }
}
