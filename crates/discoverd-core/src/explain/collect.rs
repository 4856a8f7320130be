//! Explanations, put together from what the core knows.

use std::collections::BTreeSet;

use nvmf_types::TransportId;

use super::{Explained, Explanation, Next, Remedy, Sentence, Subject, Whose};
use crate::connection::{Connection, Life};
use crate::core::{Core, Phase};
use crate::key::Key;
use crate::live::Known;
use crate::timers::Timer;
use crate::units::Unit;
use crate::{FailureKind, Timestamp};

impl Core {
    /// Why something is as it is, and what comes next.
    #[must_use]
    pub fn explain(&self, subject: &Subject, now: Timestamp) -> Explanation {
        let is_meant = |tid: &TransportId| subject.is_connection(tid);
        let keys = self.connections.iter().map(|(key, _)| key);
        let mut keys: BTreeSet<Key> = keys.filter(|key| is_meant(key.tid())).cloned().collect();
        let mut connections = Vec::new();
        for known in self.live.iter() {
            let named = matches!(subject, Subject::Device(device) if *device == known.live.device);
            if !named && !is_meant(&known.live.tid) {
                continue;
            }
            if known.bound.is_empty() {
                connections.push(self.explain_undesired(known, now));
            } else {
                keys.extend(known.bound.iter().cloned());
            }
        }
        let desired = keys.iter().filter_map(|key| {
            let connection = self.connections.get(key)?;
            Some(self.explain_connection(key, connection, now))
        });
        let mut all: Vec<Explained> = desired.collect();
        all.append(&mut connections);
        if all.is_empty()
            && let Subject::Connection(tid) = subject
        {
            all.push(self.explain_unknown(tid));
        }
        Explanation {
            subject: subject.clone(),
            connections: all,
        }
    }

    fn explain_connection(&self, key: &Key, connection: &Connection, now: Timestamp) -> Explained {
        let sources = self.desired.sources(key);
        let mut sentences: Vec<Sentence> = sources.into_iter().map(Sentence::Desired).collect();
        if sentences.is_empty() {
            sentences.push(Sentence::Undesired);
        }
        let excluded = connection.excluded.clone();
        sentences.extend(excluded.clone().map(Sentence::Excluded));
        let at = connection.life.controller();
        let known = at.and_then(|at| self.live.exact(at));
        if let Some(known) = known {
            sentences.extend(self.about_controller(known, now));
            if connection.life.ours().is_some() && key.is_discovery() {
                sentences.extend(connection.page.sentence());
            }
        } else if connection.life == Life::Idle {
            sentences.extend(connection.page.sentence());
        } else {
            sentences.extend(attempts(connection, now));
        }
        let next = self.next_of(key, connection, now);
        let remedy = remedy(key, connection, known, &next);
        sentences.push(Sentence::Next(next));
        sentences.extend(remedy.map(Sentence::Remedy));
        Explained {
            tid: key.tid().clone(),
            class: key.class(),
            state: Some(connection.life.state()),
            sentences,
        }
    }

    /// A controller that nothing desires.
    fn explain_undesired(&self, known: &Known, now: Timestamp) -> Explained {
        let live = &known.live;
        let class = live.class.unwrap_or_else(|| live.tid.class_by_nqn());
        let excluded = self.lists.origin_against(&live.tid, class);
        let mut sentences = vec![Sentence::Undesired];
        sentences.extend(excluded.map(Sentence::Excluded));
        sentences.extend(self.about_controller(known, now));
        let ours = live.owner.as_ref() == Some(&self.settings.owner);
        let next = if ours { Next::Nothing } else { Next::Never };
        sentences.push(Sentence::Next(next));
        sentences.push(Sentence::Remedy(Remedy::Ask));
        Explained {
            tid: live.tid.clone(),
            class,
            state: None,
            sentences,
        }
    }

    /// Neither desired nor there.
    fn explain_unknown(&self, tid: &TransportId) -> Explained {
        let class = tid.class_by_nqn();
        let mut sentences = vec![Sentence::Undesired];
        let excluded = self.lists.origin_against(tid, class);
        sentences.extend(excluded.map(Sentence::Excluded));
        sentences.push(Sentence::Next(Next::Never));
        sentences.push(Sentence::Remedy(Remedy::Ask));
        Explained {
            tid: tid.clone(),
            class,
            state: None,
            sentences,
        }
    }

    fn about_controller(&self, known: &Known, now: Timestamp) -> Vec<Sentence> {
        let live = &known.live;
        let whose = match &live.owner {
            Some(owner) if *owner == self.settings.owner => Whose::Ours(owner.clone()),
            Some(_) if self.is_ours(known) => Whose::BootTables,
            Some(owner) => Whose::Theirs(owner.clone()),
            None => Whose::Nobody,
        };
        let mut sentences = vec![
            Sentence::Controller {
                device: live.device.clone(),
                state: live.state,
                for_ms: now.since_ms(known.since),
            },
            Sentence::Owner(whose),
        ];
        sentences.extend(match &known.unit {
            Unit::There => Some(Sentence::Unit(Ok(()))),
            Unit::Failed(_, why) => Some(Sentence::Unit(Err(why.clone()))),
            _ => None,
        });
        sentences
    }

    fn next_of(&self, key: &Key, connection: &Connection, now: Timestamp) -> Next {
        if matches!(self.phase, Phase::Starting { .. }) {
            return Next::FirstLook;
        }
        if !connection.desired {
            return Next::Result;
        }
        let retry = self.timers.due(&Timer::Retry(key.clone()));
        match &connection.life {
            Life::Connected(_) | Life::Lost(_) if connection.excluded.is_some() => Next::Nothing,
            Life::Connected(_) if connection.visit.only => Next::Leave,
            Life::Connected(_) => Next::Reconnect,
            Life::Lost(_) => Next::Kernel,
            Life::Foreign(_) => Next::WhenFree,
            Life::Claiming(_) => Next::Claim,
            Life::GaveUp => Next::WhenNamed,
            Life::Idle => Next::ReadAgain(retry.map(|at| at.since_ms(now))),
            Life::Excluded | Life::Stopping(_) => Next::WhenAllowed,
            Life::Starting(id) if self.outbox.waits(*id) => Next::Attempt,
            Life::Starting(_) => Next::Result,
            Life::Retrying => Next::Retry(retry.unwrap_or(now).since_ms(now)),
            Life::Waiting if self.phase != Phase::Running => Next::Shutdown,
            Life::Waiting => Next::Claim,
        }
    }
}

fn attempts(connection: &Connection, now: Timestamp) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    if let Some(at) = connection.tried_at.filter(|_| connection.attempts > 0) {
        sentences.push(Sentence::Tried {
            attempts: connection.attempts,
            ago_ms: now.since_ms(at),
        });
    }
    if let Some(message) = &connection.last_error {
        sentences.push(Sentence::Failed {
            message: message.clone(),
            ago_ms: now.since_ms(connection.ended_at),
        });
    }
    if connection.suspect {
        sentences.push(Sentence::Suspect);
    }
    sentences
}

fn remedy(
    key: &Key,
    connection: &Connection,
    known: Option<&Known>,
    next: &Next,
) -> Option<Remedy> {
    match (next, known) {
        (Next::WhenFree, Some(known)) => Some(Remedy::Release(known.live.device.clone())),
        (Next::WhenAllowed | Next::Nothing, _) => connection.excluded.clone().map(Remedy::Allow),
        (Next::WhenNamed, _) => Some(Remedy::AskOrRetry),
        (Next::Retry(_) | Next::Result | Next::Attempt, _) => {
            let kind: FailureKind = connection.failure?;
            Some(Remedy::Failure {
                kind,
                target: target(key.tid()),
                nqn: key.tid().nqn.clone(),
            })
        }
        _ => None,
    }
}

/// `192.0.2.1, port 4420`.
fn target(tid: &TransportId) -> String {
    let address = tid
        .field("traddr")
        .unwrap_or_else(|| tid.transport.to_string());
    match tid.field("trsvcid") {
        Some(port) => format!("{address}, port {port}"),
        None => address,
    }
}
