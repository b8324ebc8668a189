//! The one file in a tar archive, read as it comes: ustar, pax and GNU headers, and GNU's old way with holes.
//!
//! Numbers without another source are those of POSIX.1-2017, pax, "ustar Interchange Format"; GNU's are tar.h of GNU tar.

use std::io::{self, Read};

use crate::codec::packed_units::invalid;

const RECORD: usize = 512;
/// Of a pax header or a long name.
const LONGEST: u64 = 64 << 10;
/// Parts between holes: those of the largest map are 4 MiB.
const MOST: usize = 256 << 10;

/// Reads the file. Directories beside it are passed over; another file, a link or a device, or no file at all is an error at the end.
pub struct Member<R> {
    archive: R,
    state: State,
    /// What a pax header says of the next file.
    size: Option<u64>,
}

enum State {
    /// Of the file were `seen` bytes given; one was there already.
    Between {
        seen: bool,
    },
    /// A file of `size` bytes, `at` of them given; `parts` are where there are no holes, from `part` on, `left` bytes in the archive.
    Within {
        parts: Vec<(u64, u64)>,
        part: usize,
        at: u64,
        size: u64,
        padding: u64,
    },
    Ended,
}

impl<R: Read> Member<R> {
    /// Nothing is read yet.
    pub fn new(archive: R) -> Self {
        Member {
            archive,
            state: State::Between { seen: false },
            size: None,
        }
    }

    fn record(&mut self) -> io::Result<[u8; RECORD]> {
        let mut record = [0; RECORD];
        self.archive.read_exact(&mut record)?;
        Ok(record)
    }

    /// The next file's header, whatever comes before it.
    fn next(&mut self, seen: bool) -> io::Result<State> {
        let header = self.record()?;
        if header == [0; RECORD] {
            self.must_end()?;
            return match seen {
                true => Ok(State::Ended),
                false => Err(invalid("there is no file in it")),
            };
        }
        // Bytes as unsigned, as all but the oldest have it.
        let sum = header.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        let own = header[148..156]
            .iter()
            .map(|byte| u64::from(*byte))
            .sum::<u64>();
        if number(&header[148..156]) != Some(sum - own + 8 * u64::from(b' ')) {
            return Err(invalid("what should be a header is none, or damaged"));
        }
        let size = number(&header[124..136]).ok_or_else(|| invalid("a file has no size"))?;
        match header[156] {
            b'x' | b'g' | b'L' | b'K' => {
                let text = self.text(size)?;
                if header[156] == b'x' {
                    self.pax(&text)?;
                }
                return Ok(State::Between { seen });
            }
            b'5' => {
                self.size = None;
                return Ok(State::Between { seen });
            }
            _ => {}
        }
        let name = &header[..header[..100]
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(100)];
        let name = name.escape_ascii();
        if seen {
            return Err(invalid(format!(
                "there is more than one file in it, '{name}' for one"
            )));
        }
        let size = self.size.take().unwrap_or(size);
        let (parts, whole) = match header[156] {
            b'0' | 0 | b'7' => (vec![(0, size)], size),
            b'S' => self.parts(&header, size)?,
            _ => {
                let why = format!("'{name}' in it is no file, but a link, a device or the like");
                return Err(invalid(why));
            }
        };
        Ok(State::Within {
            parts,
            part: 0,
            at: 0,
            size: whole,
            padding: size.wrapping_neg() % RECORD as u64,
        })
    }

    /// The text that is a header's content.
    fn text(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > LONGEST {
            return Err(invalid("a header in it is too long"));
        }
        let mut text = vec![0; size.next_multiple_of(RECORD as u64) as usize];
        self.archive.read_exact(&mut text)?;
        text.truncate(size as usize);
        Ok(text)
    }

    /// `LENGTH KEY=VALUE\n`, again and again.
    fn pax(&mut self, mut text: &[u8]) -> io::Result<()> {
        while !text.is_empty() {
            let blank = text.iter().position(|byte| *byte == b' ').unwrap_or(0);
            let length = decimal(&text[..blank]).unwrap_or(0) as usize;
            let record = text.get(blank + 1..length.max(1) - 1);
            let rest = text.get(length..);
            let (Some(record), Some(rest)) = (record, rest) else {
                return Err(invalid("a pax header in it is damaged"));
            };
            text = rest;
            if let Some(value) = record.strip_prefix(b"size=") {
                self.size = decimal(value);
            }
            if record.starts_with(b"GNU.sparse.") {
                return Err(invalid(
                    "its file is kept with its holes left out in a way not known here: pack it with tar --format=oldgnu -S, or without -S",
                ));
            }
        }
        Ok(())
    }

    /// Where the file has no holes, and its size with them.
    fn parts(&mut self, header: &[u8; RECORD], size: u64) -> io::Result<(Vec<(u64, u64)>, u64)> {
        let wrong = || invalid("the map of its file's holes is damaged");
        let whole = number(&header[483..495]).ok_or_else(wrong)?;
        let (mut parts, mut held, mut end) = (Vec::new(), 0u64, 0);
        let mut map = header[386..386 + 4 * 24].to_vec();
        let mut more = header[482] != 0;
        loop {
            for part in map.chunks_exact(24).take_while(|part| part[0] != 0) {
                let at = number(&part[..12]).ok_or_else(wrong)?;
                let length = number(&part[12..]).ok_or_else(wrong)?;
                if at < end || parts.len() == MOST {
                    return Err(wrong());
                }
                end = at
                    .checked_add(length)
                    .filter(|end| *end <= whole)
                    .ok_or_else(wrong)?;
                held += length;
                parts.push((at, length));
            }
            if !more {
                break;
            }
            let record = self.record()?;
            map = record[..21 * 24].to_vec();
            more = record[21 * 24] != 0;
        }
        match held == size {
            true => Ok((parts, whole)),
            false => Err(wrong()),
        }
    }

    /// Zeros are all that may follow.
    fn must_end(&mut self) -> io::Result<()> {
        let mut rest = [0; 4096];
        loop {
            match self.archive.read(&mut rest)? {
                0 => return Ok(()),
                count if rest[..count].iter().all(|byte| *byte == 0) => {}
                _ => return Err(invalid("something follows its end")),
            }
        }
    }
}

impl<R: Read> Read for Member<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.state {
                State::Ended => return Ok(0),
                State::Between { seen } => {
                    let seen = *seen;
                    self.state = self.next(seen)?;
                }
                State::Within {
                    at, size, padding, ..
                } if at == size => {
                    let mut rest = [0; RECORD];
                    let padding = *padding as usize;
                    self.archive.read_exact(&mut rest[..padding])?;
                    self.state = State::Between { seen: true };
                }
                State::Within {
                    parts,
                    part,
                    at,
                    size,
                    ..
                } => {
                    let (start, length) = parts.get(*part).copied().unwrap_or((*size, 0));
                    if *at >= start + length && *part < parts.len() {
                        *part += 1;
                        continue;
                    }
                    let hole = *at < start;
                    let end = if hole { start } else { start + length };
                    let most = into
                        .len()
                        .min(usize::try_from(end - *at).unwrap_or(usize::MAX));
                    let count = match hole {
                        true => {
                            into[..most].fill(0);
                            most
                        }
                        false => self.archive.read(&mut into[..most])?,
                    };
                    if count == 0 && !into.is_empty() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    *at += count as u64;
                    return Ok(count);
                }
            }
        }
    }
}

/// Octal digits between blanks and zeros; or GNU's way for what is too large for them, in binary.
fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, rest @ ..] = field {
        let (high, low) = rest.split_last_chunk::<8>()?;
        return high
            .iter()
            .all(|byte| *byte == 0)
            .then(|| u64::from_be_bytes(*low));
    }
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches(|letter| letter == ' ' || letter == '\0');
    match digits.is_empty() {
        true => Some(0),
        false => u64::from_str_radix(digits, 8).ok(),
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
