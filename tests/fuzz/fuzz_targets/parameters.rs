#![no_main]
use ironlet::config::Config;
use ironlet::system_root::SystemRoot;

// The kernel command line.
libfuzzer_sys::fuzz_target!(|line: &str| {
    if let Err(error) = Config::read(&SystemRoot::new("/nonexistent"), line) {
        assert!(!error.details().is_empty(), "an error says what is wrong");
    }
});
