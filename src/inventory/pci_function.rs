//! Functions on the PCI bus: their addresses, what is above them, and what their configuration space says of slots.

use std::fs;
use std::path::Path;

use crate::small_sort;
use crate::system_root::{SystemRoot, attribute, link_name, names, read_bytes};

/// Domain, bus, device and function: `0000:3b:00.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// More than 16 bits behind Intel's VMD.
    pub domain: u32,
    /// 0 to 255.
    pub bus: u8,
    /// 0 to 31.
    pub device: u8,
    /// 0 to 7.
    pub function: u8,
}

impl Address {
    /// As the kernel writes it.
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split([':', '.']);
        let mut next = || u32::from_str_radix(parts.next()?, 16).ok();
        let (domain, bus, device, function) = (next()?, next()?, next()?, next()?);
        let is_whole = parts.next().is_none() && name.matches('.').count() == 1;
        (is_whole && device < 32 && function < 8).then_some(Address {
            domain,
            bus: bus.try_into().ok()?,
            device: device as u8,
            function: function as u8,
        })
    }
}

/// One function.
pub struct Function {
    /// Where it is.
    pub address: Address,
    /// `index` of firmware that numbers what is on its board (ACPI _DSM).
    pub firmware_index: Option<u32>,
    /// Of a virtual one: whose it is, and its number.
    pub physical: Option<(Address, u32)>,
    class: u32,
    above: Option<Address>,
    config: Vec<u8>,
}

/// All of them, by address.
pub struct Functions(Vec<Function>);

impl Functions {
    /// Those of the machine.
    pub fn read(host: &SystemRoot) -> Self {
        let all = host.sys("bus/pci/devices");
        let found = names(&all).into_iter();
        let mut functions: Vec<_> = found
            .filter_map(|name| Function::read(&all, &name))
            .collect();
        small_sort::by(&mut functions, |one, other| one.address < other.address);
        Functions(functions)
    }

    /// In the order of their addresses.
    pub fn all(&self) -> impl Iterator<Item = &Function> {
        self.0.iter()
    }

    /// The one there.
    pub fn get(&self, address: Address) -> Option<&Function> {
        let place = self.0.binary_search_by_key(&address, |one| one.address);
        place.ok().map(|place| &self.0[place])
    }

    /// The function itself, and the bridges above it, the nearest first.
    pub fn above<'a>(&'a self, function: &'a Function) -> Vec<&'a Function> {
        // PCI has 256 buses, and none is above itself.
        let next = |one: &&'a Function| self.get(one.above?);
        std::iter::successors(Some(function), next)
            .take(256)
            .collect()
    }
}

impl Function {
    fn read(all: &Path, name: &str) -> Option<Self> {
        let address = Address::parse(name)?;
        let directory = all.join(name);
        let target = fs::read_link(&directory).unwrap_or_default();
        let above = target
            .parent()
            .and_then(Path::file_name)
            .and_then(|name| name.to_str());
        let hex = |name: &str| {
            let told = attribute(directory.join(name))?;
            u32::from_str_radix(told.strip_prefix("0x")?, 16).ok()
        };
        let physical = link_name(directory.join("physfn")).and_then(|physical| {
            let links = all.join(&physical);
            let is_own = |link: &String| link_name(links.join(link)).as_deref() == Some(name);
            let own = names(&links)
                .into_iter()
                .filter(|link| link.starts_with("virtfn"))
                .find(is_own)?;
            Some((
                Address::parse(&physical)?,
                own.strip_prefix("virtfn")?.parse().ok()?,
            ))
        });
        Some(Function {
            address,
            firmware_index: attribute(directory.join("index")).and_then(|index| index.parse().ok()),
            physical,
            class: hex("class").unwrap_or(0),
            above: above.and_then(Address::parse),
            // The registers of PCI 2; those of PCI Express behind them say nothing of slots.
            config: read_bytes(directory.join("config"), 256)
                .ok()
                .flatten()
                .unwrap_or_default(),
        })
    }

    /// A network controller.
    pub fn is_network(&self) -> bool {
        self.class >> 16 == 2
    }

    /// A port of the root complex.
    pub fn is_root_port(&self) -> bool {
        // PCI Express 7.5.3.2: bits 4 to 7 of the capabilities.
        self.express()
            .is_some_and(|at| self.word(at + 2) >> 4 & 0xF == 4)
    }

    /// Of a port that leads to a slot with a number: that.
    pub fn slot_number(&self) -> Option<u32> {
        // PCI Express 7.5.3.2: bit 8 says that there is a slot; 7.5.3.9: its number is in the highest bits.
        let at = self
            .express()
            .filter(|at| self.word(at + 2) & 1 << 8 != 0)?;
        let number = u32::from(self.word(at + 0x16)) >> 3;
        (number != 0).then_some(number)
    }

    fn byte(&self, at: usize) -> u8 {
        self.config.get(at).copied().unwrap_or(0)
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.byte(at), self.byte(at + 1)])
    }

    /// Where the PCI Express capability is.
    fn express(&self) -> Option<usize> {
        const EXPRESS: u8 = 0x10;
        // PCI 6.2.3: bit 4 of the status says that there is a list; 6.7: it begins at 34h and ends with a zero.
        let next = |at: &u8| Some(self.byte(usize::from(*at) + 1) & 0xFC);
        let first = (self.word(0x06) & 1 << 4 != 0).then(|| self.byte(0x34) & 0xFC);
        let list = std::iter::successors(first, next)
            .take(48)
            .take_while(|at| *at >= 0x40);
        list.map(usize::from).find(|at| self.byte(*at) == EXPRESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let address = |domain, bus, device, function| {
            Some(Address {
                domain,
                bus,
                device,
                function,
            })
        };
        for (name, expected) in [
            ("0000:3b:00.1", address(0, 0x3B, 0, 1)),
            ("10000:e1:1f.7", address(0x10000, 0xE1, 0x1F, 7)),
            ("0000:3b:00", None),
            ("0000:3b:20.0", None),
            ("0000:3b:00.8", None),
            ("0000:3b:00.0.0", None),
            ("0000:1ff:00.0", None),
            ("virtio0", None),
            ("1-1:1.0", None),
            ("", None),
        ] {
            assert_eq!(Address::parse(name), expected, "{name}");
        }
    }
}
