//! Any bytes as a boot table: they are decoded or rejected, quickly, and what was decoded can be
//! planned. Signature, length and checksum are put right, so that what lies behind is reached.

#![no_main]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use nvmf_types::nbft::{BootPlan, BootTable, Nbft};

fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut table = bytes.to_vec();
    if table.len() < 64 {
        return table;
    }
    let length = u32::try_from(table.len()).unwrap().to_le_bytes();
    table[..4].copy_from_slice(b"NBFT");
    table[4..8].copy_from_slice(&length);
    table[8] = 1;
    table[9] = 0;
    table[9] = table.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
    table
}

fuzz_target!(|bytes: &[u8]| {
    let _ = Nbft::decode(bytes);
    let bytes = sealed(bytes);
    let started = Instant::now();
    let table = match Nbft::decode(&bytes) {
        Ok(table) => table,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for ssns in &table.subsystems {
        let hfis: BTreeSet<_> = ssns.hfis.iter().collect();
        assert_eq!(hfis.len(), ssns.hfis.len(), "each path once");
        assert!(ssns.hfis.iter().all(|index| table.hfi(*index).is_some()));
        assert!(ssns.security.is_none_or(|index| table.security(index).is_some()));
    }
    for problem in &table.problems {
        assert!(problem.to_string().contains("at offset"));
    }
    let named = BootTable {
        name: "NBFT".to_owned(),
        table,
    };
    let plan = BootPlan::new(&[named]);
    for connection in &plan.connections {
        let tid = connection.tid.clone();
        assert_eq!(tid.clone().checked(), Ok(tid));
        assert!(connection.tid.port(connection.class).is_some());
        assert!(!connection.retry_without_host_traddr || connection.tid.host_traddr.is_some());
        let bound = connection.through("eth0").without_host_traddr();
        assert_eq!(bound.tid.host_iface.is_some(), bound.tid.transport.as_str() == "tcp");
    }
    // A table has 255 descriptors of a kind at most; what is quadratic takes longer than this.
    assert!(started.elapsed() < Duration::from_secs(2));
});
