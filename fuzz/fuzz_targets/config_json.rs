//! Any text as a `config.json`.

#![no_main]

mod legacy;

use libfuzzer_sys::fuzz_target;
use nvmf_types::config::legacy::parse_config_json;

fuzz_target!(|bytes: &[u8]| {
    legacy::check(bytes, |text| parse_config_json("c", text));
});
