//! The login to a disk behind iSCSI, as tgt's target takes it, and as targets that mean no good.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ironlet::disk::ibft::{BootDisk, Chap};
use ironlet::error::{Context, Error, Result};
use ironlet::iscsi::login::{Asking, Head, Outcome, login};
use ironlet::iscsi::terms::Agreed;
use ironlet::secret::Secret;
use support::scratch::Scratch;

const NAME: &str = "iqn.2026-11.org.example:root";
const SECRET: &str = "a secret of 24 letters..";
const BACK: &str = "the target's own secret";

/// tgtd(8) and tgtadm(8) find each other by this.
const SOCKET: &str = "TGT_IPC_SOCKET";

/// tgt with a disk for everybody, one behind CHAP and one behind mutual CHAP.
struct Target {
    process: Child,
    portal: SocketAddr,
    scratch: Scratch,
}

impl Target {
    fn new() -> Self {
        let portal = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .expect("a port");
        let scratch = Scratch::new();
        let disk = scratch.disk(1 << 20, 7);
        let process = Command::new("tgtd")
            .args(["-f", "--iscsi", &format!("portal={portal}")])
            // A short name: the address of a socket has no room for a long one.
            .env(SOCKET, "socket")
            .current_dir(scratch.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tgt is installed");
        let target = Target {
            process,
            portal,
            scratch,
        };
        let account = |user, secret| {
            target.tell(&[
                "--mode",
                "account",
                "--op",
                "new",
                "--user",
                user,
                "--password",
                secret,
            ])
        };
        for (number, name) in ["open", "chap", "mutual"].iter().enumerate() {
            let number = (number + 1).to_string();
            target.tell(&[
                "--mode",
                "target",
                "--op",
                "new",
                "--tid",
                &number,
                "-T",
                &format!("{NAME}-{name}"),
            ]);
            let disk = disk.to_str().expect("a plain path");
            target.tell(&[
                "--mode",
                "logicalunit",
                "--op",
                "new",
                "--tid",
                &number,
                "--lun",
                "1",
                "-b",
                disk,
            ]);
            target.tell(&[
                "--mode", "target", "--op", "bind", "--tid", &number, "-I", "ALL",
            ]);
        }
        account("machine7", SECRET);
        account("target9", BACK);
        for number in ["2", "3"] {
            target.tell(&[
                "--mode", "account", "--op", "bind", "--tid", number, "--user", "machine7",
            ]);
        }
        target.tell(&[
            "--mode",
            "account",
            "--op",
            "bind",
            "--tid",
            "3",
            "--user",
            "target9",
            "--outgoing",
        ]);
        target
    }

    fn tell(&self, words: &[&str]) {
        for _ in 0..50 {
            let done = Command::new("tgtadm")
                .env(SOCKET, "socket")
                .current_dir(self.scratch.path(""))
                .args(["--lld", "iscsi"])
                .args(words)
                .output()
                .expect("tgt is installed");
            if done.status.success() {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("tgtadm {words:?}");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn disk(target: &str, portal: SocketAddr, chap: Option<Chap>) -> BootDisk {
    BootDisk {
        initiator: "iqn.2026-11.org.example:machine".to_owned(),
        target: target.to_owned(),
        portal,
        lun: 1,
        chap,
    }
}

fn chap(secret: &str, back: Option<&str>) -> Option<Chap> {
    let back = back.map(|secret| ("target9".to_owned(), Secret::new(secret)));
    Some(Chap {
        user: "machine7".to_owned(),
        secret: Secret::new(secret),
        back,
    })
}

/// Carried by a connection of its own, as the kernel would.
fn log_in(disk: &BootDisk) -> Result<Outcome> {
    let mut stream = TcpStream::connect(disk.portal).context("connecting")?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .context("connecting")?;
    let asking = Asking {
        disk,
        isid: [0x80, 1, 2, 3, 0, 4],
    };
    login(&asking, &mut |head, text| {
        let padding = [0; 3];
        stream.write_all(head).context("sending")?;
        stream.write_all(text).context("sending")?;
        stream
            .write_all(&padding[..(4 - text.len() % 4) % 4])
            .context("sending")?;
        let mut head: Head = [0; 48];
        stream.read_exact(&mut head).context("hearing")?;
        let length = u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize;
        let mut text = vec![0; length.next_multiple_of(4)];
        stream.read_exact(&mut text).context("hearing")?;
        text.truncate(length);
        Ok((head, text))
    })
}

#[test]
fn tgt_takes_the_login_with_and_without_chap() {
    let target = Target::new();
    for (name, chap, expected) in [
        ("open", None, Ok(())),
        ("chap", chap(SECRET, None), Ok(())),
        ("mutual", chap(SECRET, Some(BACK)), Ok(())),
        ("chap", chap("another secret, as long", None), Err("2.1")),
        ("chap", None, Err("CHAP")),
        (
            "mutual",
            chap(SECRET, Some("not the target's secret")),
            Err("does not prove"),
        ),
        ("chap", chap(SECRET, Some(BACK)), Err("")),
        ("nobody", None, Err("2.3")),
    ] {
        let disk = disk(&format!("{NAME}-{name}"), target.portal, chap);
        match (log_in(&disk), expected) {
            (Ok(Outcome::Agreed(agreed)), Ok(())) => {
                assert!(
                    agreed.first_burst <= agreed.max_burst && agreed.sent_at_once >= 512,
                    "{agreed:?}"
                );
                assert!(agreed.exp_statsn > 0, "{agreed:?}");
            }
            (Err(error), Err(why)) => {
                let told = error.details();
                assert!(told.contains(why), "{name}: {told}");
                assert!(!told.contains(SECRET) && !told.contains(BACK), "{told}");
            }
            (Ok(_), _) => panic!("{name}: it was let in"),
            (Err(error), _) => panic!("{name}: {error}"),
        }
    }
}

/// What comes of a target that answers each request with the next of these: flags, status and text.
fn told(chap: Option<Chap>, answers: &[(u8, u16, &str)]) -> Result<Outcome> {
    let disk = disk(NAME, "192.0.2.1:3260".parse().expect("an address"), chap);
    // The last one is said again and again.
    let last = answers
        .iter()
        .cycle()
        .skip(answers.len().saturating_sub(1))
        .step_by(answers.len().max(1));
    let mut answers = answers.iter().chain(last);
    let asking = Asking {
        disk: &disk,
        isid: [0x80, 1, 2, 3, 0, 4],
    };
    login(&asking, &mut |_, _| {
        let (flags, status, text) = answers.next().ok_or_else(|| Error::plain("no more"))?;
        let mut head: Head = [0; 48];
        (head[0], head[1]) = (0x23, *flags);
        head[36..38].copy_from_slice(&status.to_be_bytes());
        Ok((head, text.as_bytes().to_vec()))
    })
}

const TO_TERMS: (u8, u16, &str) = (0x81, 0, "");

#[test]
fn terms_are_taken_within_what_was_offered() {
    let agreed = |text: &str| match told(None, &[TO_TERMS, (0x87, 0, text)]) {
        Ok(Outcome::Agreed(agreed)) => Some(agreed),
        _ => None,
    };
    let usual = Agreed {
        exp_statsn: 1,
        ..Agreed::default()
    };
    for (text, expected) in [
        ("", Some(usual.clone())),
        (
            "InitialR2T=No\0ImmediateData=No\0MaxRecvDataSegmentLength=4096\0",
            Some(Agreed {
                initial_r2t: false,
                immediate_data: false,
                sent_at_once: 4096,
                ..usual.clone()
            }),
        ),
        (
            "MaxBurstLength=16777215\0FirstBurstLength=16777215\0MaxRecvDataSegmentLength=16777215",
            Some(Agreed {
                sent_at_once: 262_144,
                ..usual.clone()
            }),
        ),
        (
            "MaxBurstLength=8192\0TargetPortalGroupTag=7\0X-odd=1\0HeaderDigest=None",
            Some(Agreed {
                max_burst: 8192,
                first_burst: 8192,
                group: "7".to_owned(),
                ..usual
            }),
        ),
        ("HeaderDigest=CRC32C", None),
        ("MaxBurstLength=0", None),
        ("FirstBurstLength=much", None),
        ("MaxRecvDataSegmentLength=-1", None),
        ("TargetPortalGroupTag=1\n2", None),
    ] {
        assert_eq!(agreed(text), expected, "{text:?}");
    }
}

#[test]
fn targets_that_mean_no_good_come_to_an_end() {
    let long = "x=".to_owned() + &"y".repeat(60_000);
    for (what, chap, answers, why) in [
        (
            "no end of the terms",
            None,
            &[TO_TERMS, (0x04, 0, "")][..],
            "agreement",
        ),
        (
            "no end of the security",
            None,
            &[(0x00, 0, "")],
            "end of the login",
        ),
        ("no end of a text", None, &[(0x40, 0, "a=b")], "more than"),
        (
            "a text without bounds",
            None,
            &[(0x40, 0, long.as_str())],
            "more than",
        ),
        (
            "a stage that was not asked for",
            None,
            &[(0x83, 0, "")],
            "stage",
        ),
        ("stage 2", None, &[(0x82, 0, "")], "stage"),
        (
            "another stage's answer",
            None,
            &[TO_TERMS, (0x83, 0, "")],
            "stage",
        ),
        (
            "an unknown method",
            chap(SECRET, None),
            &[(0x00, 0, "AuthMethod=KRB5")],
            "KRB5",
        ),
        (
            "no challenge",
            chap(SECRET, None),
            &[
                (0x00, 0, "AuthMethod=CHAP"),
                (0x00, 0, "CHAP_I=7\0CHAP_C=0x"),
            ],
            "challenge",
        ),
        (
            "half a byte",
            chap(SECRET, None),
            &[(0x00, 0, "CHAP_I=7\0CHAP_C=0x123")],
            "challenge",
        ),
        (
            "a number that is none",
            chap(SECRET, None),
            &[(0x00, 0, "CHAP_I=256\0CHAP_C=0x12")],
            "challenge",
        ),
        (
            "no proof where one is wanted",
            chap(SECRET, Some(BACK)),
            &[
                (0x00, 0, "AuthMethod=CHAP"),
                (0x00, 0, "CHAP_I=7\0CHAP_C=0x12"),
                TO_TERMS,
            ],
            "prove",
        ),
        (
            "elsewhere, and not where",
            None,
            &[(0x00, 0x0101, "TargetAddress=somewhere")],
            "elsewhere",
        ),
        ("a failure", None, &[(0x00, 0x0301, "")], "3.1"),
        (
            "another kind of failure",
            None,
            &[(0x00, 0xffff, "")],
            "255.255",
        ),
    ] {
        let error = told(chap, answers)
            .err()
            .unwrap_or_else(|| panic!("{what}: no error"));
        assert!(error.details().contains(why), "{what}: {error}");
    }
}

#[test]
fn a_target_may_send_elsewhere() {
    for (text, expected) in [
        ("TargetAddress=192.0.2.7:3261,1", Some("192.0.2.7:3261")),
        ("TargetAddress=192.0.2.7", Some("192.0.2.7:3260")),
        ("TargetAddress=[fd00::7]:3261", Some("[fd00::7]:3261")),
        ("TargetAddress=[fd00::7]", Some("[fd00::7]:3260")),
        ("TargetAddress=example.org", None),
    ] {
        let to = match told(None, &[(0x00, 0x0101, text)]) {
            Ok(Outcome::Redirected(to)) => Some(to.to_string()),
            _ => None,
        };
        assert_eq!(to.as_deref(), expected, "{text}");
    }
}
