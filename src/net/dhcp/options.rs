//! The options of a DHCP message, each in one piece whatever it came in: RFC 3396 (several pieces belong together)
//! and RFC 2131 §4.1 (the fields `file` and `sname` may hold options too). Pure.

/// Options by number, in the order they first came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    list: Vec<(u8, Vec<u8>)>,
    /// What could not be read, for people.
    pub faults: Vec<String>,
}

const PAD: u8 = 0;
const END: u8 = 255;
/// RFC 2132 §9.3: bit 0 is `file`, bit 1 is `sname`.
const OVERLOAD: u8 = 52;

impl Options {
    /// Of the three places in which there can be some; the last two count only where the first says so.
    pub fn read(options: &[u8], file: &[u8], sname: &[u8]) -> Options {
        let mut all = Options::default();
        all.add(options);
        let overload = match all.get(OVERLOAD) {
            None => 0,
            Some(&[fields @ 0..=3, ..]) => fields,
            Some(other) => {
                let other = other.to_vec();
                all.faults
                    .push(format!("option 52 (overload) is {other:?}: passed over"));
                0
            }
        };
        for (bit, field) in [(1, file), (2, sname)] {
            if overload & bit != 0 {
                all.add(field);
            }
        }
        all
    }

    /// The data of one option, whole.
    pub fn get(&self, number: u8) -> Option<&[u8]> {
        let (_, data) = self.list.iter().find(|(other, _)| *other == number)?;
        Some(data)
    }

    fn add(&mut self, mut field: &[u8]) {
        while let Some((&number, rest)) = field.split_first() {
            field = rest;
            match number {
                PAD => continue,
                END => return,
                _ => {}
            }
            let whole = rest.split_first();
            let Some((data, after)) =
                whole.and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))
            else {
                self.faults
                    .push(format!("option {number} is cut short: passed over"));
                return;
            };
            field = after;
            match self.list.iter_mut().find(|(other, _)| *other == number) {
                Some((_, first)) => first.extend(data),
                None => self.list.push((number, data.to_vec())),
            }
        }
    }
}

/// One option as it stands in a message; `data` has at most 255 bytes.
pub fn put(message: &mut Vec<u8>, number: u8, data: &[u8]) {
    message.extend([number, data.len() as u8]);
    message.extend(data);
}

/// After the last option.
pub fn end(message: &mut Vec<u8>) {
    message.push(END);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_belong_together_wherever_they_stand() {
        let read = |options: &[u8]| {
            Options::read(options, &[6, 1, b'f', 255, 6, 1, b'x'], &[6, 1, b's', 0])
        };
        for (overload, data) in [
            (None, &b"12"[..]),
            (Some(0), b"12"),
            (Some(1), b"12f"),
            (Some(2), b"12s"),
            (Some(3), b"12fs"),
        ] {
            let mut options = vec![6, 1, b'1', 0, 0, 6, 1, b'2'];
            options.extend(overload.into_iter().flat_map(|fields| [52, 1, fields]));
            options.push(END);
            options.extend([6, 1, b'y']);
            let all = read(&options);
            assert_eq!(all.get(6), Some(data), "{overload:?}");
            assert!(all.faults.is_empty());
        }
        // Longer than any piece can be.
        let mut long = Vec::new();
        put(&mut long, 121, &[1; 255]);
        put(&mut long, 3, &[2; 4]);
        put(&mut long, 121, &[3; 60]);
        let all = read(&long);
        assert_eq!(all.get(121).map(<[u8]>::len), Some(315));
        assert_eq!(all.get(3), Some(&[2; 4][..]));
    }

    #[test]
    fn what_is_broken_costs_itself_alone() {
        for (options, kept, fault) in [
            (&[1, 1, 7, 6, 9, 1][..], Some(7), "option 6 is cut short"),
            (&[1, 1, 7, 6], Some(7), "option 6 is cut short"),
            (&[6, 200, 1, 1, 7], None, "option 6 is cut short"),
            (
                &[1, 1, 7, 52, 1, 4, 255],
                Some(7),
                "option 52 (overload) is [4]",
            ),
            (
                &[1, 1, 7, 52, 0, 255],
                Some(7),
                "option 52 (overload) is []",
            ),
        ] {
            let all = Options::read(options, &[1, 1, 8], &[1, 1, 9]);
            let kept: Option<Vec<u8>> = kept.map(|kept| vec![kept]);
            assert_eq!(all.get(1).map(<[u8]>::to_vec), kept, "{options:?}");
            assert!(
                all.faults.iter().any(|told| told.contains(fault)),
                "{:?}",
                all.faults
            );
        }
        let cut = Options::read(&[52, 1, 1], &[53, 1, 2, 6, 200], &[]);
        assert_eq!(
            (cut.get(53), cut.faults.len()),
            (Some(&[2][..]), 1),
            "in a field"
        );
    }
}
