//! Burn-in: what is wrong with processors, memory and disks is found and named, nothing but what was meant is written, and what
//! keeps the machine alive is left alone.

mod support;

use std::fs;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use ironlet::burnin::{cpu, memory};
use ironlet::clock::Clock;
use ironlet::disk::burnin::self_test;
use ironlet::disk::secure_erase::State;
use ironlet::disk::secure_erase::nvme::Controller;
use ironlet::disk::secure_erase::scsi::Wire;
use ironlet::error::Kind;
use ironlet::sys::nvme::Command;
use ironlet::sys::scsi::{Answer, Data};
use ironlet::system_root::SystemRoot;
use ironlet::work_progress::WorkProgress;
use support::fake_agent::{Surroundings, at, post_and_wait, text_at};
use support::scratch::Scratch;

const MIB: u64 = 1 << 20;

fn gauge() -> WorkProgress {
    WorkProgress::new(Clock::real())
}

/// A machine that says it has so much memory left.
fn with_memory(scratch: &Scratch, kib: u64) -> SystemRoot {
    let host = SystemRoot::new(scratch.path("root"));
    fs::create_dir_all(host.proc("")).expect("a directory");
    fs::write(
        host.proc("meminfo"),
        format!("MemTotal: 9 kB\nMemAvailable: {kib} kB\n"),
    )
    .expect("a file");
    host
}

#[test]
fn a_processor_that_counts_wrong_is_named() {
    let order = cpu::Order {
        threads: 2,
        time: Duration::from_millis(300),
    };
    let (host, clock) = (SystemRoot::new("/"), Clock::real());
    let rounds = cpu::run(&host, order, &clock, &gauge()).expect("this machine counts right");
    assert!(rounds > 0);
    let spoil = |processor: usize, result: u64| result ^ u64::from(processor == 0) << 7;
    let error =
        cpu::run_with(&host, order, &clock, &gauge(), &spoil).expect_err("processor 0 is spoilt");
    assert_eq!(error.kind(), Kind::CommandExecutionError);
    let why = error.details();
    assert!(
        why.contains("processor 0 had 0x") && !why.contains("processor 1 had"),
        "{why}"
    );
}

#[test]
fn memory_that_forgets_is_told_and_some_is_left_to_the_machine() {
    let (scratch, clock) = (Scratch::new(), Clock::real());
    let host = with_memory(&scratch, 128 << 10);
    let order = memory::Order {
        threads: 2,
        amount: memory::Amount::Percent(98),
        time: Duration::from_millis(200),
    };
    // Of 128 MiB the machine keeps 48, whatever the percentage: the fake does not shrink, so that all pieces are had.
    let tried =
        memory::run(&host, order, &clock, &gauge()).expect("memory of this machine is good");
    assert!(
        tried.memory.0 <= 126 * MIB && tried.memory.0 >= 100 * MIB,
        "{:?}",
        tried.memory
    );
    assert!(tried.checked.0 >= 2 * 16 * MIB);
    let flip = |memory: &mut [u64]| memory[1234] ^= 1 << 9;
    let exactly = memory::Order {
        amount: memory::Amount::Exactly(4 * MIB),
        ..order
    };
    let error = memory::run_with(&host, exactly, &clock, &gauge(), &flip).expect_err("a bit flips");
    assert_eq!(error.kind(), Kind::CommandExecutionError);
    assert!(error.details().contains("(bits 0x200)"), "{error}");
    // With less than it needs to live nothing is locked at all.
    let poor = with_memory(&scratch, 50 << 10);
    let error = memory::run(&poor, order, &clock, &gauge()).expect_err("too little");
    assert!(error.details().contains("nothing to try"), "{error}");
}

fn order(step: &str, info: &str, skip: &str) -> String {
    format!(
        r#"{{"name":"clean.execute_clean_step","params":{{"step":{{"step":"{step}","interface":"deploy"}},"node":{{"driver_info":{info},"properties":{{"skip_block_devices":{skip}}}}},"ports":[]}}}}"#
    )
}

#[test]
fn disks_are_written_and_read_back_but_those_that_must_stay() {
    let mut around = Surroundings::new();
    around.clock = Clock::real();
    let (tried, spared) = (around.add_named("vda"), around.add_named("vdb"));
    let engine = around.engine();
    let body = order(
        "burnin_disk",
        r#"{"agent_burnin_fio_disk_loops":2}"#,
        r#"[{"name":"/dev/vdb"}]"#,
    );
    let reply = post_and_wait(&engine, &body);
    assert_eq!(
        text_at(&reply, &["command_status"]),
        "SUCCEEDED",
        "{reply:?}"
    );
    let told =
        |disk, name| text_at(&reply, &["command_result", "clean_result", disk, name]).to_owned();
    assert_eq!(told("/dev/vda", "method"), "written and read back 2 times");
    assert_eq!(
        told("/dev/vda", "proof"),
        "16 MiB were as they had been written"
    );
    assert_eq!(told("/dev/vdb", "state"), "passed over");
    assert!(
        fs::read(&spared)
            .expect("a file")
            .iter()
            .all(|byte| *byte == 0xaa)
    );
    let left = fs::read(&tried).expect("a file");
    assert!(
        left.chunks(4096)
            .all(|page| page.iter().any(|byte| *byte != 0xaa))
    );
    // The time that was asked for ends it wherever it is.
    let body = order(
        "burnin_disk",
        r#"{"agent_burnin_fio_disk_runtime":"1s"}"#,
        "[]",
    );
    let reply = post_and_wait(&engine, &body);
    let method = text_at(
        &reply,
        &["command_result", "clean_result", "/dev/vda", "method"],
    );
    assert!(method.starts_with("written and read back "), "{reply:?}");
}

#[test]
fn a_switch_that_makes_no_sense_stops_it_before_the_first_write() {
    let mut around = Surroundings::new();
    let disk = around.add_disk();
    let engine = around.engine();
    for (step, info) in [
        ("burnin_disk", r#"{"agent_burnin_fio_disk_loops":"many"}"#),
        (
            "burnin_disk",
            r#"{"agent_burnin_fio_disk_smart_test":"perhaps"}"#,
        ),
        ("burnin_cpu", r#"{"agent_burnin_cpu_timeout":"soon"}"#),
        ("burnin_memory", r#"{"agent_burnin_vm_vm-bytes":"101%"}"#),
    ] {
        let reply = post_and_wait(&engine, &order(step, info, "[]"));
        let error = at(&reply, &["command_error"]);
        assert_eq!(
            text_at(&reply, &["command_error", "type"]),
            "CleaningError",
            "{error:?}"
        );
        assert!(
            text_at(&reply, &["command_error", "details"]).contains("nothing was begun"),
            "{error:?}"
        );
    }
    assert!(
        fs::read(&disk)
            .expect("a file")
            .iter()
            .all(|byte| *byte == 0xaa)
    );
    // A disk without a self-test, and one was asked for: told, not passed over.
    let info = r#"{"agent_burnin_fio_disk_loops":0,"agent_burnin_fio_disk_smart_test":true}"#;
    let reply = post_and_wait(&engine, &order("burnin_disk", info, "[]"));
    let why = text_at(&reply, &["command_error", "details"]);
    assert!(
        why.contains("/dev/vda") && why.contains("no self-test"),
        "{why}"
    );
}

/// A disk that answers every command with these bytes, and notes what it was asked.
struct Recorded {
    answer: Vec<u8>,
    status: u8,
    asked: Mutex<Vec<Vec<u8>>>,
}

impl Recorded {
    fn new(answer: Vec<u8>, status: u8) -> Self {
        Recorded {
            answer,
            status,
            asked: Mutex::default(),
        }
    }
}

impl Wire for Recorded {
    fn send(&self, command: &[u8], data: Data, _: Duration) -> io::Result<Answer> {
        self.asked.lock().expect("no panic").push(command.to_vec());
        if let Data::In(bytes) = data {
            let length = bytes.len().min(self.answer.len());
            bytes[..length].copy_from_slice(&self.answer[..length]);
        }
        Ok(Answer {
            status: self.status,
            ..Answer::default()
        })
    }
}

impl Controller for Recorded {
    fn admin(&self, command: &Command, data: &mut [u8]) -> io::Result<u16> {
        let asked = vec![
            command.opcode,
            command.dwords[0] as u8,
            (command.dwords[0] >> 16) as u8,
        ];
        self.asked.lock().expect("no panic").push(asked);
        let length = data.len().min(self.answer.len());
        data[..length].copy_from_slice(&self.answer[..length]);
        Ok(self.status.into())
    }
}

fn bytes(at: usize, value: u8) -> Vec<u8> {
    let mut bytes = vec![0; 564];
    bytes[at] = value;
    bytes
}

#[test]
fn every_end_of_a_self_test_is_understood() {
    let ata =
        |status| self_test::state_of_ata(&Recorded::new(bytes(363, status), 0)).expect("an answer");
    assert_eq!(ata(0), State::Good);
    assert_eq!(ata(0xf9), State::Busy(Some(100)));
    for (status, told) in [
        (0x10, "interrupted"),
        (0x74, "read element"),
        (0x30, "could not be completed"),
        (0xe0, "reserved"),
    ] {
        assert!(
            matches!(ata(status), State::Bad(why) if why.contains(told)),
            "{status:#x}"
        );
    }
    let scsi =
        |result| self_test::state_of_scsi(&Recorded::new(bytes(8, result), 0)).expect("an answer");
    assert_eq!((scsi(0x40), scsi(0x4f)), (State::Good, State::Busy(None)));
    assert!(matches!(scsi(0x47), State::Bad(why) if why.contains("result 7")));
    assert!(matches!(scsi(0x41), State::Bad(why) if why.contains("interrupted")));
    let nvme = |at, value| {
        self_test::state_of_nvme(&Recorded::new(bytes(at, value), 0)).expect("an answer")
    };
    assert_eq!(nvme(4, 0x20), State::Good);
    let mut running = bytes(0, 2);
    running[1] = 37;
    let state = self_test::state_of_nvme(&Recorded::new(running, 0)).expect("an answer");
    assert_eq!(state, State::Busy(Some(370)));
    assert!(matches!(nvme(4, 0x27), State::Bad(why) if why.contains("code 7")));
    assert!(matches!(nvme(4, 0x22), State::Bad(why) if why.contains("interrupted")));
}

#[test]
fn the_extended_test_is_asked_for_and_a_refusal_is_told() {
    let asked = |disk: &Recorded| disk.asked.lock().expect("no panic").clone();
    let disk = Recorded::new(Vec::new(), 0);
    self_test::start_ata(&disk).expect("taken");
    // SAT-3: features in byte 4, the block address in 8, 10 and 12, the command in 14.
    let last = asked(&disk).pop().expect("a command");
    assert_eq!(
        (last[0], last[4], last[8], last[10], last[12], last[14]),
        (0x85, 0xd4, 2, 0x4f, 0xc2, 0xb0)
    );
    let disk = Recorded::new(Vec::new(), 0);
    self_test::start_scsi(&disk).expect("taken");
    assert_eq!(asked(&disk), [[0x1d, 0x40, 0, 0, 0, 0]]);
    let disk = Recorded::new(Vec::new(), 0);
    self_test::start_nvme(&disk, 1).expect("taken");
    let _ = self_test::state_of_nvme(&disk);
    assert_eq!(asked(&disk), [[0x14, 2, 0], [0x02, 0x06, 140]]);
    let error =
        self_test::start_nvme(&Recorded::new(Vec::new(), 1), 1).expect_err("invalid opcode");
    assert!(error.details().contains("status 0x1"), "{error}");
    assert!(self_test::start_scsi(&Recorded::new(Vec::new(), 2)).is_err());
}
