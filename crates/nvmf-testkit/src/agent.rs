//! What host and guest say to each other: one JSON object a line over a virtio serial port.
//!
//! The guest agent sends [`Event::Hello`] with id 0 as soon as it runs. After that the host asks
//! ([`Request`]) and the agent answers with [`Reply`]s that carry the request's id. Several requests
//! may run at once; each ends with exactly one [`Event::Exit`] (or [`Event::Hello`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Name of the virtio serial port, as `/sys/class/virtio-ports/*/name` has it in the guest.
pub const PORT: &str = "org.nvmf.agent";

/// One request of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the host, above 0, not used twice in one connection.
    pub id: u64,
    /// What is asked.
    pub ask: Ask,
}

/// What the host may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Say how long the guest has been up.
    Hello,
    /// Run a program.
    Run(Run),
}

/// A program to run in the guest, as root, with standard input closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Program (looked up in `PATH`) and arguments. Must not be empty.
    pub argv: Vec<String>,
    /// Variables to set besides the agent's own environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Working directory; `/` if not given.
    #[serde(default)]
    pub cwd: Option<String>,
    /// After so many milliseconds the program and its process group are killed.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// One answer of the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The request's id; 0 for what the agent says by itself.
    pub id: u64,
    /// What happened.
    pub event: Event,
}

/// What happened to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The agent is there.
    Hello {
        /// Milliseconds since the guest's kernel started.
        uptime_ms: u64,
    },
    /// The program wrote a line (given without its newline; bytes that are no UTF-8 are replaced).
    Line {
        /// Where it wrote it.
        stream: Stream,
        /// What it wrote.
        text: String,
    },
    /// The program is done; nothing follows.
    Exit(Exit),
}

/// The two output streams of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this status.
    Status(i32),
    /// This signal killed it.
    Signal(i32),
    /// It was killed because its time was over.
    TimedOut,
    /// It could not be started, and why.
    NotStarted(String),
}

impl Exit {
    /// Whether the program ran and exited with status 0.
    #[must_use]
    pub fn success(&self) -> bool {
        *self == Self::Status(0)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(n) => write!(f, "exit status {n}"),
            Self::Signal(n) => write!(f, "killed by signal {n}"),
            Self::TimedOut => f.write_str("killed: time is over"),
            Self::NotStarted(why) => write!(f, "could not be started: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_on_the_wire_is_what_both_sides_expect() {
        let line = r#"{"id":7,"ask":{"run":{"argv":["true"]}}}"#;
        let request: Request = serde_json::from_str(line).unwrap();
        let Ask::Run(run) = request.ask else {
            panic!("not a run: {request:?}")
        };
        assert_eq!(
            (run.argv, run.env.len(), run.timeout_ms),
            (vec!["true".to_owned()], 0, None)
        );

        let reply = Reply {
            id: 7,
            event: Event::Exit(Exit::Status(3)),
        };
        assert_eq!(
            serde_json::to_string(&reply).unwrap(),
            r#"{"id":7,"event":{"exit":{"status":3}}}"#
        );
    }

    #[test]
    fn only_status_zero_is_success() {
        assert!(Exit::Status(0).success());
        assert!(!Exit::Status(1).success());
        assert!(!Exit::Signal(0).success());
        assert!(!Exit::TimedOut.success());
    }
}
