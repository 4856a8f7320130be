//! The quick part of `cargo xtask test`: what needs no virtual machine.

use std::fmt;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{host, out};

/// One command of cargo.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    arguments: Vec<&'static str>,
    /// Variables of its environment.
    environment: &'static [(&'static str, &'static str)],
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.environment {
            write!(f, "{name}={value} ")?;
        }
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}

/// Runs all steps, up to the first that fails unless told to go on. Returns the failed ones.
///
/// # Errors
/// What the tests need cannot be installed.
pub(crate) fn run(keep_going: bool) -> anyhow::Result<Vec<String>> {
    host::install_packages(host::FOR_TESTS)?;
    let mut failed = Vec::new();
    let steps = steps(has_nextest());
    let last = steps.len() - 1;
    for (number, step) in steps.iter().enumerate() {
        out::step(step);
        let started = Instant::now();
        let mut command = host::cargo();
        command.args(&step.arguments);
        command.envs(step.environment.iter().copied());
        let ok = host::run(&mut command).is_ok();
        let word = if ok { "done" } else { "FAILED" };
        // The summary of the tests, which has a time of its own, is the last word of this part.
        if number != last {
            out::step(format_args!(
                "{step}: {word} ({:.1} s)",
                started.elapsed().as_secs_f64()
            ));
        }
        if !ok {
            failed.push(step.to_string());
            if !keep_going {
                break;
            }
        }
    }
    Ok(failed)
}

/// The simulator of the daemon's decisions, and how far it goes here: the tests of the workspace go
/// a hundredth of that.
const SIMULATOR: &str = "nothing_that_happens_breaks_a_promise";
const SCHEDULES: &[(&str, &str)] = &[("NVMF_SIM_SCHEDULES", "100000")];

/// The steps, cheapest first; the one whose summary people look for comes last.
fn steps(nextest: bool) -> Vec<Step> {
    const OURS: [&str; 3] = ["--workspace", "--exclude", "vm-tests"];
    let tests: &[&str] = if nextest {
        &["nextest", "run"]
    } else {
        &["test", "--all-targets"]
    };
    let step = |arguments: Vec<&'static str>| Step {
        arguments,
        environment: &[],
    };
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    let docs = ["test", "--quiet", "--doc"].iter().chain(&OURS).copied();
    let simulator: &[&str] = if nextest {
        &["nextest", "run", "-p", "nvmf-testkit", SIMULATOR]
    } else {
        &["test", "-p", "nvmf-testkit", "--lib", SIMULATOR]
    };
    vec![
        step(vec!["fmt", "--all", "--check"]),
        step(lints.to_vec()),
        Step {
            arguments: vec!["doc", "--quiet", "--workspace", "--no-deps"],
            environment: &[("RUSTDOCFLAGS", "-D warnings")],
        },
        step(docs.collect()),
        Step {
            arguments: simulator.to_vec(),
            environment: SCHEDULES,
        },
        step(vec!["xtask", "python"]),
        step(tests.iter().chain(&OURS).copied().collect()),
    ]
}

fn has_nextest() -> bool {
    let mut version: Command = host::cargo();
    version
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_tests_never_run_on_the_host() {
        for nextest in [false, true] {
            for step in steps(nextest) {
                let runs = step
                    .arguments
                    .iter()
                    .any(|word| matches!(*word, "test" | "nextest"));
                let kept_away = ["vm-tests", "-p"].map(|word| step.arguments.contains(&word));
                assert_eq!(runs, kept_away.contains(&true), "{step}");
            }
        }
    }
}
