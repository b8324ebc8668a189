//! Listens for LLDP on all links at once, within one time for all of them together.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::net::link::links::{self, Link, Mac};
use crate::net::lldp::frame::{ETHERTYPE, Frame, GROUPS, Tlv};
use crate::small_sort;
use crate::sys::ethernet_frames::Frames;
use crate::sys::socket::readable_each;

/// Links listened to. Ironic's hook looks at no more interfaces.
pub const MOST: usize = 64;
/// A link that has no carrier after so long is not waited for.
const CABLE: Duration = Duration::from_secs(5);
/// How often to look for cables.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Longer than any Ethernet frame without a jumbo's size; what is cut loses TLVs at its end.
const FRAME: usize = 1600;
/// Frames of one link read in one go: a flood there must not keep the others waiting.
const AT_ONCE: usize = 16;

/// What the neighbour at each link said, by the link's name; nothing where nobody did.
pub type Neighbours = Vec<(String, Vec<Tlv>)>;

/// One link, and the best that was heard there.
struct Ear {
    link: Link,
    frames: Frames,
    best: Option<Frame>,
}

/// What the neighbours at `interfaces` say. Ends when each that has a cable has heard a switch, and after `timeout` in any
/// case, with what there is then: a host that speaks counts where no switch does. Links that are not there are left out,
/// and so are those after the first 64, with those first that have a carrier. An error when no link can be listened to.
pub fn listen(clock: &Clock, interfaces: &[String], timeout: Duration) -> Result<Neighbours> {
    let (began, links) = (clock.elapsed(), links::list()?);
    // A firmware's own agent, and another card of ours on the same switch that repeats everything.
    let own: Vec<Mac> = links.iter().map(|link| link.mac).collect();
    let (mut ears, mut refused) = (Vec::new(), None);
    for link in chosen(links, interfaces) {
        match Frames::open(link.index, ETHERTYPE, &GROUPS) {
            Ok(frames) => ears.push(Ear {
                link,
                frames,
                best: None,
            }),
            Err(error) => {
                log::warn!("LLDP: listening on {}: {error}", link.name);
                refused = Some(error);
            }
        }
    }
    if let (true, Some(error)) = (ears.is_empty(), refused) {
        return Err(Error::from(error)).context("listening for LLDP");
    }
    loop {
        let spent = clock.elapsed().saturating_sub(began);
        let left = timeout.saturating_sub(spent);
        let mut waiting: Vec<&mut Ear> = ears.iter_mut().filter(|ear| ear.waits()).collect();
        if spent >= CABLE {
            look_at_cables(&mut waiting);
        }
        let awaited = |ear: &&mut Ear| spent < CABLE || ear.link.carrier;
        if left.is_zero() || !waiting.iter().any(awaited) {
            break;
        }
        let files: Vec<_> = waiting.iter().map(|ear| ear.frames.as_fd()).collect();
        let heard = readable_each(&files, left.min(LOOK_AGAIN)).context("listening for LLDP")?;
        for (ear, _) in waiting.iter_mut().zip(heard).filter(|(_, heard)| *heard) {
            ear.hear(&own);
        }
    }
    Ok(ears.into_iter().map(Ear::told).collect())
}

fn chosen(links: Vec<Link>, interfaces: &[String]) -> Vec<Link> {
    let place = |link: &Link| interfaces.iter().position(|name| *name == link.name);
    let mut chosen: Vec<Link> = links.into_iter().filter(|l| place(l).is_some()).collect();
    small_sort::by_key(&mut chosen, |link| (!link.carrier, place(link)));
    if chosen.len() > MOST {
        log::warn!(
            "LLDP: only {MOST} of {} links are listened to",
            chosen.len()
        );
        chosen.truncate(MOST);
    }
    small_sort::by_key(&mut chosen, place);
    chosen
}

/// A list that cannot be had changes nothing.
fn look_at_cables(ears: &mut [&mut Ear]) {
    let links = links::list().unwrap_or_default();
    for ear in ears {
        if let Some(link) = links.iter().find(|link| link.index == ear.link.index) {
            ear.link.carrier = link.carrier;
        }
    }
}

impl Ear {
    /// For a switch: hosts may speak on the same wire.
    fn waits(&self) -> bool {
        !self.best.as_ref().is_some_and(sure)
    }

    fn hear(&mut self, own: &[Mac]) {
        let mut buffer = [0; FRAME];
        for _ in 0..AT_ONCE {
            let frame = match self.frames.receive(&mut buffer) {
                // IEEE 802.1AB-2016 §7.1: the neighbour's have no tag. One of a VLAN may come from anywhere in it.
                Ok((bytes, elsewhere)) => Frame::read(bytes).map(|frame| Frame {
                    nearest: frame.nearest && !elsewhere,
                    ..frame
                }),
                // Nothing more, or the link went down.
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        log::debug!("LLDP: {}: {error}", self.link.name);
                    }
                    return;
                }
            };
            match frame.filter(|frame| !own.contains(&frame.from)) {
                Some(frame) if self.best.is_none() || sure(&frame) => self.best = Some(frame),
                _ => {}
            }
            if !self.waits() {
                return;
            }
        }
    }

    fn told(self) -> (String, Vec<Tlv>) {
        let name = self.link.name;
        match &self.best {
            Some(frame) => log::info!("LLDP: {name} has the neighbour {}", frame.from),
            None => log::info!("LLDP: {name} heard no neighbour"),
        }
        (name, self.best.map(|frame| frame.tlvs).unwrap_or_default())
    }
}

/// Is this the neighbour and all it says, so that nothing better can come? Only what no bridge forwards is the
/// neighbour's for certain.
fn sure(frame: &Frame) -> bool {
    frame.nearest && frame.is_whole() && frame.is_of_switch()
}
