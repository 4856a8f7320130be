//! One of the processes: its children one after the other, and what they were told.

use std::collections::BTreeMap;
use std::process::Child;

use rustix::process::{Pid, Signal};

use crate::child::{Work, now};
use crate::history::{Effect, Operation};
use crate::program::DEVICES;

/// The history of each controller name.
pub(crate) type Histories = BTreeMap<String, Vec<Operation>>;

/// One of the processes: who replaces it when it was killed, and when that was.
pub(crate) struct Slot {
    pub(crate) work: Work,
    child: Option<Child>,
    pub(crate) kills: Vec<u64>,
}

impl Slot {
    pub(crate) fn start(work: Work) -> Self {
        let child = Some(work.start());
        let kills = Vec::new();
        Self { work, child, kills }
    }

    /// Whether it is still at work. Its failure is the test's.
    pub(crate) fn runs(&mut self) -> bool {
        let Some(child) = &mut self.child else {
            return false;
        };
        let Some(status) = child.try_wait().unwrap() else {
            return true;
        };
        assert!(status.success(), "slot {}: {status}", self.work.slot);
        self.child = None;
        false
    }

    /// Waits until it has done its work. Its failure is the test's.
    pub(crate) fn finish(&mut self) {
        if let Some(mut child) = self.child.take() {
            let status = child.wait().unwrap();
            assert!(status.success(), "slot {}: {status}", self.work.slot);
        }
    }

    /// Kills it in the midst of something, and lets another go on after that.
    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        // What a script has started dies with it, if not before its wait ends.
        let group = Pid::from_child(&child);
        rustix::process::kill_process_group(group, Signal::KILL).unwrap();
        child.wait().unwrap();
        let lag = if self.work.shell { 50_000_000 } else { 0 };
        self.kills.push(now() + lag);
        // The last line may be cut off.
        let mut text = std::fs::read(&self.work.log).unwrap_or_default();
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
            std::fs::write(&self.work.log, &text).unwrap();
        }
        let begun = self.lines().filter(|l| l.first().is_some_and(|w| w == "B"));
        let next = begun
            .last()
            .map_or(self.work.from, |line| number(&line[1]) + 1);
        self.child = Some(
            Work {
                from: next,
                ..self.work.clone()
            }
            .start(),
        );
    }

    /// The whole lines of its log, as words.
    fn lines(&self) -> impl Iterator<Item = Vec<String>> + use<> {
        let text = std::fs::read_to_string(&self.work.log).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.into_iter().filter_map(|line| {
            let line = line.strip_suffix(" .")?;
            Some(line.split(' ').map(str::to_owned).collect())
        })
    }

    /// Adds what it did to the histories. Returns how many operations have an answer.
    pub(crate) fn tell(&self, histories: &mut Histories) -> u64 {
        let mut answered = 0;
        let mut begun: Option<Vec<String>> = None;
        for line in self.lines() {
            if line[0] == "F" {
                panic!("slot {}: {}", self.work.slot, line.join(" "));
            } else if line[0] == "B" {
                if let Some(begin) = begun.replace(line) {
                    self.interrupted(&begin, histories);
                }
            } else {
                let begin = begun.take().unwrap();
                assert_eq!(begin[1], line[1], "an answer to another question");
                self.answered(&begin, &line, histories);
                answered += 1;
            }
        }
        if let Some(begin) = begun {
            self.interrupted(&begin, histories);
        }
        answered
    }

    fn answered(&self, begin: &[String], end: &[String], histories: &mut Histories) {
        let told: Vec<&str> = end[3..].iter().map(String::as_str).collect();
        let mut add = |name: &str, effect: Effect| {
            let operation = Operation {
                begin: number(&begin[2]),
                end: number(&end[2]),
                killed: false,
                effect,
                label: format!("slot {} number {}: {}", self.work.slot, begin[1], begin[4]),
            };
            histories.get_mut(name).unwrap().push(operation);
        };
        if told[0] == "listed" {
            let listed: BTreeMap<&str, &str> = told[1..]
                .iter()
                .filter_map(|word| word.split_once('='))
                .collect();
            for device in names() {
                let owner = listed.get(device.as_str()).map(ToString::to_string);
                add(&device, Effect::Saw(owner));
            }
        } else if let Some(effect) = effect(&begin[4..], &told) {
            add(&begin[3], effect);
        }
    }

    fn interrupted(&self, begin: &[String], histories: &mut Histories) {
        let started = number(&begin[2]);
        let end = self
            .kills
            .iter()
            .copied()
            .find(|kill| *kill >= started)
            .unwrap();
        if let Some(effect) = possible(&begin[4..]) {
            histories.get_mut(&begin[3]).unwrap().push(Operation {
                begin: started,
                end,
                killed: true,
                effect,
                label: format!("slot {} number {}: {}", self.work.slot, begin[1], begin[4]),
            });
        }
    }
}

/// What an operation did, by what it was told.
fn effect(asked: &[String], told: &[&str]) -> Option<Effect> {
    let who = || asked[1].clone();
    Some(match (asked[0].as_str(), told) {
        (_, ["saw", "-"]) => Effect::Saw(None),
        (_, ["saw", owner]) => Effect::Saw(Some((*owner).to_owned())),
        ("claim", ["granted"]) => Effect::Took(who(), asked[2].parse().ok()),
        ("claim", ["mine"]) => Effect::Saw(Some(who())),
        ("claim", ["gone"]) => Effect::TookInVain(who(), asked[2].parse().ok()),
        ("register", ["done"]) => Effect::Registered(who(), number(&asked[2])),
        ("register", ["not-it"]) => Effect::TookInVain(who(), Some(asked[2].parse().ok()?)),
        ("release", ["done"]) => Effect::Dropped(Some(who())),
        ("put", ["absent"]) => Effect::PutInVain(who()),
        ("put", ["done"]) => Effect::Put(who()),
        ("unset", ["done"]) => Effect::Dropped(None),
        ("delete", ["done"]) => Effect::Deleted,
        // a script that found an entry there already
        ("claim", ["fine"]) => return None,
        ("other", ["fine"]) | ("note-new", ["not-it"]) => return None,
        other => panic!("what does {other:?} mean?"),
    })
}

/// What an operation without an answer may have done.
fn possible(asked: &[String]) -> Option<Effect> {
    let who = || asked[1].clone();
    Some(match asked[0].as_str() {
        "claim" => Effect::Took(who(), asked[2].parse().ok()),
        "register" => Effect::Registered(who(), asked[2].parse().ok()?),
        "release" => Effect::Dropped(Some(who())),
        "put" => Effect::Put(who()),
        "unset" => Effect::Dropped(None),
        "delete" => Effect::Deleted,
        _ => return None,
    })
}

pub(crate) fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

pub(crate) fn names() -> impl Iterator<Item = String> {
    (0..DEVICES).map(|number| format!("nvme{number}"))
}
