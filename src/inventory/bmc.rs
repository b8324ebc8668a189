//! The management controller's addresses, by which Ironic recognises a machine: `bmc_address`, `bmc_v6address`, `bmc_mac`.
//!
//! "IPMI" below is the specification 2.0, revision 1.1. Whom the controller is asked through is ipmi.rs's.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::clock::Deadline;
use crate::inventory::ipmi::{self, Controller};
use crate::system_root::SystemRoot;

/// A controller that hangs costs this much, once in the life of this process.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the controller says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Of the first LAN channel that has one.
    pub ipv4: Option<Ipv4Addr>,
    /// The first active one: got by DHCPv6 or made up by SLAAC, else set by hand.
    pub ipv6: Option<Ipv6Addr>,
    /// Of the first LAN channel that has an address.
    pub mac: Option<String>,
}

/// Somebody who is asked: network function, command, data; what follows a completion code of 0, or nothing.
pub type Ask<'a> = &'a mut dyn FnMut(u8, u8, &[u8]) -> Option<Vec<u8>>;

// IPMI 5.1, table 5-1: network functions. Appendix G: commands.
const APPLICATION: u8 = 0x06;
const GET_CHANNEL_INFO: u8 = 0x42;
const TRANSPORT: u8 = 0x0C;
const GET_LAN_PARAMETERS: u8 = 0x02;

// IPMI 23.2, table 23-4: LAN configuration parameters.
const IP_ADDRESS: u8 = 3;
const MAC_ADDRESS: u8 = 5;
const ADDRESSING_ENABLES: u8 = 51;
const STATIC_ADDRESS: u8 = 56;
const DYNAMIC_ADDRESS: u8 = 59;

/// A question under way: the answer is waited for when everything else is known.
pub enum Question {
    /// This machine has no controller, or none that may be asked.
    NoController,
    /// It answered before.
    Known(Addresses),
    /// A thread asks it.
    Asked {
        /// What it finds.
        answer: Receiver<Addresses>,
        /// How long it has.
        deadline: Deadline,
        /// Is what it finds to be kept?
        is_kept: bool,
    },
}

/// Answers are kept, whatever they were: a controller that hangs hangs a second time as well.
static KNOWN: OnceLock<Addresses> = OnceLock::new();

impl Question {
    /// Asks the machine's controller.
    pub fn ask(host: &SystemRoot) -> Question {
        if let Some(known) = KNOWN.get().filter(|_| host.is_here()) {
            return Question::Known(known.clone());
        }
        let Some(device) = ipmi::device(host) else {
            return Question::NoController;
        };
        let deadline = Deadline::within(PATIENCE);
        let (told, answer) = channel();
        let work = move || {
            let addresses = match Controller::open(&device, deadline) {
                Ok(mut controller) => {
                    find(&mut |function, command, data| controller.ask(function, command, data))
                }
                Err(error) => {
                    log::warn!("opening {}: {error}", device.display());
                    Addresses::default()
                }
            };
            // Nobody listens any more if this came too late.
            let _ = told.send(addresses);
        };
        match thread::Builder::new().name("bmc".into()).spawn(work) {
            Ok(_) => Question::Asked {
                answer,
                deadline,
                is_kept: host.is_here(),
            },
            Err(error) => {
                log::warn!("the BMC is not asked for its addresses: starting a thread: {error}");
                Question::NoController
            }
        }
    }

    /// The answer; none if there is no controller. One that is silent or has no address has none of them.
    pub fn answer(self) -> Option<Addresses> {
        match self {
            Question::NoController => None,
            Question::Known(known) => Some(known),
            Question::Asked {
                answer,
                deadline,
                is_kept,
            } => {
                let told = answer.recv_timeout(deadline.left());
                if told.is_err() || deadline.is_over() {
                    log::warn!(
                        "the BMC took more than {} s to tell its addresses: what it did not tell stays unknown to Ironic",
                        PATIENCE.as_secs()
                    );
                }
                let told = told.unwrap_or_default();
                Some(match is_kept {
                    true => KNOWN.get_or_init(|| told).clone(),
                    false => told,
                })
            }
        }
    }
}

/// What upstream's agent gets out of ipmitool: channels 1 to 11 are those that may lead to a network.
pub fn find(ask: Ask) -> Addresses {
    let mut found = Addresses::default();
    for channel in 1..=11 {
        let is_done = found.ipv4.is_some() && found.mac.is_some();
        if !is_done && is_lan(ask, channel) {
            let address = lan_parameter(ask, channel, IP_ADDRESS, 0).and_then(|data| ipv4(&data));
            let set = address.filter(|address| !address.is_unspecified());
            found.ipv4 = found.ipv4.or(set);
            if found.mac.is_none()
                && address.is_some()
                && (set.is_some() || has_global_ipv6(ask, channel))
            {
                found.mac = lan_parameter(ask, channel, MAC_ADDRESS, 0).and_then(|data| mac(&data));
            }
        }
        if found.ipv6.is_none() {
            found.ipv6 = ipv6(ask, channel);
        }
        if found.ipv6.is_some() && is_done {
            break;
        }
    }
    found
}

/// IPMI 22.24: the medium is the second byte; 4 is Ethernet, 6 another LAN.
fn is_lan(ask: Ask, channel: u8) -> bool {
    let told = ask(APPLICATION, GET_CHANNEL_INFO, &[channel]).unwrap_or_default();
    told.len() == 9 && matches!(told[1] & 0x7F, 4 | 6)
}

/// IPMI 23.2: what follows the parameter's revision.
fn lan_parameter(ask: Ask, channel: u8, parameter: u8, set: u8) -> Option<Vec<u8>> {
    let mut told = ask(TRANSPORT, GET_LAN_PARAMETERS, &[channel, parameter, set, 0])?;
    (!told.is_empty()).then(|| told.split_off(1))
}

fn ipv4(data: &[u8]) -> Option<Ipv4Addr> {
    data.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes))
}

fn mac(data: &[u8]) -> Option<String> {
    let bytes = data.first_chunk::<6>().filter(|bytes| **bytes != [0; 6])?;
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(pairs.join(":"))
}

/// One of a channel's IPv6 addresses.
struct Entry {
    /// Of a static one: bit 7 says that it is in use. Of a dynamic one: bits 0 to 3 say how it was got.
    source: u8,
    address: Ipv6Addr,
    is_active: bool,
}

/// The addresses of a kind; the controller ends the list by an error.
fn ipv6_entries(ask: Ask, channel: u8, parameter: u8) -> Vec<Entry> {
    // Real ones have 15 at most.
    let sets = (0..16).map_while(|set| entry(&lan_parameter(ask, channel, parameter, set)?, set));
    sets.collect()
}

/// IPMI, addenda E7, parameters 56 and 59: number, source, address, length of the prefix, status.
fn entry(data: &[u8], set: u8) -> Option<Entry> {
    let bytes = data.first_chunk::<20>()?;
    let address: [u8; 16] = bytes[2..18].try_into().ok()?;
    (bytes[0] == set).then(|| Entry {
        source: bytes[1],
        address: Ipv6Addr::from(address),
        is_active: bytes[19] & 0x0F == 0,
    })
}

fn ipv6(ask: Ask, channel: u8) -> Option<Ipv6Addr> {
    // 1 is IPv6 alone, 2 both.
    let enables = lan_parameter(ask, channel, ADDRESSING_ENABLES, 0)?;
    if !matches!(enables.first(), Some(1 | 2)) {
        return None;
    }
    let usable = |entry: &Entry| entry.is_active && !entry.address.is_unspecified();
    // 1 is SLAAC, 2 DHCPv6.
    let by_network = |entry: &Entry| usable(entry) && matches!(entry.source & 0x0F, 1 | 2);
    let by_hand = |entry: &Entry| usable(entry) && entry.source & 0x80 != 0;
    let dynamic = ipv6_entries(ask, channel, DYNAMIC_ADDRESS);
    let found = dynamic.into_iter().find(by_network);
    found
        .or_else(|| {
            ipv6_entries(ask, channel, STATIC_ADDRESS)
                .into_iter()
                .find(by_hand)
        })
        .map(|entry| entry.address)
}

/// Upstream tells the MAC of a channel without an IPv4 address if it has a global IPv6 one, or none of that kind at all.
fn has_global_ipv6(ask: Ask, channel: u8) -> bool {
    let mut all = ipv6_entries(ask, channel, STATIC_ADDRESS);
    all.extend(ipv6_entries(ask, channel, DYNAMIC_ADDRESS));
    all.is_empty() || all.iter().any(|entry| is_global(entry.address))
}

/// Neither unset nor link-local; as text, which is how upstream looks at it.
fn is_global(address: Ipv6Addr) -> bool {
    let shown = address.to_string();
    !shown.starts_with("::") && !shown.starts_with("fe80")
}
