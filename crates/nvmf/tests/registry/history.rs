//! Whether all that many processes were told can have happened one after the other.
//!
//! Each operation took effect at one instant between its begin and its end. [`check`] looks for
//! an order of these instants in which every answer is right (linearisability, by the method of
//! Wing and Gong, one controller at a time).

use std::collections::BTreeSet;
use std::fmt;

/// What there is to know about one controller name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    /// The incarnation that has the name.
    pub(crate) current: Option<u64>,
    /// Its owner.
    pub(crate) owner: Option<String>,
}

/// What an operation did, as far as its answer tells.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The kernel gave the name away, or took it back.
    Kernel(Option<u64>),
    /// Nothing; it saw this owner.
    Saw(Option<String>),
    /// It took the incarnation (any, if `None`), which was nobody's.
    Took(String, Option<u64>),
    /// Like `Took`, of what was nobody's or its own already.
    Registered(String, u64),
    /// It may have taken it, but was told that it is gone: the incarnation must go before the end.
    TookInVain(String, Option<u64>),
    /// It made this the owner, whoever it was.
    Put(String),
    /// It may have, but was told that there is none: the incarnation must go before the end.
    PutInVain(String),
    /// It removed this owner, or whichever there was.
    Dropped(Option<String>),
    /// It deleted the entry, owned or not.
    Deleted,
}

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) begin: u64,
    pub(crate) end: u64,
    /// Killed before it answered: it may have happened or not.
    pub(crate) killed: bool,
    pub(crate) effect: Effect,
    /// Who did it.
    pub(crate) label: String,
}

impl Effect {
    /// The states after it, if it can happen in `state`, and whether this incarnation has to be
    /// gone before the operation ends.
    fn after(&self, state: &State) -> Vec<(State, bool)> {
        let with = |owner: Option<&String>| State {
            current: state.current,
            owner: owner.cloned(),
        };
        let is = |of: Option<u64>| {
            state.current.is_some() && of.is_none_or(|of| Some(of) == state.current)
        };
        let only = |possible: bool, next: State| match possible {
            true => vec![(next, false)],
            false => Vec::new(),
        };
        match self {
            Self::Kernel(current) => only(
                true,
                State {
                    current: *current,
                    owner: None,
                },
            ),
            Self::Saw(owner) => only(*owner == state.owner, state.clone()),
            Self::Took(by, of) => only(is(*of) && state.owner.is_none(), with(Some(by))),
            Self::Registered(by, of) => {
                let free = state.owner.as_ref().is_none_or(|owner| owner == by);
                only(is(Some(*of)) && free, with(Some(by)))
            }
            Self::TookInVain(by, of) => {
                if !is(*of) {
                    return vec![(state.clone(), false)];
                }
                match state.owner {
                    None => vec![(with(Some(by)), true)],
                    Some(_) => Vec::new(),
                }
            }
            Self::PutInVain(by) => match state.current {
                None => vec![(state.clone(), false)],
                Some(_) => vec![(with(Some(by)), true)],
            },
            Self::Put(by) => only(state.current.is_some(), with(Some(by))),
            Self::Dropped(whose) => {
                let fits = state.owner.is_some() && (whose.is_none() || *whose == state.owner);
                only(fits, with(None))
            }
            Self::Deleted => only(true, with(None)),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let killed = if self.killed { " KILLED" } else { "" };
        write!(
            f,
            "{}..{} {} {:?}{killed}",
            self.begin, self.end, self.label, self.effect
        )
    }
}

/// One way in which everything so far can have happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    state: State,
    /// Operations that took effect and have not ended, with the incarnation that has to go.
    done: Vec<(usize, Option<u64>)>,
}

impl Way {
    fn has(&self, number: usize) -> bool {
        self.done.iter().any(|(done, _)| *done == number)
    }

    /// The way after the end of operation `number`, unless what had to go is still there.
    fn without(mut self, number: usize) -> Option<Self> {
        let current = self.state.current;
        let had_to_go = |(done, ino): &(usize, Option<u64>)| {
            *done == number && ino.is_some() && *ino == current
        };
        if self.done.iter().any(had_to_go) {
            return None;
        }
        self.done.retain(|(done, _)| *done != number);
        Some(self)
    }

    fn ways_with(&self, number: usize, effect: &Effect) -> impl Iterator<Item = Self> {
        let next = effect.after(&self.state);
        next.into_iter().map(move |(state, must_go)| {
            let mut done = self.done.clone();
            done.push((number, state.current.filter(|_| must_go)));
            done.sort_unstable();
            Self { state, done }
        })
    }
}

/// Finds an order in which all of `operations` on one controller can have happened.
pub(crate) fn check(first: State, operations: &[Operation]) -> Result<(), String> {
    // An end at the very instant of a begin counts as later: nothing is excluded by the clock.
    let mut moments: Vec<(u64, bool, usize)> = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        moments.push((operation.begin, false, number));
        moments.push((operation.end, true, number));
    }
    moments.sort_unstable();
    let mut pending: Vec<usize> = Vec::new();
    let mut ways = BTreeSet::from([Way {
        state: first,
        done: Vec::new(),
    }]);
    for (_, ends, number) in moments {
        if !ends {
            pending.push(number);
            continue;
        }
        let with = ways_to(&pending, operations, &ways, |way| way.has(number));
        ways = match operations[number].killed {
            true => &ways | &with,
            false => with,
        };
        // What has to be gone may be gone by an operation that has not ended.
        if ways.iter().any(|way| way.clone().without(number).is_none()) {
            ways = ways_to(&pending, operations, &ways, |way| {
                way.clone().without(number).is_some()
            });
        }
        ways = ways
            .into_iter()
            .filter_map(|way| way.without(number))
            .collect();
        pending.retain(|other| *other != number);
        if ways.is_empty() {
            return Err(story(number, operations));
        }
    }
    Ok(())
}

/// All ways on from `ways` by pending operations, up to where they are `wanted`.
fn ways_to(
    pending: &[usize],
    operations: &[Operation],
    ways: &BTreeSet<Way>,
    wanted: impl Fn(&Way) -> bool,
) -> BTreeSet<Way> {
    let mut open: Vec<Way> = ways.iter().cloned().collect();
    let mut seen: BTreeSet<Way> = ways.clone();
    let mut found = BTreeSet::new();
    while let Some(mut way) = open.pop() {
        // What changes nothing and fits is best done at once.
        for other in pending {
            if let Effect::Saw(owner) = &operations[*other].effect
                && *owner == way.state.owner
                && !way.has(*other)
            {
                way.done.push((*other, None));
            }
        }
        way.done.sort_unstable();
        if wanted(&way) {
            found.insert(way);
            continue;
        }
        for other in pending.iter().filter(|other| !way.has(**other)) {
            for next in way.ways_with(*other, &operations[*other].effect) {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
    found
}

/// What happened round an operation that does not fit.
fn story(number: usize, operations: &[Operation]) -> String {
    let culprit = &operations[number];
    let near = |o: &&Operation| o.end + 20_000_000 >= culprit.begin && o.begin <= culprit.end;
    let mut around: Vec<&Operation> = operations.iter().filter(near).collect();
    around.sort_by_key(|operation| operation.begin);
    let around = around.split_off(around.len().saturating_sub(60));
    let lines: Vec<String> = around.iter().map(|o| format!("  {o}")).collect();
    format!(
        "after\n{}\nthis cannot have happened:\n  {culprit}",
        lines.join("\n")
    )
}

mod tests {
    use super::*;

    fn some(owner: &str) -> Option<String> {
        Some(owner.to_owned())
    }

    fn took(by: &str) -> Effect {
        Effect::Took(by.to_owned(), None)
    }

    /// Whether operations `(begin, end, effect)` fit; an end of 0 is a kill at 100.
    fn fits(operations: &[(u64, u64, Effect)]) -> bool {
        let operations: Vec<Operation> = operations
            .iter()
            .map(|(begin, end, effect)| Operation {
                begin: *begin,
                end: if *end == 0 { 100 } else { *end },
                killed: *end == 0,
                effect: effect.clone(),
                label: String::new(),
            })
            .collect();
        let first = State {
            current: Some(1),
            owner: None,
        };
        check(first, &operations).is_ok()
    }

    #[test]
    fn what_cannot_have_happened_is_found() {
        use Effect::{Deleted, Dropped, Kernel, Put, Saw, TookInVain};
        let a = || "a".to_owned();
        for (expected, operations) in [
            (true, vec![(1, 2, took("a")), (3, 4, Saw(some("a")))]),
            // granted twice
            (false, vec![(1, 9, took("a")), (2, 8, took("b"))]),
            (
                true,
                vec![
                    (1, 9, took("a")),
                    (2, 8, took("b")),
                    (3, 7, Dropped(some("b"))),
                ],
            ),
            // lost
            (false, vec![(1, 2, took("a")), (3, 4, Saw(None))]),
            (true, vec![(1, 3, took("a")), (2, 4, Saw(None))]),
            // seen, then not seen
            (
                false,
                vec![(1, 9, took("a")), (2, 3, Saw(some("a"))), (4, 5, Saw(None))],
            ),
            // a killed claim may have happened, but not after the kill, and not twice
            (
                true,
                vec![(1, 0, took("a")), (5, 6, Saw(None)), (7, 8, Saw(some("a")))],
            ),
            (true, vec![(1, 0, took("a")), (200, 201, Saw(None))]),
            (true, vec![(1, 0, took("a")), (200, 201, Saw(some("a")))]),
            (
                false,
                vec![
                    (1, 0, took("a")),
                    (101, 102, Saw(None)),
                    (103, 104, Saw(some("a"))),
                ],
            ),
            // the predecessor's owner
            (
                false,
                vec![
                    (1, 2, took("a")),
                    (3, 4, Kernel(Some(2))),
                    (5, 6, Saw(some("a"))),
                ],
            ),
            // told that it is gone, but it owns it
            (
                false,
                vec![(1, 4, TookInVain(a(), None)), (5, 6, Saw(some("a")))],
            ),
            (
                true,
                vec![
                    (1, 4, TookInVain(a(), None)),
                    (2, 3, Saw(some("a"))),
                    (3, 4, Kernel(None)),
                ],
            ),
            (
                true,
                vec![(1, 2, Put(a())), (3, 4, Deleted), (5, 6, Saw(None))],
            ),
            (false, vec![(1, 2, Put(a())), (3, 4, Dropped(some("b")))]),
        ] {
            assert_eq!(fits(&operations), expected, "{operations:?}");
        }
    }
}
