//! Many of everything: what is quadratic shows by never ending.

use discoverd_core::{ActionKind, ConnectOutcome, Core, Event, Settings, Timestamp};

use crate::world::{config, exclusions, listed, log, name, no_boot_tables};

const MANY: usize = 20_000;

/// Answers every action well until there are none. Gives the number of connects.
fn answer_all(core: &mut Core, now: Timestamp, page: &[&str], next_ino: &mut u64) -> usize {
    let mut connects = 0;
    while let Some(action) = core.poll_action() {
        let id = action.id;
        match action.kind {
            ActionKind::Connect(_) => {
                connects += 1;
                *next_ino += 1;
                let device = format!("nvme{next_ino}").parse().unwrap();
                let sysfs_ino = *next_ino;
                let outcome = ConnectOutcome::Connected {
                    device,
                    sysfs_ino,
                    cntlid: 1,
                };
                core.handle(Event::ConnectFinished { id, outcome }, now);
            }
            ActionKind::FetchLog { .. } => {
                let result = Ok(log(page));
                core.handle(Event::LogFetched { id, result }, now);
            }
            _ => {}
        }
    }
    connects
}

#[test]
fn twenty_thousand_come_go_and_come_back() {
    let names: Vec<String> = (0..MANY).map(|n| format!("io{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut core = Core::new(Settings::default());
    let mut now = Timestamp(0);
    let mut ino = 0;
    core.handle(Event::ConfigLoaded(config(&["dc1"])), now);
    let none = Event::ExclusionsLoaded {
        set: exclusions(&[]),
        problems: vec![],
    };
    core.handle(none, now);
    core.handle(no_boot_tables(), now);
    core.handle(listed(vec![], now), now);
    assert_eq!(answer_all(&mut core, now, &names, &mut ino), MANY + 1);
    assert_eq!(core.status(now).counts.connected, MANY + 1);
    for n in 2..=ino {
        let device = format!("nvme{n}").parse().unwrap();
        let began = now.after_ms(1);
        core.handle(
            Event::Controller {
                device,
                now: None,
                began,
            },
            now,
        );
    }
    let mut back = 0;
    while let Some(at) = core.next_deadline() {
        now = at;
        core.tick(now);
        back += answer_all(&mut core, now, &names, &mut ino);
        if now.0 > 1_200 {
            break;
        }
    }
    assert_eq!(back, MANY);
    let status = core.status(now);
    assert_eq!(status.counts.connected, MANY + 1);
    let first = status.connections.get(1).map(|c| c.nqn.clone());
    let request = format!("transport=loop;nqn={}", first.unwrap());
    assert_eq!(name(&request.parse().unwrap()), "io0");
}
