//! Runs one test in the guest, over as many boots as it asks for.
//!
//! A test that wants a reboot writes the number of its next stage into `/host/stage/NAME`, shuts
//! the guest down (`systemctl reboot` or `poweroff`) and blocks. Then the same disk is booted again and the
//! same test run again with that number in `NVMF_VM_STAGE` (0 at first); the console log of the
//! boot that ended is `/host/console/NAME.STAGE.log`, STAGE being the stage that ended with it.
//! NAME is `NVMF_VM_TEST` or whatever the test likes: tests run one at a time.
//!
//! A test that cannot run prints `SKIP: reason` and succeeds.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::guest::{Exit, Lost, Run, Stream};
use crate::out::{self, Verdict};
use crate::session::{Session, tail};
use crate::stage;

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// Name of its file, which is the name of its program too.
    pub(crate) file: String,
    /// Its name within the file.
    pub(crate) name: String,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.file, self.name)
    }
}

/// What runs tests.
#[derive(Debug)]
pub(crate) struct Runner {
    /// Where they run.
    pub(crate) session: Session,
    /// How long one stage of a test may take.
    pub(crate) limit: Duration,
    /// Whether what they print is shown at once.
    pub(crate) live: bool,
}

impl Runner {
    /// Boots the guest if it is not up.
    ///
    /// # Errors
    /// It could not be booted.
    pub(crate) fn boot(&mut self) -> anyhow::Result<()> {
        self.session.vm().map(|_| ())
    }

    /// Runs a test through all its stages; what it printed is added to `said`.
    ///
    /// # Errors
    /// The guest could not be booted, so that no other test can run either.
    pub(crate) fn run(&mut self, case: &Case, said: &mut Vec<String>) -> anyhow::Result<Verdict> {
        let wishes = self.session.share().join("stage");
        let mut stage = 0;
        // What an earlier test wished is not this one's wish.
        let _ = wish(&wishes);
        loop {
            if let Err(error) = self.session.vm() {
                if stage == 0 {
                    return Err(error);
                }
                return self.fail(
                    format!("no boot for stage {stage}"),
                    format!("{error:#}"),
                    said,
                );
            }
            let ended = self.stage(case, stage, said)?;
            let Some(wish) = wish(&wishes) else {
                let verdict = self.judge(ended, said)?;
                self.session.discard_special()?;
                return Ok(verdict);
            };
            if let Ok(exit @ (Exit::Status(1..) | Exit::TimedOut | Exit::NotStarted(_))) = &ended {
                // It failed by itself; whether the guest goes down as well does not matter any more.
                return self.fail(exit.to_string(), String::new(), said);
            }
            if wish.stage <= stage {
                let why = format!("stage {stage} asked for stage {}", wish.stage);
                return self.fail(
                    why,
                    "the number of the next stage must be higher".into(),
                    said,
                );
            }
            match self.session.wait_for_poweroff() {
                Ok(console) => {
                    let log = format!("console/{}.{}.log", wish.name, wish.stage - 1);
                    fs::write(self.session.share().join(log), console)?;
                }
                Err(error) => {
                    return self.fail("no shutdown".to_owned(), format!("{error:#}"), said);
                }
            }
            said.push(format!("--- reboot; stage {} follows ---", wish.stage));
            stage = wish.stage;
        }
    }

    /// Runs one stage to its end, or to the end of its guest.
    fn stage(
        &mut self,
        case: &Case,
        stage: u32,
        said: &mut Vec<String>,
    ) -> anyhow::Result<Result<Exit, Lost>> {
        let mut env = stage::environment();
        env.insert("NVMF_VM_STAGE".to_owned(), stage.to_string());
        env.insert("NVMF_VM_TEST".to_owned(), case.to_string());
        let program = format!("/host/bin/{}", case.file);
        let options = [
            "--exact",
            "--include-ignored",
            "--nocapture",
            "--test-threads=1",
        ];
        let argv = [&program, &case.name].into_iter().cloned();
        let argv = argv.chain(options.map(str::to_owned)).collect();
        let timeout_ms = u64::try_from(self.limit.as_millis()).ok();
        let live = self.live;
        let each = |_: Stream, line: &str| {
            if live {
                out::line(format_args!("    | {line}"));
            }
            said.push(line.to_owned());
        };
        let vm = self.session.vm()?;
        Ok(vm.guest.run(
            Run {
                argv,
                env,
                timeout_ms,
                ..Run::default()
            },
            each,
        ))
    }

    /// The verdict over a test that wishes no other stage. A guest that is gone or cannot be
    /// trusted any more is thrown away.
    fn judge(
        &mut self,
        ended: Result<Exit, Lost>,
        said: &mut Vec<String>,
    ) -> anyhow::Result<Verdict> {
        match ended {
            Ok(Exit::TimedOut) => {
                let why = format!("not done after {} s", self.limit.as_secs());
                let console = tail(&self.session.vm()?.qemu.console());
                self.fail(why, console, said)
            }
            Ok(exit) => Ok(verdict(&exit, said)),
            Err(lost) => {
                let vm = self.session.vm()?;
                let text = format!("{}\n{}", vm.qemu.errors(), tail(&vm.qemu.console()));
                self.fail(lost.to_string(), text, said)
            }
        }
    }

    fn fail(
        &mut self,
        why: String,
        details: String,
        said: &mut Vec<String>,
    ) -> anyhow::Result<Verdict> {
        said.extend(details.trim().lines().map(str::to_owned));
        if self.live {
            out::line(&details);
        }
        self.session.discard()?;
        Ok(Verdict::Fail(why))
    }
}

/// The verdict over a test program that ran to its own end.
fn verdict(exit: &Exit, said: &[String]) -> Verdict {
    if !exit.success() {
        return Verdict::Fail(exit.to_string());
    }
    if let Some(reason) = said.iter().find_map(|line| skip_reason(line)) {
        return Verdict::Skip(reason.to_owned());
    }
    if said
        .iter()
        .any(|line| line.starts_with("test result: ok. 1 passed"))
    {
        return Verdict::Pass;
    }
    Verdict::Fail("the test program ran no test".to_owned())
}

/// The reason in a test's `SKIP: reason`; libtest's `test NAME ... ` may stand before it.
fn skip_reason(line: &str) -> Option<&str> {
    let own = line
        .strip_prefix("test ")
        .and_then(|rest| rest.split_once(" ... "));
    own.map_or(line, |(_, own)| own).strip_prefix("SKIP: ")
}

/// What a test wants after the guest has shut down.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    name: String,
    stage: u32,
}

/// Takes the wish out of the folder, if there is one.
fn wish(folder: &Path) -> Option<Wish> {
    let mut found = None;
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let stage = fs::read_to_string(entry.path())
            .ok()
            .and_then(|text| text.trim().parse().ok());
        // A file that does not go away is found again, and then its stage is not higher.
        let _ = fs::remove_file(entry.path());
        if let Some(stage) = stage {
            found = Some(Wish {
                name: entry.file_name().to_string_lossy().into_owned(),
                stage,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn a_pass_is_a_test_that_ran_and_succeeded() {
        let passed = "test result: ok. 1 passed; 0 failed; 0 ignored";
        assert_eq!(verdict(&Exit::Status(0), &said(&[passed])), Verdict::Pass);
        let none = "test result: ok. 0 passed; 0 failed; 0 ignored";
        assert!(matches!(
            verdict(&Exit::Status(0), &said(&[none])),
            Verdict::Fail(_)
        ));
        assert!(matches!(
            verdict(&Exit::Status(101), &said(&[passed])),
            Verdict::Fail(_)
        ));
        assert!(matches!(
            verdict(&Exit::Signal(9), &said(&[passed])),
            Verdict::Fail(_)
        ));
    }

    #[test]
    fn a_skip_carries_its_reason_and_a_failed_test_is_no_skip() {
        let lines = said(&[
            "running 1 test",
            "SKIP: no fcloop",
            "test result: ok. 1 passed",
        ]);
        assert_eq!(
            verdict(&Exit::Status(0), &lines),
            Verdict::Skip("no fcloop".to_owned())
        );
        assert!(matches!(
            verdict(&Exit::Status(101), &lines),
            Verdict::Fail(_)
        ));
        assert_eq!(
            skip_reason("test fc::loop ... SKIP: no fcloop"),
            Some("no fcloop")
        );
        assert_eq!(skip_reason("it said SKIP: no fcloop"), None);
    }

    #[test]
    fn a_wish_is_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(wish(dir.path()), None);
        fs::write(dir.path().join("boot::again"), "2\n").unwrap();
        assert_eq!(
            wish(dir.path()),
            Some(Wish {
                name: "boot::again".to_owned(),
                stage: 2
            })
        );
        assert_eq!(wish(dir.path()), None);
        fs::write(dir.path().join("junk"), "soon").unwrap();
        assert_eq!(wish(dir.path()), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
