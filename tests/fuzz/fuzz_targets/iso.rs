#![no_main]

// A damaged image: its files are found or not, in bounded time and memory, and each lies within it.
libfuzzer_sys::fuzz_target!(|image: &[u8]| {
    let Ok(files) = ironlet::disk::filesystem::iso::files(image) else { return };
    for (path, content) in files {
        assert!(!path.split('/').any(|part| part.is_empty() || part == ".."), "{path}");
        assert!(image.as_ptr_range().contains(&content.as_ptr()) || content.is_empty());
    }
});
