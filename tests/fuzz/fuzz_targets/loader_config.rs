#![no_main]
use ironlet::steps::kexec::{grub_config, loader_entry, unified_kernel_image};

// What lies on a disk that was written: GRUB's configuration, entries of loader/, and the head of a unified kernel image.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    unified_kernel_image::sections(bytes);
    let text = String::from_utf8_lossy(bytes);
    grub_config::default_entry(&text);
    let (name, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let listed = loader_entry::parse(name, rest, "x64").into_iter().collect();
    loader_entry::chosen(listed, rest);
    assert_eq!(loader_entry::versions(name, rest), loader_entry::versions(rest, name).reverse());
});
