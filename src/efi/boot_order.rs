//! The firmware's boot entries and the order it tries them in, read and changed.
//!
//! Whatever moment the power fails in, the order that is there leads to entries that are there: what it is
//! to begin with is written before it, and what it leaves out is removed after it.

use std::io::ErrorKind;

use log::{info, warn};

use crate::efi::device_path;
use crate::efi::efivars::{Variables, explained};
use crate::efi::load_option::LoadOption;
use crate::error::{Context, Error, Result};

/// BootOrder and all entries, read once and written at each change.
pub struct BootOrder {
    variables: Variables,
    entries: Vec<Entry>,
    order: Vec<u16>,
}

/// One `Boot####`.
pub struct Entry {
    number: u16,
    /// Of the variable: `Boot` and four hexadecimal digits.
    pub name: String,
    /// Empty for one that cannot be read, as is its path.
    pub label: String,
    /// In words.
    pub path: String,
}

const ORDER: &str = "BootOrder";

impl BootOrder {
    /// As the firmware has it now; an error if efivarfs cannot be read.
    pub fn read(variables: Variables) -> Result<Self> {
        let entries = variables.names().into_iter().filter_map(|name| {
            let digits = name.strip_prefix("Boot").filter(|rest| rest.len() == 4)?;
            let number = u16::from_str_radix(digits, 16).ok()?;
            let option = match variables.read(&name) {
                Ok(bytes) => LoadOption::parse(&bytes.unwrap_or_default()),
                Err(error) => {
                    warn!("boot entries: {error}");
                    None
                }
            };
            let (label, path) = option.map_or_else(Default::default, |option| {
                (option.label, device_path::text(&option.path))
            });
            Some(Entry {
                number,
                name,
                label,
                path,
            })
        });
        let entries = entries.collect();
        let order = variables.read(ORDER)?.unwrap_or_default();
        let order = order
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        Ok(BootOrder {
            order: order.collect(),
            variables,
            entries,
        })
    }

    /// In the order the firmware tries them; those not in the order come last.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Has the firmware try `option` before all else. It takes the place of the entry for a disk with its label; of
    /// several such entries, of the first, and the others go. Images choose their labels: those of the network
    /// and of the firmware's own programs are not to be had.
    pub fn put_first(&mut self, option: &LoadOption) -> Result<()> {
        let label = &option.label;
        let (same, others) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|entry| entry.label == *label && entry.path.contains("HD("));
        self.entries = others;
        let mut same: Vec<Entry> = same;
        let entry = match same.is_empty() {
            false => same.remove(0),
            true => self.new_entry()?,
        };
        let stale = numbers(&same);
        let adding = || format!("adding the boot entry {label}");
        self.write(&entry.name, &option.to_bytes(), &mut same)
            .with_context(adding)?;
        let mut order = vec![entry.number];
        let rest = self.order.iter().copied();
        order.extend(rest.filter(|number| *number != entry.number && !stale[usize::from(*number)]));
        self.write_order(order, &mut same).with_context(adding)?;
        info!(
            "boot entry {} is the first now: {label}, {}",
            entry.name,
            device_path::text(&option.path)
        );
        self.remove(&same)?;
        self.entries.push(Entry {
            label: label.clone(),
            path: device_path::text(&option.path),
            ..entry
        });
        Ok(())
    }

    /// Removes the entries `unwanted` is true of; gives their number. All that can go go, whatever fails.
    pub fn clean(&mut self, unwanted: impl Fn(&Entry) -> bool) -> Result<usize> {
        let (gone, kept) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(unwanted);
        self.entries = kept;
        let gone: Vec<Entry> = gone;
        let gone_numbers = numbers(&gone);
        let order = self.order.iter().copied();
        let order = order.filter(|number| !gone_numbers[usize::from(*number)]);
        let order: Vec<u16> = order.collect();
        // In a full store there may be no room for a shorter order either before something has gone.
        // UEFI 2.10, 3.1.1: a number that leads nowhere is passed over.
        let removed = self.remove(&gone);
        self.write_order(order, &mut Vec::new())?;
        removed.map(|()| gone.len())
    }

    /// With the lowest number that is free.
    fn new_entry(&self) -> Result<Entry> {
        let taken = numbers(&self.entries);
        let number = (0..=u16::MAX).find(|number| !taken[usize::from(*number)]);
        let number =
            number.ok_or_else(|| Error::plain("all boot entries there can be are taken"))?;
        Ok(Entry {
            number,
            name: format!("Boot{number:04X}"),
            label: String::new(),
            path: String::new(),
        })
    }

    fn write_order(&mut self, order: Vec<u16>, spare: &mut Vec<Entry>) -> Result<()> {
        if order == self.order {
            return Ok(());
        }
        let bytes: Vec<u8> = order.iter().copied().flat_map(u16::to_le_bytes).collect();
        match bytes.is_empty() {
            // A variable without data is none.
            true => self.variables.remove(ORDER).map_err(explained),
            false => self.write(ORDER, &bytes, spare),
        }
        .context("writing the boot order")?;
        self.order = order;
        Ok(())
    }

    /// Firmware wears, so what is there already is not written again. What is `spare` goes if it takes up
    /// the room.
    fn write(&self, name: &str, data: &[u8], spare: &mut Vec<Entry>) -> Result<()> {
        if matches!(self.variables.read(name), Ok(Some(own)) if own == data) {
            return Ok(());
        }
        let outcome = match self.variables.write(name, data) {
            Err(error) if error.kind() == ErrorKind::StorageFull && !spare.is_empty() => {
                self.remove(&std::mem::take(spare))?;
                self.variables.write(name, data)
            }
            outcome => outcome,
        };
        outcome.map_err(explained)
    }

    fn remove(&self, gone: &[Entry]) -> Result<()> {
        let mut outcome = Ok(());
        for entry in gone {
            let removed = self.variables.remove(&entry.name).map_err(explained);
            match removed.with_context(|| format!("removing the boot entry {}", entry.name)) {
                Ok(()) => info!(
                    "boot entry {} is removed: {}, {}",
                    entry.name, entry.label, entry.path
                ),
                Err(error) => {
                    warn!("{error}");
                    outcome = outcome.and(Err(error));
                }
            }
        }
        outcome
    }
}

/// Which of all numbers these entries have.
fn numbers(entries: &[Entry]) -> Vec<bool> {
    let mut numbers = vec![false; 1 << u16::BITS];
    for entry in entries {
        numbers[usize::from(entry.number)] = true;
    }
    numbers
}
