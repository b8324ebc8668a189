#![no_main]
use ironlet::{config::Config, host::Host};

// The kernel command line.
libfuzzer_sys::fuzz_target!(|line: &str| {
    if let Err(error) = Config::read(&Host::new("/nonexistent"), line) {
        assert!(!error.details().is_empty(), "an error says what is wrong");
    }
});
