//! Colour, where somebody looks at a terminal: the names of a report's fields, and nothing else, so that
//! the words are the same everywhere.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

/// Whether reports are coloured: stderr is a terminal, and stdout too, to which libtest prints what a test has said
/// that failed; and `NO_COLOR` is not set (or empty; see no-color.org).
pub(crate) fn is_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|value| value != "dumb")
        && std::io::stderr().is_terminal()
        && std::io::stdout().is_terminal()
}

/// The report with its field names in colour.
pub(crate) fn painted(report: &str) -> String {
    report.split_inclusive('\n').map(|line| paint_line(line).unwrap_or_else(|| line.to_owned())).collect()
}

fn paint_line(line: &str) -> Option<String> {
    let field = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
    let (name, rest) = field.split_once(':')?;
    let style = style(name)?;
    Some(format!("  {style}{name}:{style:#}{rest}"))
}

fn style(name: &str) -> Option<Style> {
    let colour = match name {
        "expected" => AnsiColor::Green,
        "happened" | "not reached" => AnsiColor::Red,
        "because" | "gate" => AnsiColor::Yellow,
        "hint" => AnsiColor::Cyan,
        "timeline" | "still running" | "stderr" | "stdout" => return Some(Style::new().bold()),
        _ if name.starts_with("stdout (") || name.starts_with("stderr (") => {
            return Some(Style::new().bold());
        }
        _ => return None,
    };
    Some(colour.on_default().bold())
}

#[cfg(test)]
mod tests {
    use super::painted;

    #[test]
    fn the_names_of_fields_are_coloured_and_the_words_stay_as_they_are() {
        let report =
            "`x`: not the expected exit\n  expected: exit code 0\n  stdout (3 bytes):\n    hint: no\n";
        let coloured = painted(report);
        assert_eq!(
            coloured,
            "`x`: not the expected exit\n  \u{1b}[1m\u{1b}[32mexpected:\u{1b}[0m exit code 0\n  \
             \u{1b}[1mstdout (3 bytes):\u{1b}[0m\n    hint: no\n"
        );
    }
}
