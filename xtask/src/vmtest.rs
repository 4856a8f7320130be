//! `cargo xtask test`: the quick part, then the tests in the virtual machine.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;

use crate::image::Image;
use crate::out::Verdict;
use crate::programs::{self, Executable};
use crate::runner::{Case, Runner};
use crate::session::Session;
use crate::{host, out, stage, steps};

/// Tests that may skip, as `file::test`, with the reason in a comment. Every other skip is a failure: a
/// test that nobody runs proves nothing.
const ALLOWED_SKIPS: &[&str] = &[];

/// The file of the tests that install packages.
const PACKAGES: &str = "packages";

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Leave the virtual machine out
    #[arg(long, conflicts_with_all = ["filter", "timeout", "live"])]
    no_vm: bool,
    /// Only tests in the virtual machine whose `file::test` contains this; leaves the quick part out
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Go on after a failed step of the quick part
    #[arg(long)]
    keep_going: bool,
    /// Deadline of one test in the virtual machine, or of one of its stages
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// Show what the tests in the virtual machine print as they do
    #[arg(long)]
    live: bool,
}

/// Tests; failure if anything failed or skipped without leave.
pub(crate) fn run(args: &Test) -> anyhow::Result<ExitCode> {
    let mut failed = Vec::new();
    if args.filter.is_some() {
        out::line(
            "--filter: only tests in the virtual machine; format, lints and quick tests are left out",
        );
    } else {
        failed = steps::run(args.keep_going)?;
    }
    let stop = !failed.is_empty() && !args.keep_going;
    let counts = if args.no_vm || stop {
        Counts::default()
    } else {
        in_vm(args)?
    };
    for step in &failed {
        out::warn(format_args!("`{step}` failed"));
    }
    if stop && !args.no_vm {
        out::warn(
            "the tests in the virtual machine were not run; --keep-going runs them all the same",
        );
    }
    let ok = failed.is_empty() && counts.failed == 0 && counts.unexpected == 0;
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How the tests in the virtual machine went.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
    /// Those of the skipped that may not skip.
    unexpected: usize,
}

impl Counts {
    fn add(&mut self, name: &str, verdict: &Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail(_) => self.failed += 1,
            Verdict::Skip(_) => {
                self.skipped += 1;
                self.unexpected += usize::from(!ALLOWED_SKIPS.contains(&name));
            }
        }
    }
}

fn in_vm(args: &Test) -> anyhow::Result<Counts> {
    host::install_packages(host::FOR_GUEST)?;
    let image = Image::ensure()?;
    let progress = out::Progress::start("building the tests for the virtual machine");
    let files = programs::build_vm_tests()?;
    progress.done("tests for the virtual machine built");
    let cases = select(&files, args.filter.as_deref())?;
    let mut counts = Counts::default();
    if !cases.is_empty() {
        let session = prepare(image, &files)?;
        if cases.iter().any(|case| case.file == PACKAGES) {
            stage::packages(&session.share())?;
        }
        let limit = Duration::from_secs(args.timeout);
        let mut runner = Runner {
            session,
            limit,
            live: args.live,
        };
        for case in &cases {
            runner.boot()?;
            let started = Instant::now();
            let mut said = Vec::new();
            let verdict = runner.run(case, &mut said)?;
            let name = case.to_string();
            out::verdict(&verdict, &name, started.elapsed());
            if matches!(verdict, Verdict::Fail(_)) && !args.live {
                for line in said {
                    out::line(format_args!("    | {line}"));
                }
            }
            counts.add(&name, &verdict);
        }
    }
    if counts.unexpected > 0 {
        out::warn(format_args!(
            "{} skipped without leave: that is a failure",
            counts.unexpected
        ));
    }
    out::line(format_args!(
        "{} passed, {} failed, {} skipped",
        counts.passed, counts.failed, counts.skipped
    ));
    Ok(counts)
}

/// The chosen tests of all files.
fn select(files: &[Executable], filter: Option<&str>) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for file in files {
        let list = host::output(Command::new(&file.path).args(["--list", "--format", "terse"]))
            .with_context(|| format!("cannot list the tests of `{}`", file.name))?;
        cases.extend(names(&list).map(|name| Case {
            file: file.name.clone(),
            name,
        }));
    }
    if let Some(filter) = filter {
        cases.retain(|case| case.to_string().contains(filter));
        if cases.is_empty() {
            bail!("no test in the virtual machine has `{filter}` in its name");
        }
    }
    Ok(cases)
}

fn names(list: &str) -> impl Iterator<Item = String> {
    list.lines()
        .filter_map(|line| line.strip_suffix(": test").map(str::to_owned))
}

/// A session with everything in its share that the tests need.
fn prepare(image: Image, files: &[Executable]) -> anyhow::Result<Session> {
    let session = Session::new(image)?;
    let share = session.share();
    stage::agent(&share)?;
    stage::shipped(&share, false)?;
    for file in files {
        programs::copy_stripped(&file.path, &share.join("bin").join(&file.name))?;
    }
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tests_are_taken_from_the_list() {
        let list =
            "guest_is_ready: test\nslow: benchmark\nmod::inner: test\n\n2 tests, 1 benchmark\n";
        assert_eq!(
            names(list).collect::<Vec<_>>(),
            ["guest_is_ready", "mod::inner"]
        );
    }

    #[test]
    fn a_skip_without_leave_is_counted_twice() {
        let mut counts = Counts::default();
        counts.add("a", &Verdict::Pass);
        counts.add("b", &Verdict::Fail("x".to_owned()));
        counts.add("c", &Verdict::Skip("no".to_owned()));
        assert_eq!(
            counts,
            Counts {
                passed: 1,
                failed: 1,
                skipped: 1,
                unexpected: 1
            }
        );
    }
}
