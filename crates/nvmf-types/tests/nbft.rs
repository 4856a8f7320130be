//! Real boot tables with bytes changed: they are decoded or rejected, and never more.

use nvmf_types::nbft::{BootPlan, BootTable, Nbft};
use proptest::prelude::*;

const TABLES: &[&[u8]] = &[
    include_bytes!("data/nbft/NBFT-Dell.PowerEdge.R760"),
    include_bytes!("data/nbft/NBFT-dhcp-ipv4"),
    include_bytes!("data/nbft/NBFT-mpath+disc-ipv4+6_half"),
    include_bytes!("data/nbft/NBFT-static-ipv6"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_bytes_do_no_harm(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = pick.get(TABLES).to_vec();
        // the descriptors, where most is to be broken, are before the texts
        let descriptors = bytes.len().min(0x200);
        for (at, with) in changes {
            bytes[at.index(descriptors)] = with;
        }
        bytes[9] = 0;
        bytes[9] = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
        if let Ok(table) = Nbft::decode(&bytes) {
            for problem in &table.problems {
                prop_assert!(problem.to_string().contains(" at offset 0x"));
            }
            let name = "NBFT".to_owned();
            let plan = BootPlan::new(&[BootTable { name, table }]);
            for connection in plan.connections {
                let tid = connection.tid.clone();
                prop_assert_eq!(connection.tid.checked(), Ok(tid));
            }
        }
    }
}
