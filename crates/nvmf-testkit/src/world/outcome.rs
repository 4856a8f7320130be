//! What came out: of programs, of waiting, of `nvmf status`.

use std::fmt;
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use serde_json::Value;

use crate::files::OrFail;

/// A condition did not come true in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// The condition.
    pub what: String,
    /// How long was waited.
    pub limit: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not true after {:.0?}: {}", self.limit, self.what)
    }
}

impl std::error::Error for TimedOut {}

/// A program that ran to its end.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The command line.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it took, start of the process included.
    pub taken: Duration,
}

impl Ran {
    pub(super) fn new(command: &Command, output: &Output, taken: Duration) -> Self {
        let arguments = command.get_args().map(|it| it.to_string_lossy());
        let words: Vec<_> = [command.get_program().to_string_lossy()]
            .into_iter()
            .chain(arguments)
            .collect();
        Self {
            command: words.join(" "),
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            taken,
        }
    }

    /// Standard output of a program that must have exited with 0.
    #[track_caller]
    pub fn expect_success(self) -> String {
        assert!(self.status.success(), "{self}");
        self.stdout
    }

    /// Standard error of a program that must have exited with this status.
    #[track_caller]
    pub fn expect_failure(self, code: i32) -> String {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self.stderr
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            status,
            stdout,
            stderr,
            taken,
        } = self;
        write!(
            f,
            "`{command}`: {status} after {taken:.3?}\n{stdout}{stderr}"
        )
    }
}

/// What the daemon says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Status(Value);

impl Status {
    /// Reads `nvmf status -o json`.
    #[track_caller]
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).or_fail(format_args!("read the status `{text}`")))
    }

    /// A field of the connection to a subsystem or (for the discovery NQN) of the first discovery
    /// controller; `None` if there is no such connection, or the field is not set.
    #[must_use]
    pub fn connection(&self, nqn: &str, field: &str) -> Option<String> {
        let connections = self.0.get("connections")?.as_array()?;
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let it = connections
            .iter()
            .find(|it| it.get("nqn").and_then(Value::as_str) == Some(nqn))?;
        it.get(field).and_then(text)
    }

    /// The state of the connection to a subsystem; empty if there is none.
    #[must_use]
    pub fn state(&self, nqn: &str) -> String {
        self.connection(nqn, "state").unwrap_or_default()
    }

    /// What needs a person, a line each.
    #[must_use]
    pub fn problems(&self) -> String {
        let problems = self.0.get("problems").and_then(Value::as_array);
        let lines = problems.into_iter().flatten().filter_map(Value::as_str);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_asked_by_nqn() {
        let status = Status::parse(
            r#"{"connections":[{"nqn":"a","state":"connected","attempts":3,"owner":null}],
                "problems":["one","two"]}"#,
        );
        assert_eq!(status.state("a"), "connected");
        assert_eq!(status.connection("a", "attempts").as_deref(), Some("3"));
        assert_eq!(
            (status.connection("a", "owner"), status.state("b")),
            (None, String::new())
        );
        assert_eq!(status.problems(), "one\ntwo\n");
    }
}
