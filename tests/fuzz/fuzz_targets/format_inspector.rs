#![no_main]
use ironlet::image::decode::format_inspector;

// The first bytes of an image: one verdict, and the same for both who ask.
libfuzzer_sys::fuzz_target!(|head: &[u8]| {
    let formats = format_inspector::formats(head);
    let all: Vec<String> = formats.iter().map(|name| name.to_string()).chain(["raw".into()]).collect();
    assert_eq!(format_inspector::must_be(head, "qcow2").is_ok(), formats == ["qcow2"]);
    assert_eq!(format_inspector::permitted(head, &all).is_ok(), formats.len() < 2);
    assert!(formats.len() < 2 || format_inspector::permitted(head, &[]).is_err());
});
