//! What files ask for.

use nvmf::Root;
use nvmf::resolve::resolve;
use nvmf_types::config::{Connection, Persistence, Scope, Wish as LegacyWish};
use nvmf_types::{HostIdentity, TransportId};

use super::{Wishes, tune};
use crate::args::{RESOLVE_TIMEOUT, WalkArgs, identify};
use crate::walk::Wish;

/// The configuration.
pub(super) fn configured(root: &Root, args: &WalkArgs) -> anyhow::Result<Wishes> {
    let mut config = nvmf::config::load(root, args.config.as_deref())?;
    let unresolved = nvmf::config::resolve(&mut config, RESOLVE_TIMEOUT);
    let mut wanted = Wishes::none(config.host);
    wanted.problems.extend(unresolved);
    for connection in config.connections {
        let mut wish = of_connection(connection, &wanted.identity);
        wish.persistent = args.persistent().unwrap_or(wish.persistent);
        wish.owner.clone_from(&args.owner);
        tune(args, &mut wish)?;
        wanted.wishes.push(wish);
    }
    Ok(wanted)
}

fn of_connection(connection: Connection, identity: &HostIdentity) -> Wish {
    let mut addresses = connection.tids();
    for tid in &mut addresses {
        identify(tid, identity);
    }
    Wish {
        addresses,
        class: connection.class,
        options: connection.options,
        scope: connection.inherits,
        persistent: connection.persistent,
        owner: None,
        source: connection.origin.to_string(),
        typed: false,
        device: None,
    }
}

/// `/etc/nvme/discovery.conf`. What is wrong there costs nothing else.
pub(super) fn add_legacy(root: &Root, args: &WalkArgs, wanted: &mut Wishes) -> anyhow::Result<()> {
    let wishes = match nvmf::config::load_discovery_conf(root) {
        Ok((wishes, _)) => wishes,
        Err(error) => {
            wanted.problems.push(error.to_string());
            return Ok(());
        }
    };
    for wish in wishes {
        let addresses = match addresses(&wish) {
            Ok(addresses) => addresses,
            Err(error) => {
                wanted.problems.push(format!("{}: {error}", wish.origin));
                continue;
            }
        };
        let options = wish.options_over(&nvmf_types::ConnectOptions::default());
        let scope = Scope {
            io: options.clone(),
            dc: options.clone(),
            ..Scope::default()
        };
        let persistent = args.persistent().or(wish.persistent);
        let mut wish = Wish {
            addresses,
            class: wish.class,
            options,
            scope,
            persistent: persistent.unwrap_or(Persistence::No),
            owner: args.owner.clone(),
            source: wish.origin.to_string(),
            typed: false,
            device: None,
        };
        for tid in &mut wish.addresses {
            identify(tid, &wanted.identity);
        }
        tune(args, &mut wish)?;
        wanted.wishes.push(wish);
    }
    Ok(())
}

/// Those of its host name, if it has one.
fn addresses(wish: &LegacyWish) -> anyhow::Result<Vec<TransportId>> {
    let Some(name) = wish.host_name() else {
        return Ok(vec![wish.tid()?]);
    };
    let any = wish.any_tid()?;
    let addresses = resolve(&name, RESOLVE_TIMEOUT)?.into_iter();
    Ok(addresses.filter_map(|address| any.at(address)).collect())
}
