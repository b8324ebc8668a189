//! NVMe controllers.

use std::io;
use std::sync::Mutex;

use ironlet::clock::Clock;
use ironlet::disk::secure_erase::nvme::{Controller, erase};
use ironlet::disk::secure_erase::nvme_identify::{Controller as Abilities, Namespace, Sanitize};
use ironlet::error::Error;
use ironlet::sys::nvme::Command;

use super::{drive, ends};

/// A controller: what it is, and what it answers to the commands that change something, first come first.
struct Model {
    controller: [u8; 4096],
    namespace: [u8; 4096],
    list: Vec<u32>,
    answers: Mutex<Vec<io::Result<u16>>>,
    /// Status and progress of its sanitize, one for each question; the last stays.
    sanitize: Mutex<Vec<[u8; 8]>>,
    /// Opcode, namespace and dword 10 of what it was told to do.
    told: Mutex<Vec<(u8, u32, u32)>>,
}

const FORMAT: u8 = 0x80;
const SANITIZE: u8 = 0x84;
const ALL: u32 = u32::MAX;
/// Never; per mille 500 of a block erase; well; as a consumer SSD said it (nvme-cli issue 752); failed.
const NEVER: [u8; 8] = [0xff, 0xff, 0, 0, 0, 0, 0, 0];
const HALF: [u8; 8] = [0, 0x80, 2, 0, 0x0a, 0, 0, 0];
const WELL: [u8; 8] = [0xff, 0xff, 1, 1, 0x0a, 0, 0, 0];
const FAILED: [u8; 8] = [0, 0x10, 3, 0, 0x0a, 0, 0, 0];

impl Controller for Model {
    fn admin(&self, command: &Command, data: &mut [u8]) -> io::Result<u16> {
        match (command.opcode, command.dwords[0]) {
            (6, 1) => data.copy_from_slice(&self.controller),
            (6, 0) => data.copy_from_slice(&self.namespace),
            (6, 2 | 0x10) => {
                for (to, id) in data.chunks_mut(4).zip(&self.list) {
                    to.copy_from_slice(&id.to_le_bytes());
                }
            }
            (2, 0x007f_0081) if command.namespace == ALL => {
                let mut log = self.sanitize.lock().expect("no panic");
                let now = if log.len() > 1 { log.remove(0) } else { log[0] };
                data[..8].copy_from_slice(&now);
            }
            (FORMAT | SANITIZE, dword) => {
                let mut told = self.told.lock().expect("no panic");
                told.push((command.opcode, command.namespace, dword));
                let mut answers = self.answers.lock().expect("no panic");
                return if answers.is_empty() {
                    Ok(0)
                } else {
                    answers.remove(0)
                };
            }
            other => panic!("nobody asks {other:x?}"),
        }
        Ok(0)
    }
}

struct Case {
    name: &'static str,
    drive: &'static str,
    attributes: u8,
    list: &'static [u32],
    answers: Vec<io::Result<u16>>,
    sanitize: Vec<[u8; 8]>,
    told: &'static [(u8, u32, u32)],
    end: (&'static str, &'static str),
}

impl Default for Case {
    fn default() -> Self {
        Case {
            name: "",
            drive: "samsung-mzvlb256",
            attributes: 0b100,
            list: &[1],
            answers: Vec::new(),
            sanitize: vec![NEVER],
            told: &[],
            end: ("", ""),
        }
    }
}

#[test]
#[rustfmt::skip]
fn the_best_method_the_controller_has_is_used_and_its_end_is_told() {
    let cases = [
        Case { name: "crypto", told: &[(FORMAT, 1, 2 << 9)], end: ("done", "NVMe format, cryptographic erase"), ..Case::default() },
        Case { name: "user data", attributes: 0, told: &[(FORMAT, 1, 1 << 9)], end: ("done", "NVMe format, user data erase"), ..Case::default() },
        Case { name: "qemu", drive: "qemu-nvme", attributes: 0, told: &[(FORMAT, 1, 1 << 9)], end: ("done", "user data erase"), ..Case::default() },
        Case { name: "all at once", attributes: 0b101, told: &[(FORMAT, ALL, 2 << 9)], end: ("done", "cryptographic"), ..Case::default() },
        Case { name: "all at once, some unseen", attributes: 0b101, list: &[1, 3], end: ("not started", "2 namespaces, and this machine shows 1"), ..Case::default() },
        Case { name: "erased at once, some unseen", attributes: 0b110, list: &[1, 3], end: ("not started", "2 namespaces"), ..Case::default() },
        Case { name: "no broadcast", attributes: 0b1101, told: &[(FORMAT, 1, 2 << 9)], end: ("done", "cryptographic"), ..Case::default() },
        Case {
            name: "crypto refused", answers: vec![Ok(0x10a)], told: &[(FORMAT, 1, 2 << 9), (FORMAT, 1, 1 << 9)],
            end: ("done", "user data erase"), ..Case::default()
        },
        Case {
            name: "formats refused", answers: vec![Ok(0x001), Ok(0x286)], sanitize: vec![NEVER, HALF, WELL],
            told: &[(FORMAT, 1, 2 << 9), (FORMAT, 1, 1 << 9), (SANITIZE, 0, 0x0a)], end: ("done", "NVMe sanitize, block erase"), ..Case::default()
        },
        Case {
            name: "all refused", drive: "qemu-nvme", attributes: 0, answers: vec![Ok(0x286)], told: &[(FORMAT, 1, 1 << 9)],
            end: ("not started", "status 0x286, access is denied"), ..Case::default()
        },
        Case {
            name: "others see it", list: &[1, 2], answers: vec![Ok(2), Ok(2)], told: &[(FORMAT, 1, 2 << 9), (FORMAT, 1, 1 << 9)],
            end: ("not started", "status 0x002"), ..Case::default()
        },
        Case { name: "broke off", answers: vec![Ok(0x006)], told: &[(FORMAT, 1, 2 << 9)], end: ("unknown", "status 0x006"), ..Case::default() },
        Case {
            name: "reset", answers: vec![Err(io::ErrorKind::Interrupted.into())], told: &[(FORMAT, 1, 2 << 9)],
            end: ("unknown", "silent for too long"), ..Case::default()
        },
        Case {
            name: "forbidden", answers: vec![Err(io::ErrorKind::PermissionDenied.into())], drive: "qemu-nvme", attributes: 0,
            told: &[(FORMAT, 1, 1 << 9)], end: ("not started", "permission denied"), ..Case::default()
        },
        Case { name: "power came back", sanitize: vec![HALF, HALF, WELL], end: ("done", "NVMe sanitize, block erase, begun earlier"), ..Case::default() },
        Case { name: "power came back in vain", sanitize: vec![HALF, FAILED], end: ("unknown", "it failed"), ..Case::default() },
        Case {
            name: "failed before", sanitize: vec![FAILED, HALF, WELL], told: &[(SANITIZE, 0, 0x0a)],
            end: ("done", "NVMe sanitize, block erase"), ..Case::default()
        },
        Case {
            name: "failed for good", sanitize: vec![FAILED], drive: "lexar-nm790", answers: vec![Ok(0x01c)], told: &[(SANITIZE, 0, 0x0a)],
            end: ("not started", "--sanact=1"), ..Case::default()
        },
    ];
    for case in cases {
        let mut controller = drive(&format!("{}.controller", case.drive));
        controller[524] = case.attributes;
        let model = Model {
            controller,
            namespace: drive("qemu-nvme.namespace"),
            list: case.list.to_vec(),
            answers: Mutex::new(case.answers),
            sanitize: Mutex::new(case.sanitize),
            told: Mutex::default(),
        };
        let attempt = erase(&model, "/dev/nvme0n1", 1, &|| Ok(Vec::new()), &Clock::fake(), &mut |_| ());
        assert_eq!(*model.told.lock().expect("no panic"), case.told, "{}", case.name);
        ends(case.name, &attempt, case.end.0, case.end.1);
    }
}

fn samsung(attributes: u8) -> Model {
    let mut controller = drive("samsung-mzvlb256.controller");
    controller[524] = attributes;
    Model {
        controller,
        namespace: drive("qemu-nvme.namespace"),
        list: vec![1, 2],
        answers: Mutex::default(),
        sanitize: Mutex::new(vec![NEVER]),
        told: Mutex::default(),
    }
}

#[test]
fn a_disk_that_must_stay_is_not_erased_by_a_command_to_its_sibling() {
    let stay = || Err(Error::plain("/dev/nvme0n2 is to be left alone"));
    for (attributes, told) in [(0b100, 1), (0b101, 0), (0b110, 0), (0b111, 0)] {
        let model = samsung(attributes);
        let attempt = erase(
            &model,
            "/dev/nvme0n1",
            1,
            &stay,
            &Clock::fake(),
            &mut |_| (),
        );
        assert_eq!(
            model.told.lock().expect("no panic").len(),
            told,
            "{attributes:b}"
        );
        match told {
            0 => ends(
                "shared",
                &attempt,
                "not started",
                "nvme0n2 is to be left alone",
            ),
            _ => ends("own", &attempt, "done", "NVMe format"),
        }
    }
}

#[test]
fn progress_is_told_where_it_is_known() {
    let model = samsung(0);
    *model.sanitize.lock().expect("no panic") = vec![HALF, HALF, WELL];
    let mut seen = Vec::new();
    let attempt = erase(
        &model,
        "/dev/nvme0n1",
        1,
        &|| Ok(Vec::new()),
        &Clock::fake(),
        &mut |p| seen.push(p),
    );
    ends("sanitize", &attempt, "done", "begun earlier");
    assert_eq!(seen, [Some(500)]);
}

#[test]
fn what_controllers_and_namespaces_say() {
    let qemu = Abilities::parse(&drive("qemu-nvme.controller"));
    assert!(qemu.formats && qemu.manages_namespaces && !qemu.cryptographic && qemu.sanitizes == 0);
    for (name, sanitizes) in [("samsung-mzvlb256", 0b011), ("lexar-nm790", 0b010)] {
        let able = Abilities::parse(&drive(&format!("{name}.controller")));
        assert!(able.formats && !able.manages_namespaces, "{name}");
        assert_eq!(able.sanitizes, sanitizes, "{name}");
    }
    // Format 7 with metadata at the end of each sector, protection type 1 in its first bytes; 40 % left.
    let mut bytes = drive("qemu-nvme.namespace");
    (bytes[26], bytes[29], bytes[32]) = (0x17, 0x09, 0x80 | 40);
    let namespace = Namespace::parse(&bytes);
    assert_eq!(namespace.same_format, 7 | 1 << 4 | 1 << 5 | 1 << 8);
    assert_eq!(namespace.formatted, Some(600));
    let mut log = [0; 512];
    log[..8].copy_from_slice(&WELL);
    assert_eq!(Sanitize::parse(&log), (Sanitize::Good, 2));
}
