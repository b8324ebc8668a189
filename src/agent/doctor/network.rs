//! The first two steps of an examination: a link, and an address on it, as the kernel has them and as process 1 tells of them.

use crate::agent::doctor::findings::{State, Step, Trouble};
use crate::drivers::Faults;
use crate::drivers::nics_and_disk_controllers::Purpose;
use crate::init::network_report::Board;
use crate::net::address::configure;
use crate::net::link::links::{self, Link};
use crate::system_root::SystemRoot;

fn wrong(step: Step, why: String, remedy: &str) -> State {
    State::Wrong(Trouble {
        step,
        why,
        remedy: remedy.to_owned(),
    })
}

/// `check the cable; check that …`
fn to_check(what: &[&str]) -> String {
    format!("check {}", what.join("; check "))
}

/// Links that may lead somewhere, and what is wrong with all of them.
pub fn link(host: &SystemRoot) -> State {
    let links = match links::list() {
        Ok(links) => links,
        Err(error) => return wrong(Step::Link, error.to_string(), "start the machine anew"),
    };
    let faults = Faults::look(host, Purpose::Network);
    let own: Vec<_> = links.iter().filter(|link| leads_out(link)).collect();
    let (with, without): (Vec<_>, Vec<_>) = own.iter().partition(|link| link.carrier);
    let named = |link: &&&Link| format!("{} ({})", link.name, link.mac);
    let lacking: Vec<_> = without.iter().map(named).collect();
    if with.is_empty() {
        let board = Board::read(host);
        let mut why = board.states();
        if why.is_empty() {
            why = match own.is_empty() {
                true => vec!["the kernel shows no network card".to_owned()],
                false => vec![format!("no carrier on {}", lacking.join(", "))],
            };
        }
        why.extend(faults.lines());
        let mut checks = board.checks(&faults);
        if checks.is_empty() {
            checks = vec![match own.is_empty() {
                true => "that the machine has a card, and that its firmware shows it",
                false => "the cable, and that the switch port is enabled",
            }];
        }
        return wrong(Step::Link, why.join("; "), &to_check(&checks));
    }
    let mut fact: String = with.iter().map(named).collect::<Vec<_>>().join(", ");
    if !lacking.is_empty() {
        fact += &format!("; no carrier on {}", lacking.join(", "));
    }
    State::Fine(fact)
}

/// Not the loopback, and no part of something else; virtual links where somebody else made them.
fn leads_out(link: &Link) -> bool {
    link.name != "lo" && link.up && !link.gone || link.card || link.made
}

/// Addresses that reach beyond their link, and whom they are from.
pub fn address(host: &SystemRoot) -> State {
    let (links, assigned) = match links::list().and_then(|links| Ok((links, configure::list()?))) {
        Ok(both) => both,
        Err(error) => return wrong(Step::Dhcp, error.to_string(), "start the machine anew"),
    };
    let on = |index: u32| links.iter().find(|link| link.index == index);
    let usable = assigned.iter().filter(|assigned| assigned.usable);
    let usable = usable.filter_map(|assigned| {
        let link = on(assigned.link).filter(|link| link.carrier)?;
        let address = assigned.address;
        Some(format!(
            "{}/{} on {}",
            address.ip, address.prefix, link.name
        ))
    });
    let usable: Vec<_> = usable.collect();
    if !usable.is_empty() {
        return State::Fine(usable.join(", "));
    }
    let board = Board::read(host);
    let duplicates = assigned.iter().filter(|assigned| assigned.duplicate);
    let mut why = board.states();
    why.extend(
        duplicates
            .map(|assigned| format!("somebody else on the network has {}", assigned.address.ip)),
    );
    if why.is_empty() {
        why.push("no card has an address".to_owned());
    }
    let mut checks = board.checks(&Faults::default());
    if checks.is_empty() {
        checks.push("that a DHCP server answers there; or give an address with ip=");
    }
    wrong(Step::Dhcp, why.join("; "), &to_check(&checks))
}
