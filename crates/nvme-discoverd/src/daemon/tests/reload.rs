//! Reading everything anew.

use nvmf_types::config::{Config, ConfigFile, parse};

use super::*;

#[tokio::test]
async fn a_bad_configuration_keeps_the_last_good_one() {
    let world = World::start(GOOD).await;
    world.until("desired", |s| s.counts.desired == 1).await;
    world.configure(BAD);
    let error = world.reload().await.unwrap_err();
    assert!(error.contains("nvme-fabrics.conf:3:24: error:"), "{error}");
    let status = world.status().await;
    assert_eq!(status.counts.desired, 1, "the last good one stays");
    assert!(
        status.problems.iter().any(|p| p.contains(":3:24: error:")),
        "{status:#?}"
    );
    world.configure("");
    world.reload().await.unwrap();
    let status = world.status().await;
    assert_eq!(status.counts.desired, 0);
    assert_eq!(status.problems, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn a_bad_configuration_at_the_start_desires_nothing() {
    let world = World::start(BAD).await;
    let status = world.until("reported", |s| !s.problems.is_empty()).await;
    assert_eq!(status.connections, []);
    world.configure(GOOD);
    world.reload().await.unwrap();
    world.until("desired", |s| s.counts.desired == 1).await;
    world.stop().await;
}

#[tokio::test]
async fn one_mistake_anywhere_keeps_all_of_it() {
    let world = World::start(GOOD).await;
    world.until("desired", |s| s.counts.desired == 1).await;
    let own = world.dir.path().join("etc/nvme/nvme-discoverd.conf");
    let list = world.dir.path().join("etc/nvme/exclusions.conf");
    fs::write(&own, "[Global]\nretry-max = never\n").unwrap();
    world.configure("");
    let error = world.reload().await.unwrap_err();
    assert!(
        error.contains("nvme-discoverd.conf:2:13: error:"),
        "{error}"
    );
    let status = world.status().await;
    assert_eq!(status.counts.desired, 1, "not a part of it");
    let told = |s: &Status| s.problems.iter().any(|p| p.contains("discoverd.conf:2:13"));
    assert!(told(&status), "{status:#?}");

    world.configure(BAD);
    let error = world.reload().await.unwrap_err();
    assert_eq!(error.lines().count(), 2, "both at once: {error}");

    fs::write(&own, "[Global]\nretry-max = 9\nspeed = 9\n").unwrap();
    fs::write(&list, "[exclusions]\nexclusion = transport=loop\n").unwrap();
    world.configure(GOOD);
    world.reload().await.unwrap();
    let status = world.status().await;
    assert!(!told(&status), "{status:#?}");
    assert_eq!(status.counts.excluded, 1, "read with it: {status:#?}");
    let odd = "nvme-discoverd.conf:3:1: warning: unknown key `speed`";
    assert!(
        status.problems.iter().any(|p| p.contains(odd)),
        "{status:#?}"
    );
    world.stop().await;
}

#[tokio::test]
async fn the_daemons_own_mistakes_at_the_start_cost_the_defaults_only() {
    let world = World::start_with(GOOD, "[Global]\nretry-max = never\n").await;
    let status = world.until("desired", |s| s.counts.desired == 1).await;
    let told = |p: &String| p.contains("nvme-discoverd.conf:2:13: error:");
    assert!(status.problems.iter().any(told), "{status:#?}");
    world.stop().await;
}

#[tokio::test]
async fn who_asks_while_it_reads_is_answered_by_the_next_reading() {
    let world = World::start("").await;
    let mut answers = Vec::new();
    for number in 0..3 {
        if number == 1 {
            world.configure(BAD);
        }
        let (to, answer) = oneshot::channel();
        put(&world.inputs, Input::Reload(Some(to)));
        answers.push(answer);
    }
    let mut read = Vec::new();
    for answer in answers {
        read.push(answer.await.unwrap().is_ok());
    }
    assert!(!read[1] && !read[2], "{read:?}");
    world.stop().await;
}

fn named(text: &str) -> Config {
    let file = ConfigFile::new("f", text);
    parse(&[file], &HostIdentity::default()).unwrap()
}

#[tokio::test]
async fn host_names_are_looked_up_until_all_have_an_address() {
    let line = |name: &str| format!("controller = transport=tcp;traddr={name}\n");
    let text = format!(
        "[Subsystem]\nnqn = nqn.2014-08.org.example:a\n{}{}",
        line("localhost"),
        line("nothing.invalid")
    );
    let world = World::start("").await;
    world.until("read", |_| true).await;
    world.configure(&text);
    world.reload().await.unwrap();
    let status = world.status().await;
    assert_eq!(status.counts.desired, 1, "{status:#?}");
    let unknown = |s: &Status| s.problems.iter().any(|p| p.contains("`nothing.invalid`"));
    assert!(unknown(&status), "{status:#?}");

    let mut found = named(&text);
    found.resolve(|_| {
        vec![
            "127.0.0.1"
                .parse::<std::net::IpAddr>()
                .map(nvmf_types::Traddr::from_ip)
                .unwrap(),
        ]
    });
    put(
        &world.inputs,
        Input::Named(1, Box::new(found.clone()), Vec::new()),
    );
    assert!(
        unknown(&world.status().await),
        "about the configuration before"
    );
    put(&world.inputs, Input::Named(2, Box::new(found), Vec::new()));
    let status = world.status().await;
    assert!(!unknown(&status), "{status:#?}");
    assert_eq!(
        status.counts.desired, 1,
        "two names of one place: {status:#?}"
    );
    world.stop().await;
}
