//! By which method a disk is erased, when another may stand in for it, and what then is said.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use ironlet::codec::json::{Object, Value, print};
use ironlet::disk::Disk;
use ironlet::disk::erase::{Order, Tell};
use ironlet::disk::secure_erase::Attempt;
use ironlet::error::{Error, Kind};

use super::support::fake_agent::{at, text_at};
use super::{Bench, MIB, OLD, PLAIN, all, content, unasked};

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("an object, not {other:?}"),
    }
}

fn erased(disk: &Disk, _: Tell) -> Attempt {
    fs::write(&disk.path, vec![0x55; 8 * MIB]).expect("the disk is a file");
    Attempt::Done("its own way".into())
}

fn liar(_: &Disk, _: Tell) -> Attempt {
    Attempt::Done("its own way".into())
}

fn frozen(_: &Disk, _: Tell) -> Attempt {
    Attempt::NotStarted(Error::plain("it is frozen"))
}

fn lost(_: &Disk, _: Tell) -> Attempt {
    Attempt::Unknown(Error::plain("it never ended"))
}

#[test]
fn a_disk_is_erased_by_the_best_method_that_is_allowed() {
    let nvme = "/dev/nvme0n1";
    let fall_back = Order {
        fall_back: true,
        ..PLAIN
    };
    let switched_off = Order {
        nvme: false,
        ..PLAIN
    };
    let nothing = Order {
        random: 0,
        zeros: false,
        ..PLAIN
    };
    let own: &[fn(&Disk, Tell) -> Attempt] = &[unasked, erased, liar, frozen, lost];
    let [unasked, erased, liar, frozen, lost] = [0, 1, 2, 3, 4].map(|at| own[at]);
    let overwritten = Ok(("overwriting: 1 × random bytes, zeros", 0));
    // A file cannot be discarded: the next method follows, if there is one.
    let discard = Order {
        discard: true,
        ..fall_back.clone()
    };
    let only_discard = Order {
        discard: true,
        ..PLAIN
    };
    for (name, own, order, expected, said) in [
        ("/dev/vda", unasked, &PLAIN, overwritten, "no such command"),
        ("/dev/sda", erased, &PLAIN, Ok(("its own way", 0x55)), ""),
        (nvme, erased, &PLAIN, Ok(("its own way", 0x55)), ""),
        ("/dev/sda", liar, &PLAIN, Err("unknown"), "hold no mark"),
        ("/dev/sda", liar, &fall_back, overwritten, "hold no mark"),
        (nvme, unasked, &PLAIN, Err("not started"), "no such command"),
        (nvme, unasked, &fall_back, overwritten, "no such command"),
        (nvme, erased, &switched_off, overwritten, ""),
        (
            "/dev/sda",
            frozen,
            &PLAIN,
            Err("not started"),
            "it is frozen",
        ),
        ("/dev/sda", frozen, &fall_back, overwritten, "it is frozen"),
        ("/dev/sda", frozen, &discard, overwritten, "discarding"),
        (
            "/dev/sda",
            frozen,
            &only_discard,
            Err("not started"),
            "discarding",
        ),
        ("/dev/sda", lost, &PLAIN, Err("unknown"), "it never ended"),
        ("/dev/sda", lost, &fall_back, overwritten, "it never ended"),
        (
            "/dev/vda",
            unasked,
            &nothing,
            Err("not started"),
            "are wanted",
        ),
    ] {
        let bench = Bench::new(&own);
        let disk = bench.disk(name);
        let result = bench.erase(std::slice::from_ref(&disk), order);
        match (expected, result) {
            (Ok((method, fill)), Ok(result)) => {
                let result = object(result);
                assert_eq!(text_at(&result, &[name, "state"]), "done", "{result:?}");
                assert_eq!(text_at(&result, &[name, "method"]), method);
                assert!(
                    text_at(&result, &[name, "proof"]).contains(" samples of 4096 bytes hold ")
                );
                let instead = text_at(&result, &[name, "instead_of"]);
                assert!(instead.contains(said) && said.is_empty() == instead.is_empty());
                assert!(all(&content(&disk), fill), "{name} by {method}");
            }
            (Err(state), Err(error)) => {
                assert_eq!(error.kind(), Kind::BlockDeviceEraseError);
                let details = error.details();
                let named = format!("\"{name}\" ({state}): ");
                assert!(
                    details.contains(&named) && details.contains(said),
                    "{error}"
                );
                assert!(details.ends_with("; passed over: /dev/sr9"), "{error}");
                let kept = content(&disk)
                    .chunks(4096)
                    .filter(|page| all(page, OLD))
                    .count();
                match state {
                    "not started" => assert_eq!(kept, 2048, "{name} holds what it held"),
                    // Marks aside.
                    _ => assert!(kept > 1800, "{name}: {kept} pages of 2048"),
                }
            }
            (expected, result) => panic!("{name}: {result:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn random_passes_leave_nothing_that_repeats() {
    let bench = Bench::new(&unasked);
    let disk = bench.disk("/dev/vda");
    let order = Order {
        random: 2,
        zeros: false,
        ..PLAIN
    };
    let result = bench.erase(std::slice::from_ref(&disk), &order);
    let result = object(result.expect("it can be written"));
    let method = text_at(&result, &["/dev/vda", "method"]);
    assert_eq!(method, "overwriting: 2 × random bytes");
    let found = content(&disk);
    let mut counts = [0usize; 256];
    found
        .iter()
        .for_each(|byte| counts[usize::from(*byte)] += 1);
    // 32768 of each, give or take eleven standard deviations.
    let even = |count: &usize| (30_768..34_768).contains(count);
    assert!(counts.iter().all(even), "{counts:?}");
    let mut pages: Vec<_> = found.chunks(512).collect();
    pages.sort_unstable();
    pages.dedup();
    assert_eq!(pages.len(), 8 * MIB / 512, "a sector was written twice");
    let done = bench.gauge.read().map(|reading| reading.done.0);
    assert_eq!(done, Some(2 * 8 * MIB as u64));
}

/// Where disks wait until so many were there at once.
struct Meeting {
    wanted: usize,
    inside: Mutex<Vec<String>>,
    arrived: Condvar,
    most: AtomicUsize,
}

impl Meeting {
    fn of(wanted: usize) -> Self {
        Meeting {
            wanted,
            inside: Mutex::default(),
            arrived: Condvar::new(),
            most: AtomicUsize::new(0),
        }
    }

    /// Was nobody of that name inside?
    fn attend(&self, name: &str) -> bool {
        let mut inside = self.inside.lock().expect("nobody panics with it");
        let alone = !inside.iter().any(|other| other == name);
        inside.push(name.to_owned());
        self.most.fetch_max(inside.len(), Ordering::SeqCst);
        self.arrived.notify_all();
        let few = |_: &mut _| self.most.load(Ordering::SeqCst) < self.wanted;
        let waited = self
            .arrived
            .wait_timeout_while(inside, Duration::from_secs(20), few);
        let (mut inside, _) = waited.expect("nobody panics with it");
        let own = inside.iter().position(|other| other == name);
        inside.remove(own.expect("it is inside"));
        alone
    }
}

#[test]
fn as_many_disks_at_once_as_allowed_and_one_failure_stops_no_other() {
    let meeting = Meeting::of(3);
    let own = |disk: &Disk, _: Tell| {
        meeting.attend(&disk.name);
        match disk.name.ends_with('c') {
            true => Attempt::NotStarted(Error::plain("it is frozen")),
            false => Attempt::Unsupported("it has no such command".into()),
        }
    };
    let bench = Bench::new(&own);
    let disks: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"]
        .map(|letter| bench.disk(&format!("/dev/sd{letter}")))
        .into();
    let order = Order {
        at_once: 3,
        ..PLAIN
    };
    let error = bench.erase(&disks, &order).expect_err("one is frozen");
    assert_eq!(meeting.most.load(Ordering::SeqCst), 3);
    for part in [
        "Failed to erase the device(s): \"/dev/sdc\" (not started): it is frozen",
        "; done: /dev/sda, /dev/sdb, /dev/sdd, /dev/sde, /dev/sdf, /dev/sdg; ",
    ] {
        assert!(error.details().contains(part), "{error}");
    }
    for disk in &disks {
        assert_eq!(all(&content(disk), 0), disk.name != "/dev/sdc");
    }
    let done = bench.gauge.read().map(|reading| reading.done.0);
    assert_eq!(
        done,
        Some(7 * 2 * 8 * MIB as u64),
        "every disk counts in full"
    );
}

#[test]
fn disks_of_one_controller_go_one_after_the_other() {
    let meeting = Meeting::of(3);
    let own = |disk: &Disk, _: Tell| {
        let controller = disk.name.trim_end_matches(char::is_numeric);
        let alone = meeting.attend(controller);
        match alone {
            true => erased(disk, &mut |_| ()),
            false => Attempt::NotStarted(Error::plain("its controller is busy")),
        }
    };
    let bench = Bench::new(&own);
    let disks = ["0n1", "0n2", "1n1", "1n2", "10n1"]
        .map(|number| bench.disk(&format!("/dev/nvme{number}")));
    let order = Order {
        at_once: 5,
        ..PLAIN
    };
    let result = object(bench.erase(&disks, &order).expect("never two of one"));
    assert_eq!(result.len(), 6, "{result:?}");
}

#[test]
fn an_express_erase_says_what_it_left() {
    let express = Order {
        express: true,
        ..PLAIN
    };
    let own = |disk: &Disk, tell: Tell| match &*disk.name {
        "/dev/nvme0n1" => erased(disk, tell),
        "/dev/nvme3n1" => lost(disk, tell),
        "/dev/nvme1n1" | "/dev/nvme2n1bad" => frozen(disk, tell),
        other => panic!("{other} is to be asked nothing"),
    };
    let bench = Bench::new(&own);
    let mut disks = ["nvme0n1", "nvme1n1", "sda"]
        .map(|name| bench.disk(&format!("/dev/{name}")))
        .to_vec();
    let result = object(bench.erase(&disks, &express).expect("all can be erased"));
    let method = |name| text_at(&result, &[name, "method"]);
    assert_eq!(method("/dev/nvme0n1"), "its own way");
    for (name, instead_of) in [("/dev/nvme1n1", "\"it is frozen\""), ("/dev/sda", "null")] {
        assert_eq!(method(name), "metadata only");
        assert!(text_at(&result, &[name, "proof"]).contains("the rest of the disk is as it was"));
        assert_eq!(print(at(&result, &[name, "instead_of"])), instead_of);
    }
    let metadata = |bench: &Bench| {
        bench
            .metadata
            .lock()
            .expect("nobody panics with it")
            .clone()
    };
    assert_eq!(metadata(&bench), ["/dev/nvme1n1", "/dev/sda"]);

    let half_done = bench.disk("/dev/nvme3n1");
    let result = bench.erase(std::slice::from_ref(&half_done), &express);
    let result = object(result.expect("its metadata can be erased"));
    let proof = text_at(&result, &["/dev/nvme3n1", "proof"]);
    assert!(proof.contains("nobody knows"), "{proof}");

    disks.push(bench.disk("/dev/nvme2n1bad"));
    disks.push(bench.disk("/dev/sdbad"));
    let error = bench.erase(&disks, &express).expect_err("two fail");
    assert_eq!(error.kind(), Kind::BlockDeviceEraseError);
    for part in [
        "Failed to conduct an express erase on the device(s): \"/dev/nvme2n1bad\" (unknown): it is frozen; erasing only its metadata failed, too: its",
        "\"/dev/sdbad\" (unknown): its metadata cannot be erased",
        "; done: /dev/nvme0n1, /dev/nvme1n1, /dev/sda",
    ] {
        assert!(error.details().contains(part), "{part} in {error}");
    }
    let nvme_off = Order {
        nvme: false,
        ..express
    };
    let result = bench
        .erase(&disks[..1], &nvme_off)
        .expect("no command is sent");
    let result = object(result);
    assert_eq!(
        text_at(&result, &["/dev/nvme0n1", "method"]),
        "metadata only"
    );
}
