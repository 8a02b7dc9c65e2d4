//! Taking over a `std::process::Command`.

use std::process::Command;

use super::{ExitTest, program};

/// Takes over the program, its arguments, environment and directory.
///
/// What std does not tell of a `Command` (redirected streams, `pre_exec`, user and group, a zeroth
/// argument) is not taken over: the streams are exeunt's.
impl From<Command> for ExitTest {
    fn from(command: Command) -> Self {
        let mut test = program(command.get_program()).args(command.get_args());
        if clears_environment(&command) {
            test = test.env_clear();
        }
        for (name, value) in command.get_envs() {
            test = match value {
                Some(value) => test.env(name, value),
                None => test.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            test = test.current_dir(directory);
        }
        test
    }
}

/// Whether `env_clear` was called. std tells only in what `Debug` prints: a command line for a
/// shell, which then runs `env -i`.
fn clears_environment(command: &Command) -> bool {
    let shown = format!("{command:?}");
    let shown = match command.get_current_dir() {
        Some(directory) => shown.strip_prefix(&format!("cd {directory:?} && ")).unwrap_or(&shown),
        None => &shown,
    };
    shown.starts_with("env -i ")
}

#[cfg(test)]
mod tests {
    use super::clears_environment;
    use std::process::Command;

    #[test]
    fn a_commands_env_clear_is_seen() {
        assert!(!clears_environment(&Command::new("env")));
        assert!(!clears_environment(Command::new("env").args(["-i", "x"])));
        assert!(!clears_environment(Command::new("x").env_remove("HOME")));
        assert!(clears_environment(Command::new("x").env_clear()));
        assert!(clears_environment(Command::new("x").env_clear().env("A", "b").current_dir("/tmp")));
    }
}
