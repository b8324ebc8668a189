#![no_main]
use ironlet::image::inspect;

// The first bytes of an image: one verdict, and the same for both who ask.
libfuzzer_sys::fuzz_target!(|head: &[u8]| {
    let formats = inspect::formats(head);
    let all: Vec<String> = formats.iter().map(|name| name.to_string()).chain(["raw".into()]).collect();
    assert_eq!(inspect::must_be(head, "qcow2").is_ok(), formats == ["qcow2"]);
    assert_eq!(inspect::permitted(head, &all).is_ok(), formats.len() < 2);
    assert!(formats.len() < 2 || inspect::permitted(head, &[]).is_err());
});
