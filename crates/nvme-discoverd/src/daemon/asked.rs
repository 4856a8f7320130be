//! Answering what people and programs ask.
//!
//! The kernel tells nobody that a controller lost its target: its `state` changes without an event
//! (Linux `drivers/nvme/host/core.c`, `nvme_change_ctrl_state`). So before anything is answered all states
//! are looked at, and what differs is read; so it is whenever systemd hears that all is well, which
//! costs no wakeup more.

use std::collections::BTreeSet;

use discoverd_core::{StepView, Subject};
use nvmf_types::DeviceName;
use tokio::sync::oneshot;

use super::Daemon;
use crate::report;

/// What is asked, and where the answer goes.
#[derive(Debug)]
pub(crate) enum Question {
    /// The status, as JSON.
    Status(oneshot::Sender<String>),
    /// Why something is as it is.
    Explain(Subject, oneshot::Sender<String>),
    /// What comes next, as JSON.
    Plan(oneshot::Sender<String>),
}

/// What waits for an answer, and for what.
#[derive(Debug, Default)]
pub(super) struct Asked {
    waiting: Vec<Question>,
    looking: bool,
    /// These have another state than is known, and are being read.
    unread: BTreeSet<DeviceName>,
}

impl Daemon {
    pub(super) fn asked(&mut self, question: Question) {
        self.asked.waiting.push(question);
        self.look_at_states();
    }

    /// One look at a time: who asks meanwhile gets what it finds.
    pub(super) fn look_at_states(&mut self) {
        if self.asked.looking {
            return;
        }
        self.asked.looking = true;
        let known = self.parts.core.controllers();
        let known = known.map(|it| (it.device.clone(), it.state)).collect();
        self.parts.workers.look_at_states(known);
    }

    /// These are in another state than was known.
    pub(super) fn states_looked_at(&mut self, changed: Vec<DeviceName>) {
        for device in &changed {
            self.devices.touched(device.clone(), false);
        }
        self.asked.unread = changed.into_iter().collect();
        self.answer_if_known();
    }

    /// Whatever became of it, this device has been read.
    pub(super) fn state_read(&mut self, device: &DeviceName) {
        if self.asked.unread.remove(device) {
            self.answer_if_known();
        }
    }

    fn answer_if_known(&mut self) {
        if !self.asked.unread.is_empty() {
            return;
        }
        self.asked.looking = false;
        for question in std::mem::take(&mut self.asked.waiting) {
            self.answer(question);
        }
    }

    /// Who asked may have gone.
    fn answer(&self, question: Question) {
        let (core, now) = (&self.parts.core, self.clock.now());
        match question {
            Question::Status(answer) => {
                let status = core.status(now);
                let _ = answer.send(report::json(&status, &self.problems(status.counts.desired)));
            }
            Question::Explain(subject, answer) => {
                let _ = answer.send(core.explain(&subject, now).to_string());
            }
            Question::Plan(answer) => {
                let steps: Vec<StepView> = core.plan(now).iter().map(StepView::from).collect();
                let _ = answer.send(serde_json::to_string(&steps).unwrap_or_default());
            }
        }
    }
}
