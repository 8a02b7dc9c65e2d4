//! The words of a panic.

use std::any::Any;

/// What a panic said, by its payload.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "Box<dyn Any>".to_owned()
    }
}

/// A backtrace without the frames of the panic machinery above it and of the harness below it, as std
/// prints it; the whole of it where these frames have other names.
pub(crate) fn short_backtrace(full: &str) -> String {
    let mut frames: Vec<(&str, String)> = Vec::new();
    for line in full.lines() {
        let name = line.trim_start().split_once(": ").filter(|(number, _)| number.parse::<u32>().is_ok());
        match (name, frames.last_mut()) {
            (Some((_, name)), _) => frames.push((name, String::new())),
            (None, Some((_, place))) => {
                place.push_str(line);
                place.push('\n');
            }
            (None, None) => return full.to_owned(),
        }
    }
    let first = frames.iter().position(|(name, _)| name.contains("rust_begin_unwind"));
    let last = frames.iter().position(|(name, _)| {
        name.contains("exeunt::sys::function::") || name.contains("exeunt::launch::function::conclude")
    });
    let (Some(first), Some(last)) = (first, last) else { return full.to_owned() };
    let Some(shown) = frames.get(first..last) else { return full.to_owned() };
    shown.iter().enumerate().map(|(number, (name, place))| format!("{number:>4}: {name}\n{place}")).collect()
}

#[cfg(test)]
mod tests {
    use super::short_backtrace;

    #[test]
    fn a_backtrace_shows_the_frames_between_the_panic_and_the_harness() {
        let full = "   0: exeunt::launch::function::report_panic\n             at ./src/x.rs:1:2\n   \
                    1: __rustc::rust_begin_unwind\n   2: core::panicking::panic_fmt\n   \
                    3: app::main\n             at ./src/app.rs:9:5\n   \
                    4: exeunt::sys::function::without_arguments::{{closure}}\n   5: _start\n";
        assert_eq!(
            short_backtrace(full),
            "   0: __rustc::rust_begin_unwind\n   1: core::panicking::panic_fmt\n   \
             2: app::main\n             at ./src/app.rs:9:5\n"
        );
        assert_eq!(short_backtrace("unsupported backtrace"), "unsupported backtrace");
        assert_eq!(short_backtrace("   0: a\n   1: b\n"), "   0: a\n   1: b\n");
    }
}
