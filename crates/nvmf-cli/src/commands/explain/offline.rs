//! An explanation without the daemon: its core's, in words for somebody who has no daemon.

use std::fmt::Write;

use discoverd_core::{Core, Explained, Next, Sentence, Subject, Whose};
use nvmf_types::ControllerState;

use crate::commands::offline::{Host, NOW, not_begun};
use crate::output::Output;

/// What the daemon would say when it has just started, in the form of its own answer.
pub(super) fn explain(host: &Host, subject: &Subject, out: &mut Output) -> String {
    let problems = host.config.as_ref().err().into_iter().flatten();
    let unread = &host.exclusions.problems;
    for problem in problems.chain(&host.problems).chain(unread) {
        out.diagnostic(&format!("nvmf: explain: {problem}"));
    }
    let core = host.core();
    let explanation = core.explain(subject, NOW);
    if explanation.connections.is_empty() {
        return explanation.to_string();
    }
    let mut text = String::new();
    for one in &explanation.connections {
        // a String takes everything
        let _ = writeln!(text, "{}: {}", one.tid.log_form(), state(one, &core));
        let tried = |sentence: &&Sentence| matches!(sentence, Sentence::Tried { .. });
        for sentence in one.sentences.iter().filter(|it| !tried(it)) {
            let _ = writeln!(text, "  {}", spoken(sentence));
        }
        if one.sentences.contains(&Sentence::Next(Next::Attempt)) {
            text.push_str(
                "  Start it: `systemctl start nvme-discoverd`; or connect by hand: `nvmf connect-all`.\n",
            );
        }
    }
    text
}

/// Nothing was begun.
fn state(one: &Explained, core: &Core) -> &'static str {
    let there = |sentence: &Sentence| matches!(sentence, Sentence::Controller { .. });
    let Some(decided) = one.state else {
        return "not desired";
    };
    let kept = core.is_kept(one.class, one.tid.clone());
    not_begun(decided, one.sentences.iter().any(there), kept).as_str()
}

/// The core has seen everything only now, and no log pages.
fn spoken(sentence: &Sentence) -> String {
    match sentence {
        Sentence::Undesired => {
            "No boot table and no line of the configuration asks for it; a discovery log page may, \
             which only the daemon knows."
                .to_owned()
        }
        Sentence::Controller {
            device,
            state: ControllerState::Live,
            ..
        } => format!("It is connected as {device}."),
        Sentence::Owner(Whose::Ours(owner)) => format!("Its owner is {owner}: the daemon."),
        Sentence::Owner(Whose::Nobody) => "It has no owner.".to_owned(),
        Sentence::Next(Next::Attempt) => {
            "The daemon is not running; it connects it when it starts.".to_owned()
        }
        Sentence::Next(Next::Claim) => {
            "The daemon is not running; it takes it over when it starts.".to_owned()
        }
        other => other.to_string(),
    }
}
