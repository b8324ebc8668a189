//! Rows of dmidecode's output, as upstream's agent reads them, and the ways several of them show a number. Pure.

use crate::codec::json::{Object, Value, text};
use crate::inventory::dmi::Structure;

/// What dmidecode says of a value that the standard does not know.
pub const OUT_OF_SPEC: &str = "<OUT OF SPEC>";

/// The rows of one structure so far.
#[derive(Default)]
pub struct Rows(Object);

impl Rows {
    /// `name: value`. Upstream takes a blank value for the head of a list that is empty.
    pub fn text(&mut self, name: &str, value: impl AsRef<str>) {
        let value = value.as_ref().trim();
        let value = match value.is_empty() {
            true => Value::Array(Default::default()),
            false => text(value),
        };
        self.0.insert(name.to_owned(), value);
    }

    /// `name:` and an item a line.
    pub fn list<'a>(&mut self, name: &str, items: impl IntoIterator<Item = &'a str>) {
        let items = items.into_iter().map(text).collect();
        self.0.insert(name.to_owned(), Value::Array(items));
    }

    /// The texts of a structure, by name and place.
    pub fn texts(&mut self, one: &Structure, places: &[(&str, usize)]) {
        for (name, at) in places {
            self.text(name, shown_text(one, *at));
        }
    }

    /// Done.
    pub fn into_object(self) -> Object {
        self.0
    }
}

/// The text whose number stands at `at`, as dmidecode shows it: unreadable bytes as dots.
pub fn shown_text(one: &Structure, at: usize) -> String {
    if one.byte(at) == Some(0) {
        return "Not Specified".to_owned();
    }
    let dotted = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    match one.raw_text(at) {
        Some(bytes) => bytes.iter().map(dotted).collect(),
        None => "<BAD INDEX>".to_owned(),
    }
}

/// The name of `code` among `names`, which are divided by bars and begin with that of `first`.
pub fn name(names: &'static str, first: u8, code: u8) -> &'static str {
    let number = code.checked_sub(first).map(usize::from);
    number
        .and_then(|number| names.split('|').nth(number))
        .unwrap_or(OUT_OF_SPEC)
}

/// The names of the bits that are set in `code`; those begin with bit `first`. An empty name is of no bit.
pub fn bits(names: &'static str, first: u32, code: u32) -> impl Iterator<Item = &'static str> {
    let set = move |bit: u32| code.checked_shr(bit).is_some_and(|rest| rest & 1 == 1);
    (first..)
        .zip(names.split('|'))
        .filter(move |(bit, name)| set(*bit) && !name.is_empty())
        .map(|(_, name)| name)
}

/// The same in one line; `None` if there are none.
pub fn bits_in_line(names: &'static str, first: u32, code: u32) -> String {
    let set: Vec<_> = bits(names, first, code).collect();
    match set.is_empty() {
        true => "None".to_owned(),
        false => set.join(" "),
    }
}

/// An amount of memory, given in bytes (`unit` 0) or KiB (1): in the largest unit, or the one below if that has a share.
pub fn size(amount: u64, unit: usize) -> String {
    const UNITS: [&str; 8] = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB", "ZB"];
    let part = |place: usize| amount >> (10 * place) & 0x3FF;
    let highest = (1..7).rev().find(|place| part(*place) != 0).unwrap_or(0);
    let (place, shown) = match highest {
        1.. if part(highest - 1) != 0 => (highest - 1, part(highest - 1) + (part(highest) << 10)),
        _ => (highest, part(highest)),
    };
    format!("{shown} {}", UNITS[(place + unit).min(7)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_the_largest_unit_that_is_exact_to_a_thousandth() {
        for (amount, unit, shown) in [
            (0, 1, "0 kB"),
            (1023, 0, "1023 bytes"),
            (1024, 0, "1 kB"),
            (1536, 1, "1536 kB"),
            (16 << 20, 1, "16 GB"),
            ((1 << 30) + 1, 0, "1 GB"),
            (u64::MAX, 1, "16383 EB"),
        ] {
            assert_eq!(size(amount, unit), shown, "{amount} {unit}");
        }
    }

    #[test]
    fn names_and_bits_begin_where_their_table_does() {
        assert_eq!(name("a|b", 1, 2), "b");
        for code in [0, 3] {
            assert_eq!(name("a|b", 1, code), OUT_OF_SPEC, "{code}");
        }
        assert_eq!(bits_in_line("a||c", 1, 0b1110), "a c");
        assert_eq!(bits_in_line("a|b", 1, 0b1001), "None");
    }
}
