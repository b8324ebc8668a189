#![no_main]

use ironlet::codec::json::{Value, parse};
use ironlet::disk::Hints;

// A node's root device hints, as anybody with access to the node may have set them.
libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(Value::Object(object)) = parse(text)
        && let Ok(hints) = Hints::parse(&object)
    {
        assert!(!hints.to_string().is_empty());
    }
});
