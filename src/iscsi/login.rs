//! The login phase of iSCSI (RFC 7143, 6 and 11.12): who is who, then on what terms, by texts that go to and fro. Pure: who carries them
//! is told.

use std::net::SocketAddr;

use crate::disk::ibft::BootDisk;
use crate::error::{Error, Result};
use crate::iscsi::secrets;
use crate::iscsi::terms::{Agreed, OFFER};
use crate::sys::kernel;

/// A basic header segment.
pub type Head = [u8; 48];

/// Takes a request to the target, header and text, and brings what it says.
pub type Carrier<'a> = dyn FnMut(&Head, &[u8]) -> Result<(Head, Vec<u8>)> + 'a;

/// RFC 7143, 11.12.3
const SECURITY: u8 = 0;
const OPERATIONAL: u8 = 1;
const FULL_FEATURE: u8 = 3;
const TRANSIT: u8 = 0x80;
const CONTINUE: u8 = 0x40;
/// A target that has more to say than this does not want an agreement.
const ROUNDS: usize = 16;
const LONGEST_TEXT: usize = 64 << 10;

/// Who asks for what.
pub struct Asking<'a> {
    /// The disk.
    pub disk: &'a BootDisk,
    /// The initiator's part of the session's name.
    pub isid: [u8; 6],
}

/// How a login ended that did not fail.
pub enum Outcome {
    /// On these terms.
    Agreed(Agreed),
    /// With word to ask there.
    Redirected(SocketAddr),
}

/// Logs in.
pub fn login(asking: &Asking, carrier: &mut Carrier) -> Result<Outcome> {
    let mut talk = Talk {
        asking,
        carrier,
        tsih: [0; 2],
        expected: 0,
    };
    let mut stage = match talk.security()? {
        Said::Redirected(to) => return Ok(Outcome::Redirected(to)),
        Said::Went(stage) => stage,
    };
    let mut agreed = Agreed::default();
    let mut text = OFFER;
    for _ in 0..ROUNDS {
        if stage == FULL_FEATURE {
            agreed.exp_statsn = talk.expected;
            return Ok(Outcome::Agreed(agreed));
        }
        let (next, said) = talk.say(OPERATIONAL, FULL_FEATURE, text)?;
        if let Some(to) = said.redirected {
            return Ok(Outcome::Redirected(to));
        }
        stage = next;
        text = "";
        for (key, value) in pairs(&said.text) {
            agreed.learn(key, value)?;
        }
    }
    Err(Error::plain("its target does not come to an agreement"))
}

/// A talk with a target.
struct Talk<'a, 'b> {
    asking: &'a Asking<'a>,
    carrier: &'a mut Carrier<'b>,
    tsih: [u8; 2],
    /// The number of its next word.
    expected: u32,
}

/// Where the security stage led.
enum Said {
    Went(u8),
    Redirected(SocketAddr),
}

/// What a target said in one turn.
struct Turn {
    text: Vec<u8>,
    redirected: Option<SocketAddr>,
}

impl Talk<'_, '_> {
    /// Until both know who the other is; the stage the target goes on with.
    fn security(&mut self) -> Result<Said> {
        let disk = self.asking.disk;
        let methods = match &disk.chap {
            None => "None",
            // Who wants the target's proof does not do without.
            Some(chap) if chap.back.is_some() => "CHAP",
            Some(_) => "CHAP,None",
        };
        let names = format!(
            "InitiatorName={}\0TargetName={}\0SessionType=Normal\0AuthMethod={methods}\0",
            disk.initiator, disk.target
        );
        let after = if disk.chap.is_some() {
            SECURITY
        } else {
            OPERATIONAL
        };
        let (mut stage, mut said) = self.say(SECURITY, after, &names)?;
        let mut challenge = None;
        for _ in 0..ROUNDS {
            if let Some(to) = said.redirected {
                return Ok(Said::Redirected(to));
            }
            let get = |wanted: &str| {
                pairs(&said.text)
                    .find(|(key, _)| *key == wanted)
                    .map(|(_, value)| value)
            };
            if stage != SECURITY {
                self.proven(challenge.as_deref(), &get)?;
                return Ok(Said::Went(stage));
            }
            let answer = match (&disk.chap, get("AuthMethod"), get("CHAP_C")) {
                (Some(_), Some("CHAP"), _) => format!("CHAP_A={}\0", secrets::MD5),
                (Some(chap), _, Some(given)) => {
                    let id = get("CHAP_I").and_then(|id| id.parse().ok());
                    let (id, given) = id
                        .zip(secrets::read(given))
                        .ok_or_else(|| odd("a challenge that is none"))?;
                    let proof = secrets::response(id, &chap.secret, &given);
                    let mut answer = format!("CHAP_N={}\0CHAP_R={proof}\0", chap.user);
                    if chap.back.is_some() {
                        let mut own = vec![0; 16];
                        kernel::random(&mut own)?;
                        if own == given {
                            return Err(odd("the challenge that it was to answer"));
                        }
                        answer += &format!("CHAP_I=1\0CHAP_C={}\0", secrets::written(&own));
                        challenge = Some(own);
                    }
                    answer
                }
                (None, Some("CHAP"), _) => {
                    return Err(odd(
                        "that it wants CHAP, for which the firmware names no secret",
                    ));
                }
                (_, Some(method), _) if method != "None" => {
                    return Err(odd(&format!("AuthMethod={:.40}", method.escape_debug())));
                }
                _ => String::new(),
            };
            // What opens the talk about CHAP is no end of the stage.
            let after = if answer.starts_with("CHAP_A") {
                SECURITY
            } else {
                OPERATIONAL
            };
            (stage, said) = self.say(SECURITY, after, &answer)?;
        }
        Err(Error::plain(
            "its target does not come to an end of the login",
        ))
    }

    /// Did the target prove itself, if that was asked for?
    fn proven<'t>(
        &self,
        challenge: Option<&[u8]>,
        get: &dyn Fn(&str) -> Option<&'t str>,
    ) -> Result<()> {
        let Some((name, secret)) = self
            .asking
            .disk
            .chap
            .as_ref()
            .and_then(|chap| chap.back.as_ref())
        else {
            return Ok(());
        };
        let proof = challenge.map(|challenge| secrets::response(1, secret, challenge));
        let given = get("CHAP_R")
            .and_then(secrets::read)
            .map(|bytes| secrets::written(&bytes));
        match proof.is_some() && proof == given && get("CHAP_N") == Some(name) {
            true => Ok(()),
            false => Err(Error::plain(
                "its target does not prove that it is the one the firmware knows (mutual CHAP)",
            )),
        }
    }

    /// One request and all that is answered: the stage from there on. To go on from `stage` to `after` is asked for if they differ.
    fn say(&mut self, stage: u8, after: u8, text: &str) -> Result<(u8, Turn)> {
        let mut flags = stage << 2 | if after == stage { 0 } else { TRANSIT | after };
        let (mut sent, mut heard) = (text, Vec::new());
        for _ in 0..ROUNDS {
            let request = self.head(flags, sent);
            let (head, text) = (self.carrier)(&request, sent.as_bytes())?;
            if head[0] & 0x3f != 0x23 {
                return Err(odd(&format!("a PDU of kind {:#x}", head[0] & 0x3f)));
            }
            heard.extend(text);
            let redirected = judged(&head, &heard)?;
            self.tsih.copy_from_slice(&head[14..16]);
            let number = u32::from_be_bytes([head[24], head[25], head[26], head[27]]);
            self.expected = number.wrapping_add(1);
            if heard.len() > LONGEST_TEXT {
                return Err(odd("more than a login has to say"));
            }
            if head[1] & CONTINUE != 0 {
                (sent, flags) = ("", stage << 2);
                continue;
            }
            let (now, next) = (head[1] >> 2 & 3, head[1] & 3);
            let stage = match head[1] & TRANSIT {
                0 => stage,
                _ if now == stage && next > stage && next <= after && next != 2 => next,
                _ => return Err(odd("that it is in another stage")),
            };
            return Ok((
                stage,
                Turn {
                    text: heard,
                    redirected,
                },
            ));
        }
        Err(odd("more than a login has to say"))
    }

    fn head(&self, flags: u8, text: &str) -> Head {
        let mut head = [0; 48];
        // A login request, which is always immediate.
        head[0] = 0x43;
        head[1] = flags;
        // A text is short: its length fits in three bytes.
        head[5..8].copy_from_slice(&(text.len() as u32).to_be_bytes()[1..]);
        head[8..14].copy_from_slice(&self.asking.isid);
        head[14..16].copy_from_slice(&self.tsih);
        // The task's tag; the numbers of commands are who carries it's.
        head[27] = 1;
        head[28..32].copy_from_slice(&self.expected.to_be_bytes());
        head
    }
}

/// What the status says: where to ask instead, or why not.
fn judged(head: &Head, text: &[u8]) -> Result<Option<SocketAddr>> {
    let why = match (head[36], head[37]) {
        (0, _) => return Ok(None),
        (1, _) => {
            let to = pairs(text).find(|(key, _)| *key == "TargetAddress");
            let to = to.and_then(|(_, address)| portal(address));
            return to
                .map(Some)
                .ok_or_else(|| odd("to ask elsewhere, and not where"));
        }
        (2, 1) => {
            "it does not accept who asks: the CHAP name or secret of the firmware's table is not what it knows"
        }
        (2, 2) => "this initiator may not use it",
        (2, 3) => "it knows no such target",
        (2, 4) => "the target was taken away",
        (2, _) => "it finds fault with the login",
        (3, 1) => "it is not there at the moment",
        (3, 2) => "it has no room for another session",
        _ => "it failed",
    };
    Err(Error::plain(format!(
        "its target refuses ({}.{}): {why}",
        head[36], head[37]
    )))
}

fn odd(what: &str) -> Error {
    Error::plain(format!("its target says {what}"))
}

/// The pairs of a text; what is none is left out.
fn pairs(text: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let parts = text.split(|byte| *byte == 0);
    parts.filter_map(|part| std::str::from_utf8(part).ok()?.split_once('='))
}

/// An address as a target writes it: with its port or without, IPv6 in brackets.
fn portal(text: &str) -> Option<SocketAddr> {
    let text = text.split(',').next()?;
    let with_port = |text: &str| text.parse::<SocketAddr>().ok();
    with_port(text).or_else(|| with_port(&format!("{text}:3260")))
}
