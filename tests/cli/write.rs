//! `ironlet write` onto files: what cannot be is told before their first byte changes, nobody writes one beside another, and the
//! parameters count as they do for the agent.

use std::fs;
use std::path::Path;
use std::process::Command;

use ironlet::codec::hex;
use ironlet::disk::exclusive_disk::ExclusiveDisk;
use ironlet::disk::select::write_permit::Permit;
use ironlet::system_root::SystemRoot;
use sha2::{Digest, Sha256};

use super::said;
use super::support::image_server::{Behaviour, ImageServer};
use super::support::scratch::Scratch;

const MIB: usize = 1 << 20;

fn sum(image: &[u8]) -> String {
    format!("sha256:{}", hex::encode(&Sha256::digest(image)))
}

/// Exit code and all that was said of writing what is at `url`.
fn write(url: &str, image: &[u8], disk: &Path, more: &[&str]) -> (Option<i32>, String) {
    let disk = disk.to_str().expect("a path");
    let sum = sum(image);
    let words = [
        "write",
        url,
        "--checksum",
        &sum,
        "--disk",
        disk,
        "--allow-disk",
        disk,
    ];
    said(&[&words[..], more].concat())
}

#[test]
fn what_cannot_be_written_is_told_before_the_first_byte_changes() {
    let image = vec![7; 5 * MIB];
    let archived = {
        let mut archive = ironlet::codec::tar::Archive::default();
        archive.add("disk.raw", 0, &image);
        archive.finish()
    };
    for (size, served, path, asked, why) in [
        (
            6 * MIB + 1,
            &image,
            "/a.raw",
            false,
            "its 6291457 bytes are no multiple of 4096; `truncate -s %4096 /",
        ),
        (
            6 * MIB + 512,
            &image,
            "/a.raw",
            false,
            "no multiple of 4096",
        ),
        (MIB, &image, "/a.raw", false, "holds 1 MiB only"),
        (0, &image, "/a.raw", false, "it is empty"),
        (
            4 * MIB,
            &image,
            "/a.raw",
            true,
            "the image does not fit: it is a disk of 5 MiB",
        ),
        (
            4 * MIB,
            &archived,
            "/a.tar",
            true,
            "the image does not fit: it is a disk of 5 MiB",
        ),
    ] {
        let server = ImageServer::start(served.clone(), vec![Behaviour::Serve]);
        let scratch = Scratch::new();
        let disk = scratch.disk(size, 0xaa);
        let (code, said) = write(&server.url(path), served, &disk, &[]);
        assert_eq!(code, Some(1), "{size}: {said}");
        assert!(said.contains(why), "{size}: {said}");
        assert_eq!(!server.requests().is_empty(), asked, "{size}: {said}");
        let bytes = fs::read(&disk).expect("a file");
        assert!(bytes.len() == size && bytes.iter().all(|byte| *byte == 0xaa));
    }
    // As it is advised.
    let server = ImageServer::start(image.clone(), vec![Behaviour::Serve]);
    let scratch = Scratch::new();
    let disk = scratch.disk(6 * MIB + 1, 0xaa);
    let done = Command::new("truncate")
        .args(["-s", "%4096"])
        .arg(&disk)
        .status();
    assert!(done.expect("truncate(1)").success());
    let (code, said) = write(&server.url("/a.raw"), &image, &disk, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::read(&disk).expect("a file")[..image.len()] == image);
}

#[test]
fn a_file_that_somebody_has_is_left_to_them() {
    let image = vec![7; 5 * MIB];
    let server = ImageServer::start(image.clone(), vec![Behaviour::Serve]);
    let scratch = Scratch::new();
    let path = scratch.disk(6 * MIB, 0xaa);
    let permit = Permit::new(&SystemRoot::new("/"), vec![path.clone()]);
    let held = ExclusiveDisk::open(&path, &permit).expect("nobody has it");
    let (code, said) = write(&server.url("/a.raw"), &image, &path, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("it is in use: another program has locked it"),
        "{said}"
    );
    assert!(server.requests().is_empty(), "{said}");
    // QEMU's programs see it as well.
    let qemu = || {
        let read = Command::new("qemu-io")
            .args(["-f", "raw", "-c", "read 0 512"])
            .arg(&path)
            .output();
        let read = read.expect("qemu-io is there: package qemu-utils");
        let said = String::from_utf8_lossy(&read.stderr).into_owned();
        (read.status.success(), said)
    };
    let (is_well, why) = qemu();
    assert!(!is_well && why.contains("lock"), "{why}");
    drop(held);
    assert!(qemu().0);
    let (code, said) = write(&server.url("/a.raw"), &image, &path, &[]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn parameters_count_as_they_do_for_the_agent() {
    let image = vec![7; 5 * MIB];
    let scratch = Scratch::new();
    let (root, path) = (scratch.path("root"), scratch.disk(6 * MIB, 0xaa));
    let folder = root.join("etc/ironic-python-agent.d");
    fs::create_dir_all(&folder).expect("a folder");
    let login = "[DEFAULT]\nimage_server_auth_strategy = http_basic\nimage_server_user = me\nimage_server_password = Sesame7\n";
    fs::write(folder.join("own.conf"), login).expect("a file");
    let root = root.display().to_string();
    let server = ImageServer::start(image.clone(), vec![Behaviour::Serve]);
    let run =
        |url: &str, line: &str| write(url, &image, &path, &["--root", &root, "--cmdline", line]);
    let (code, all) = run(
        &server.url("/a.raw"),
        "ironlet.rate=1G ironlet.verify=readback ironlet.image=http://h/i ironlet.checksum=x ipa-strange=1",
    );
    assert_eq!(code, Some(0), "{all}");
    for words in [
        "fetching no faster than 1 GiB a second",
        "what is written, and where, is what was typed",
        "ipa-strange",
    ] {
        assert!(all.contains(words), "no '{words}' in {all}");
    }
    assert!(!all.contains("Sesame7"), "{all}");
    // me:Sesame7
    let basic = "Authorization: Basic bWU6U2VzYW1lNw==".to_ascii_lowercase();
    let heads = server.requests().concat().to_ascii_lowercase();
    assert!(heads.contains(&basic), "{heads}");
    let key = "ironlet.image-key=RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let nobody = "http://127.0.0.1:9/a.raw";
    for (line, why) in [
        (key, "asks for the image's signature"),
        (
            "ipa-image-download-connection-retries=0",
            "refuses connections",
        ),
        (
            "ipa-image-download-connection-retries=many",
            "ipa-image-download-connection-retries",
        ),
        ("ipa-tls-min-version=1.1", "ipa-tls-min-version"),
    ] {
        let (code, all) = run(nobody, line);
        assert_eq!(code, Some(1), "{line}: {all}");
        assert!(all.contains(why), "{line}: {all}");
    }
    fs::write(folder.join("own.conf"), "[DEFAULT]\ncafile = /nobody.pem\n").expect("a file");
    let (code, all) = run(&server.url("/a.raw").replace("http:", "https:"), "");
    assert!(code == Some(1) && all.contains("/nobody.pem"), "{all}");
}
