#![no_main]
use ironlet::codec::json::print;

// The body of a command: what was understood can be printed, and holds no more text than came in.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(call) = ironlet::command::request::Call::parse(bytes.to_vec()) {
        assert!(call.name.len() <= bytes.len());
        let _ = call.params.values().map(print).count();
    }
});
