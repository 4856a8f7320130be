//! The units against a systemd of our own, over a private connection.

use nvmf_types::{Owner, Transport};
use zbus::object_server::SignalEmitter;
use zbus::{DBusError, ObjectPath, OwnedVariant, interface};

use super::*;
use crate::bus::tests::pair;

/// What the fake answers to the next start.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// The job ends so; its end is even announced before the call returns.
    Job(&'static str),
    /// The job does not end by itself.
    Pending,
    Exists,
    ShuttingDown,
    Destructive,
}

#[derive(Debug)]
pub(crate) struct Fake {
    answer: Answer,
    state: &'static str,
    seen: mpsc::UnboundedSender<String>,
}

#[derive(Debug, DBusError)]
#[zbus(prefix = "org.freedesktop.systemd1")]
enum FakeError {
    #[zbus(error)]
    Bus(zbus::Error),
    UnitExists(String),
    ShuttingDown(String),
    TransactionIsDestructive(String),
    NoSuchUnit(String),
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Fake {
    async fn start_transient_unit(
        &self,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        name: String,
        mode: String,
        properties: Vec<(String, OwnedVariant)>,
        _aux: Vec<(String, Vec<(String, OwnedVariant)>)>,
    ) -> Result<OwnedObjectPath, FakeError> {
        let count = properties.len();
        let _ = self.seen.send(format!("start {name} {mode}"));
        assert!(count > 8, "{properties:?}");
        match self.answer {
            Answer::Job(result) => {
                for (job, result) in [("/job/1", "canceled"), ("/job/2", result)] {
                    let path = ObjectPath::try_from(job).unwrap();
                    Self::job_removed(&emitter, 1, path, &name, result).await?;
                }
                Ok(ObjectPath::try_from("/job/2").unwrap().into())
            }
            Answer::Pending => Ok(ObjectPath::try_from("/job/2").unwrap().into()),
            Answer::Exists => Err(FakeError::UnitExists(name)),
            Answer::ShuttingDown => Err(FakeError::ShuttingDown("going down".into())),
            Answer::Destructive => Err(FakeError::TransactionIsDestructive("no".into())),
        }
    }

    fn stop_unit(&self, name: String, _mode: String) -> Result<OwnedObjectPath, FakeError> {
        let _ = self.seen.send(format!("stop {name}"));
        Err(FakeError::NoSuchUnit(name))
    }

    #[zbus(property)]
    fn system_state(&self) -> String {
        self.state.to_owned()
    }

    #[zbus(signal)]
    async fn job_removed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        job: ObjectPath<'_>,
        unit: &str,
        result: &str,
    ) -> zbus::Result<()>;
}

struct World {
    server: Connection,
    units: Units,
    inbox: mpsc::UnboundedReceiver<Input>,
    seen: mpsc::UnboundedReceiver<String>,
}

/// A systemd that answers every start so, and what it was asked.
pub(crate) fn fake(answer: Answer, state: &'static str) -> (Fake, mpsc::UnboundedReceiver<String>) {
    let (to, seen) = mpsc::unbounded_channel();
    let fake = Fake {
        answer,
        state,
        seen: to,
    };
    (fake, seen)
}

async fn world(answer: Answer, state: &'static str) -> World {
    let (inputs, inbox) = mpsc::unbounded_channel();
    let (fake, seen) = fake(answer, state);
    let (server, client) = pair(|b| b.serve_at("/org/freedesktop/systemd1", fake)).await;
    let units = Units::connect(&client, Path::new("/c/connector"), inputs)
        .await
        .unwrap();
    World {
        server,
        units,
        inbox,
        seen,
    }
}

fn spec() -> UnitSpec {
    UnitSpec {
        device: "nvme3".parse().unwrap(),
        sysfs_ino: 4711,
        owner: Owner::discoverd(),
        transport: Transport::Tcp,
        description: "a controller".into(),
    }
}

async fn start(answer: Answer, state: &'static str) -> UnitOutcome {
    let mut world = world(answer, state).await;
    world.units.start(ActionId(7), spec());
    match world.inbox.recv().await {
        Some(Input::Event(Event::UnitStarted { id, result })) => {
            assert_eq!(id, ActionId(7));
            result
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_start_is_done_when_its_own_job_is() {
    assert_eq!(
        start(Answer::Job("done"), "running").await,
        UnitOutcome::Started
    );
    let failed = start(Answer::Job("dependency"), "running").await;
    assert!(matches!(failed, UnitOutcome::Failed(_)), "{failed:?}");
}

#[tokio::test]
async fn a_unit_of_the_daemon_before_is_as_good() {
    assert_eq!(
        start(Answer::Exists, "running").await,
        UnitOutcome::AlreadyThere
    );
}

#[tokio::test]
async fn only_a_shutdown_is_a_refusal() {
    for (answer, state, refused) in [
        (Answer::ShuttingDown, "running", true),
        (Answer::Destructive, "stopping", true),
        (Answer::Job("canceled"), "stopping", true),
        (Answer::Destructive, "running", false),
        (Answer::Job("canceled"), "running", false),
    ] {
        let outcome = start(answer, state).await;
        assert_eq!(
            matches!(outcome, UnitOutcome::Refused(_)),
            refused,
            "{answer:?}, {state}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_stop_waits_for_the_end_of_the_start() {
    let mut world = world(Answer::Pending, "running").await;
    world.units.start(ActionId(1), spec());
    let unit = "nvmf-nvme3-4711.service";
    assert_eq!(
        world.seen.recv().await.unwrap(),
        format!("start {unit} fail")
    );
    world.units.stop(&spec().device, spec().sysfs_ino);
    // whatever was sent before is seen when this is answered
    tokio::task::yield_now().await;
    world.units.0.systemd.system_state().await.unwrap();
    assert!(world.seen.try_recv().is_err(), "it would cancel the start");
    let fake = world
        .server
        .object_server()
        .interface::<_, Fake>("/org/freedesktop/systemd1")
        .await
        .unwrap();
    let job = ObjectPath::try_from("/job/2").unwrap();
    Fake::job_removed(fake.signal_emitter(), 1, job, unit, "done")
        .await
        .unwrap();
    assert_eq!(world.seen.recv().await.unwrap(), format!("stop {unit}"));
}

#[tokio::test]
async fn a_bus_that_goes_away_ends_the_daemon() {
    let mut world = world(Answer::Exists, "running").await;
    world.server.close().await.unwrap();
    assert!(matches!(world.inbox.recv().await, Some(Input::Fatal(_))));
}
