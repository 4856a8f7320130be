//! Probes and connects.

use nvmf_types::config::Persistence;
use nvmf_types::{ControllerClass, Owner, Transport};

use super::{TargetId, Walker};
use crate::walk::places::{Answer, PlaceId};
use crate::walk::wish::State;
use crate::walk::{Action, Device, Fault, Made, Outcome, Request};

impl Walker {
    /// Tries the address whose turn it is, or else the next one that may answer.
    pub(super) fn attempt(&mut self, id: TargetId) {
        loop {
            let Some(place) = self.place(id) else {
                let reason = self.failure(id);
                return self.settle(id, Outcome::Failed(reason));
            };
            match self.places.answer(place) {
                Answer::Yes => return self.make_ready(id),
                Answer::No(reason) => self.turn(id, reason),
                Answer::Unasked | Answer::Asked => {
                    if self.places.wait(place, id) {
                        self.probe(place, id);
                    }
                    return self.set(id, State::Waiting);
                }
            }
        }
    }

    fn probe(&mut self, place: PlaceId, id: TargetId) {
        let Some(target) = self.target(id) else {
            return;
        };
        let Some(tid) = target.wish.addresses.get(target.turn) else {
            return;
        };
        let probe = Action::Probe {
            place,
            tid: Box::new(tid.clone()),
            class: target.wish.class,
            tls: target.wish.options.tls == Some(true),
        };
        self.probes.push(probe, false);
    }

    pub(super) fn probed(&mut self, place: PlaceId, answer: Result<(), String>) {
        self.probes.done();
        let answer = match answer {
            Ok(()) => Answer::Yes,
            Err(reason) => Answer::No(reason),
        };
        for id in self.places.set(place, answer) {
            if !self.interrupted {
                self.attempt(id);
            }
        }
    }

    fn make_ready(&mut self, id: TargetId) {
        let Some(target) = self.target(id) else {
            return;
        };
        let wish = &target.wish;
        let Some(tid) = wish.addresses.get(target.turn) else {
            return;
        };
        let request = Request {
            tid: tid.clone(),
            class: wish.class,
            options: wish.options.clone(),
            owner: wish.owner.clone(),
            reuse: self.may_be(wish),
            typed: wish.typed,
        };
        let urgent = wish.class == ControllerClass::Discovery;
        let connect = Action::Connect(id, Box::new(request));
        self.connects.push(connect, urgent);
        self.set(id, State::Ready);
    }

    /// The next connect, if the kernel may be given another one.
    pub(super) fn next_connect(&mut self) -> Option<Action> {
        loop {
            let Action::Connect(id, request) = self.connects.peek()? else {
                return None;
            };
            let (id, class, transport) = (*id, request.class, request.tid.transport);
            // Of two that are equal the kernel refuses the second by itself for these only, and at
            // a place that hangs it one is enough.
            let refused = class == ControllerClass::Io && transport != Transport::Loop;
            let second = refused && self.is_proven(id);
            if !second && !self.connecting.is_empty() {
                return None;
            }
            let action = self.connects.next()?;
            if self.still_answers(id) {
                self.set(id, State::Connecting);
                self.connecting.push(id);
                return Some(action);
            }
            // What was known of its place is not true any more.
            self.connects.done();
            self.attempt(id);
        }
    }

    fn is_proven(&mut self, id: TargetId) -> bool {
        let place = self.place(id);
        place.is_some_and(|place| self.places.is_proven(place))
    }

    fn still_answers(&mut self, id: TargetId) -> bool {
        let place = self.place(id);
        place.is_some_and(|place| self.places.answer(place) == Answer::Yes)
    }

    pub(super) fn connected(&mut self, id: TargetId, made: Made) {
        match made {
            Made::New {
                device,
                owner,
                warning,
            } => {
                if let Some(place) = self.place(id) {
                    self.places.prove(place);
                }
                self.note(id, warning);
                self.is_new(id, device, owner);
            }
            Made::Existing(live) if self.interrupted => {
                let (device, owner) = (live.device.clone(), live.owner.clone());
                self.settle(id, Outcome::AlreadyConnected { device, owner });
            }
            Made::Existing(live) => self.exists(id, &live),
            Made::Excluded(origin) => {
                self.turn(id, format!("excluded by {origin}"));
                match self.place(id) {
                    Some(_) if !self.interrupted => self.attempt(id),
                    _ => self.settle(id, Outcome::Excluded(origin)),
                }
            }
            Made::Failed { reason, fault } => {
                if let Some(place) = self.place(id) {
                    self.blame(place, fault, &reason);
                }
                self.turn(id, reason);
                match self.interrupted {
                    true => self.settle(id, Outcome::Interrupted),
                    false => self.attempt(id),
                }
            }
        }
    }

    fn is_new(&mut self, id: TargetId, device: Device, owner: Option<Owner>) {
        let Some(wish) = self.target(id).map(|target| &target.wish) else {
            return;
        };
        let stays = Outcome::Connected {
            device: device.name.clone(),
            owner: owner.clone(),
        };
        match (wish.class, wish.persistent) {
            (ControllerClass::Io, _) => self.settle(id, stays),
            (ControllerClass::Discovery, Persistence::Force) if self.interrupted => {
                self.settle(id, stays);
            }
            (ControllerClass::Discovery, _) if self.interrupted => {
                self.leave(id, device, Outcome::Interrupted);
            }
            (ControllerClass::Discovery, _) => self.read(id, device, true, owner),
        }
    }

    fn blame(&mut self, place: PlaceId, fault: Fault, reason: &str) {
        match fault {
            Fault::Own => {}
            Fault::Place => self.places.doubt(place),
            Fault::Hung => {
                let reason = format!("not tried: another connection to there failed: {reason}");
                // Who waits for its turn finds out when it comes.
                for id in self.places.set(place, Answer::No(reason)) {
                    self.attempt(id);
                }
            }
        }
    }

    /// The place of the address whose turn it is; `None`: all have had it.
    fn place(&mut self, id: TargetId) -> Option<PlaceId> {
        let target = self.targets.get(id.0)?;
        let tid = target.wish.addresses.get(target.turn)?;
        let tls = target.wish.options.tls == Some(true);
        Some(self.places.of(tid, target.wish.class, tls))
    }

    /// It is the next address's turn.
    fn turn(&mut self, id: TargetId, reason: String) {
        if let Some(target) = self.targets.get_mut(id.0) {
            target.failures.push(reason);
            target.turn += 1;
        }
    }

    /// Why a target failed: with the addresses, if there was more than one.
    fn failure(&self, id: TargetId) -> String {
        let Some(target) = self.target(id) else {
            return String::new();
        };
        if let [reason] = target.failures.as_slice() {
            return reason.clone();
        }
        let each = target.failures.iter().zip(&target.wish.addresses);
        let each = each.map(|(reason, tid)| format!("{}: {reason}", tid.log_form()));
        each.collect::<Vec<_>>().join("; ")
    }
}
