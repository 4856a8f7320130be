//! Carrying out one connect.

use std::time::Duration;

use nvmf::connect::{ConnectError, ConnectErrorKind, Existing, connect_once, find_existing};
use nvmf::probe::{ProbeError, deep_probe, probe};
use nvmf::{Root, exclusions};
use nvmf_types::TransportId;

use crate::protocol::{Connect, FailureKind, Outcome};
use crate::targets::{Place, Targets};

/// Longest probe, whatever the request says: the most that can be configured.
const MAX_PROBE: Duration = Duration::from_secs(60);

/// Asks the exclusions, and then the target, in user space, whether it answers. `None`: it does.
pub(crate) fn ask_target(
    root: &Root,
    targets: &Targets,
    way: &TransportId,
    call: &Connect,
) -> Option<Outcome> {
    let tid = as_host(way, call);
    if let Some(excluded) = ask_exclusions(root, &tid, call) {
        return Some(excluded);
    }
    let limit = Duration::from_millis(call.probe_timeout_ms).min(MAX_PROBE);
    let tls = call.options.tls == Some(true);
    let answer = |result: Result<(), ProbeError>| {
        result.map_err(|error| (probe_failure(&error), error.to_string()))
    };
    let result = if call.deep_probe {
        answer(deep_probe(&tid, call.class, tls, limit))
    } else {
        let ask = || answer(probe(&tid, call.class, tls, limit));
        targets.ask(Place::new(&tid, tls), ask)
    };
    let (kind, error) = result.err()?;
    Some(Outcome::Failed {
        kind,
        message: format!("cannot connect {}: {error}", way.log_form()),
    })
}

/// Asks the last questions and connects by `way`. Blocks for as long as the kernel does.
pub(crate) fn connect(
    root: &Root,
    existing: &mut Existing,
    way: &TransportId,
    call: &Connect,
) -> Outcome {
    // by whichever way it is there, it is there
    for tid in std::iter::once(&call.tid).chain(&call.alternatives) {
        match existing.find(root, &as_host(tid, call), call.class, &call.host) {
            Ok(Some(live)) => return Outcome::AlreadyConnected(Box::new(live)),
            Ok(None) => {}
            Err(error) => return Outcome::other(error),
        }
    }
    let tid = as_host(way, call);
    // Last, so that nothing comes between: the entry may be from a moment ago.
    if let Some(excluded) = ask_exclusions(root, &tid, call) {
        return excluded;
    }
    let (options, owner) = (&call.options, Some(&call.owner));
    match connect_once(root, &tid, call.class, options, owner, &call.host) {
        Ok(new) if new.owner.as_ref() != Some(&call.owner) => Outcome::Failed {
            kind: FailureKind::Unregistered,
            message: format!(
                "connected {} as {}, but not registered: {}",
                tid.log_form(),
                new.device,
                new.warning.unwrap_or_else(|| "no reason given".to_owned())
            ),
        },
        Ok(new) => Outcome::Connected {
            device: new.device,
            sysfs_ino: new.sysfs_ino,
            cntlid: new.cntlid,
        },
        Err(error) => failed(root, &tid, call, &error),
    }
}

/// Reads the exclusion files. `None`: nothing in them excludes the connection.
fn ask_exclusions(root: &Root, tid: &TransportId, call: &Connect) -> Option<Outcome> {
    let set = exclusions::load(root).set;
    let entry = set.matches(tid, call.class)?;
    Some(Outcome::Excluded(entry.source.clone()))
}

/// The id with the host's default identity where it leaves that open, as the kernel is to see it
/// and as exclusions are to be compared.
fn as_host(way: &TransportId, call: &Connect) -> TransportId {
    let mut tid = way.clone();
    if tid.hostnqn.is_none() {
        tid.hostnqn.clone_from(&call.host.hostnqn);
        tid.hostid = tid.hostid.or(call.host.hostid);
    }
    tid
}

fn failed(root: &Root, tid: &TransportId, call: &Connect, error: &ConnectError) -> Outcome {
    if matches!(error.kind, ConnectErrorKind::AlreadyConnected)
        && let Ok(Some(live)) = find_existing(root, tid, call.class, &call.host)
    {
        return Outcome::AlreadyConnected(Box::new(live));
    }
    Outcome::Failed {
        kind: connect_failure(&error.kind),
        message: error.to_string(),
    }
}

fn connect_failure(kind: &ConnectErrorKind) -> FailureKind {
    match kind {
        ConnectErrorKind::Refused(_) => FailureKind::Refused,
        ConnectErrorKind::Unreachable(_) | ConnectErrorKind::Local(_) => FailureKind::Unreachable,
        ConnectErrorKind::Timeout(_) => FailureKind::Hung,
        ConnectErrorKind::Rejected(_) | ConnectErrorKind::Key(_) => FailureKind::Rejected,
        _ => FailureKind::Other,
    }
}

fn probe_failure(error: &ProbeError) -> FailureKind {
    match error {
        ProbeError::Refused => FailureKind::Refused,
        ProbeError::Unreachable(_) => FailureKind::Unreachable,
        ProbeError::Silent { .. } => FailureKind::Silent,
        _ => FailureKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use nvmf_types::{ConnectOptions, ControllerClass, HostIdentity, Owner};

    use super::*;

    #[test]
    fn the_default_identity_fills_only_what_is_open() {
        let host = HostIdentity {
            hostnqn: "nqn.2014-08.org.example:host".parse().ok(),
            hostid: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6".parse().ok(),
        };
        let identity = |text: &str| {
            let call = Connect {
                tid: text.parse().unwrap(),
                alternatives: Vec::new(),
                class: ControllerClass::Io,
                options: ConnectOptions::default(),
                owner: Owner::discoverd(),
                probe_timeout_ms: 1,
                deep_probe: false,
                host: host.clone(),
            };
            let tid = as_host(&call.tid, &call);
            (tid.hostnqn.map(|n| n.to_string()), tid.hostid.is_some())
        };
        let open = "transport=loop;nqn=nqn.2014-08.org.example:a";
        let other = format!("{open};hostnqn=nqn.2014-08.org.example:other");
        assert_eq!(
            identity(open),
            (Some("nqn.2014-08.org.example:host".into()), true)
        );
        assert_eq!(
            identity(&other),
            (Some("nqn.2014-08.org.example:other".into()), false),
            "another host must not borrow this host's id"
        );
    }
}
