//! Any text as a `discovery.conf`.

#![no_main]

mod legacy;

use libfuzzer_sys::fuzz_target;
use nvmf_types::config::legacy::{by_host, parse_discovery_conf};

fuzz_target!(|bytes: &[u8]| {
    legacy::check(bytes, |text| {
        let (wishes, warnings) = parse_discovery_conf("d", text)?;
        Ok((by_host(wishes), warnings))
    });
});
