//! What the firmware's boot tables ask for.

use std::path::Path;

use nvmf::Root;
use nvmf::nbft::{BootTables, load, load_folder};
use nvmf_types::config::{Persistence, Scope};
use nvmf_types::nbft::{BootConnection, BootPlan, NotConnected};
use nvmf_types::{HostIdentity, Owner};

use super::{Wishes, tune};
use crate::args::{WalkArgs, identify};
use crate::walk::Wish;

/// Adds every path that the tables name, and says which entries are left out.
pub(super) fn add(root: &Root, args: &WalkArgs, wanted: &mut Wishes) -> anyhow::Result<()> {
    let found = match tables(root, args.nbft_path.as_deref()) {
        Ok(found) => found,
        Err(error) => {
            wanted.problems.push(error.to_string());
            return Ok(());
        }
    };
    let unread = found.failed.iter().map(ToString::to_string);
    wanted.problems.extend(unread);
    let plan = BootPlan::new(&found.tables);
    wanted
        .notes
        .extend(plan.not_connected.iter().filter_map(NotConnected::note));
    for connection in &plan.connections {
        let mut wish = wish(connection, root, &wanted.identity);
        wish.persistent = args.persistent().unwrap_or(Persistence::No);
        wish.owner = Some(args.owner.clone().unwrap_or_else(Owner::nbft));
        tune(args, &mut wish)?;
        wanted.wishes.push(wish);
    }
    Ok(())
}

fn tables(root: &Root, folder: Option<&Path>) -> Result<BootTables, nvmf::nbft::TableError> {
    match folder {
        Some(folder) => load_folder(folder),
        None => load(root),
    }
}

/// Through the interface that the firmware used, first from the address that it had.
fn wish(connection: &BootConnection, root: &Root, identity: &HostIdentity) -> Wish {
    let interface = connection.interface.as_ref();
    // Where it cannot be told the route decides.
    let name = interface.and_then(|it| nvmf::net::interface(root, it).ok().flatten());
    let bound = match name {
        Some(name) => connection.through(&name),
        None => connection.clone(),
    };
    let mut addresses = vec![bound.tid.clone()];
    if bound.retry_without_host_traddr {
        addresses.push(bound.without_host_traddr().tid);
    }
    for tid in &mut addresses {
        identify(tid, identity);
    }
    Wish {
        addresses,
        class: connection.class,
        options: connection.options.clone(),
        scope: Scope::default(),
        persistent: Persistence::No,
        owner: None,
        source: connection.origin.to_string(),
        typed: false,
        device: None,
    }
}
