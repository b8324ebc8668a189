#![no_main]
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::LazyLock;

use ironlet::virtual_media::removable::Removable;
use ironlet::virtual_media::{Medium, parameters_txt, ram_disk};

static FILE: LazyLock<Removable> = LazyLock::new(|| Removable {
    name: "/dev/sr0".to_owned(),
    path: Path::new("/dev/shm").join(format!("ironlet-medium-{}", std::process::id())),
    calls_itself_virtual: true,
    sequence: None,
});

// A medium of anybody's: what is taken from it is little, and for a folder of the agent's. The first byte moves the start of
// an ISO's descriptors to where they are looked for, so that not all of an input is zeros.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(words) = parameters_txt::parse(bytes) {
        assert_eq!(parameters_txt::parse(words.as_bytes()).as_deref(), Ok(&words[..]), "words are words");
        assert!(parameters_txt::names(&words).iter().all(|name| !name.is_empty()));
    }
    let _ = ram_disk::names_one(bytes);
    let Some((kind, rest)) = bytes.split_first() else { return };
    let pad = if kind & 1 == 1 { 32 << 10 } else { 0 };
    let file = fs::File::create(&FILE.path).expect("memory");
    file.write_all_at(rest, pad).expect("memory");
    let Ok(Some(medium)) = Medium::open(&FILE) else { return };
    let _ = medium.parameters();
    let Ok(content) = medium.content() else { return };
    assert!(content.files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= 4 << 20);
    for (path, _) in &content.files {
        let name = path.strip_prefix("/etc/ironic-python-agent/").or(path.strip_prefix("/etc/ironic-python-agent.d/"));
        let name = name.expect("a folder of the agent's");
        assert!(!name.is_empty() && !name.contains('/') && name != "." && name != "..", "{path}");
    }
});
