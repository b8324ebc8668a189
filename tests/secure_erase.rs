//! Disks that erase themselves, by models of disks that answer what real ones said (tests/fixtures/drives):
//! what they are asked, in which order, and what is made of their answers.

#[path = "secure_erase/ata.rs"]
mod ata;
#[path = "support/machine.rs"]
#[allow(dead_code)]
mod machine;
#[path = "secure_erase/nvme.rs"]
mod nvme;
#[path = "secure_erase/scsi.rs"]
mod scsi;

use std::fs;
use std::path::PathBuf;

use ironlet::disk;
use ironlet::disk::secure_erase::{Attempt, hold, siblings};
use ironlet::disk::select::write_permit::Permit;
use machine::Machine;

/// The bytes of a fixture: hex digits, words with the high digits first.
fn drive<const SIZE: usize>(name: &str) -> [u8; SIZE] {
    let path = format!(
        "{}/tests/fixtures/drives/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut bytes = [0; SIZE];
    let mut at = 0;
    for group in text.split_whitespace() {
        let digit = |at: usize| u8::from_str_radix(&group[at..at + 2], 16).expect("hex digits");
        let mut group: Vec<u8> = (0..group.len()).step_by(2).map(digit).collect();
        if name.ends_with(".words") {
            group.reverse();
        }
        bytes[at..at + group.len()].copy_from_slice(&group);
        at += group.len();
    }
    bytes
}

/// Which of the four ends, and its words.
fn end(attempt: &Attempt) -> (&'static str, &str) {
    match attempt {
        Attempt::Unsupported(why) => ("unsupported", why),
        Attempt::Done(method) => ("done", method),
        Attempt::NotStarted(error) => ("not started", error.details()),
        Attempt::Unknown(error) => ("unknown", error.details()),
    }
}

fn ends(case: &str, attempt: &Attempt, kind: &str, words: &str) {
    let (is, said) = end(attempt);
    assert!(is == kind && said.contains(words), "{case}: {is}, {said}");
}

#[test]
fn namespaces_of_one_controller_know_each_other() {
    let block = "/sys/devices/pci0000:00/0000:00:03.0/nvme/nvme0/nvme0n2";
    let machine = Machine::recorded("ahci-nvme").with(&format!(
        "/sys/block/nvme0n2 -> ../devices/pci0000:00/0000:00:03.0/nvme/nvme0/nvme0n2\n{block}/size = 8\n{block}/device -> ../../nvme0\n"
    ));
    let host = machine.host();
    let names = |of: &str| -> Vec<String> {
        let disks = disk::list(&host);
        let disk = disks.iter().find(|disk| disk.name == of).expect(of);
        siblings(disk, &host)
            .into_iter()
            .map(|disk| disk.name)
            .collect()
    };
    assert_eq!(names("/dev/nvme0n1"), ["/dev/nvme0n2"]);
    assert_eq!(names("/dev/nvme0n2"), ["/dev/nvme0n1"]);
    assert!(names("/dev/nvme1n1").is_empty());

    // Before one is erased with the other, that is held: unless it must stay, or nobody allowed it.
    let disks = disk::list(&host);
    let first = disks.iter().find(|disk| disk.name == "/dev/nvme0n1");
    let others = siblings(first.expect("it is listed"), &host);
    let path = &others[0].path;
    fs::create_dir_all(path.parent().expect("/dev")).expect("a folder");
    fs::write(path, [7; 4096]).expect("a file stands for it");
    let held = |named: &[PathBuf], spared: &[String]| {
        let permit = Permit::new(&host, named.to_vec());
        let held = hold(&others, &permit, spared);
        held.map(|all| all.len())
            .map_err(|e| e.details().to_owned())
    };
    let spared = ["/dev/nvme0n2".to_owned()];
    assert_eq!(held(std::slice::from_ref(path), &[]), Ok(1));
    for (named, spared, words) in [
        (
            std::slice::from_ref(path),
            &spared[..],
            "/dev/nvme0n2 is to be left alone",
        ),
        (&[], &[], "refusing to write"),
    ] {
        let error = held(named, spared).expect_err(words);
        assert!(error.contains(words), "{error}");
    }
}
