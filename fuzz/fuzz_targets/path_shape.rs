#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| routecause_fuzz::laws::path_shape(data));
