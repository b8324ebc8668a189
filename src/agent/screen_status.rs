//! Keeps the status block of the screens up to date with what nobody tells it: addresses, and how far the work is.

use std::thread;
use std::time::Duration;

use log::warn;

use crate::clock::Clock;
use crate::inventory::dmi::{SYSTEM, Tables};
use crate::inventory::interfaces;
use crate::logger::status::{self, Row, set};
use crate::system_root::SystemRoot;
use crate::work_progress::WorkProgress;

/// A card is asked much for its address, and says a new one seldom.
const ADDRESSES: Duration = Duration::from_secs(5);
const PROGRESS: Duration = Duration::from_secs(1);

/// Shows the machine's name at once, and from now on its addresses.
pub fn start(host: &SystemRoot, clock: &Clock) {
    if !host.is_ramdisk() {
        return;
    }
    set(Row::Machine, &machine(host));
    let own = host.clone();
    keep(clock, "status-addresses", ADDRESSES, move || {
        set(Row::Addresses, &addresses(&own));
    });
}

/// Shows from now on how far this work is.
pub fn follow(host: &SystemRoot, progress: WorkProgress, clock: &Clock) {
    status::work(progress.clone());
    if !host.is_ramdisk() {
        return;
    }
    keep(clock, "status-progress", PROGRESS, move || {
        let text = progress.read().map(|reading| reading.to_string());
        set(Row::Progress, &text.unwrap_or_default());
    });
}

fn keep(clock: &Clock, name: &str, every: Duration, mut work: impl FnMut() + Send + 'static) {
    let clock = clock.clone();
    let body = move || {
        loop {
            work();
            clock.sleep(every);
        }
    };
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(body) {
        warn!("the screen will not tell everything: no thread for {name}: {error}");
    }
}

/// SMBIOS 7.2: manufacturer 04h, product 05h, serial number 07h.
fn machine(host: &SystemRoot) -> String {
    let tables = Tables::read(host);
    let Some(system) = tables.first(SYSTEM) else {
        return String::new();
    };
    let told = [0x04, 0x05, 0x07].map(|at| system.text(at));
    told.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Cards without a cable last.
fn addresses(host: &SystemRoot) -> String {
    let cards = interfaces(host);
    let (with, without): (Vec<_>, Vec<_>) = cards.iter().partition(|card| card.carrier);
    let told = with.into_iter().chain(without).map(|card| {
        let own: Vec<_> = card
            .ipv4
            .iter()
            .chain(&card.ipv6)
            .map(String::as_str)
            .collect();
        match (card.carrier, own.is_empty()) {
            (_, false) => format!("{} {}", card.name, own.join(" ")),
            (true, true) => format!("{} {} no address yet", card.name, card.mac),
            (false, true) => format!("{} {} no carrier", card.name, card.mac),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}
