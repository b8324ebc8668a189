//! What of a disk's description could not be read, for who decides by it: unknown is not "no".

use std::path::Path;

use crate::system_root::{read_attribute, read_bytes};

/// One field of one disk that the machine would not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// As hints name it: `serial`, `by_path`.
    pub field: &'static str,
    /// In words: what was read, and the error.
    pub why: String,
}

/// Reads attributes of one disk and keeps what could not be read.
#[derive(Debug, Default)]
pub struct Reader {
    /// In the order of reading.
    pub unread: Vec<Unread>,
}

impl Reader {
    /// The attribute at `path`, which `field` is made of; none if there is none, or it could not be read.
    pub fn text(&mut self, field: &'static str, path: &Path) -> Option<String> {
        match read_attribute(path) {
            Ok(text) => text,
            Err(error) => {
                self.note(&[field], &format!("reading {}: {error}", path.display()));
                None
            }
        }
    }

    /// The bytes at `path`, which `fields` are made of, no more than `most`; none as with [`Reader::text`].
    pub fn bytes(&mut self, fields: &[&'static str], path: &Path, most: u64) -> Option<Vec<u8>> {
        match read_bytes(path, most) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.note(fields, &format!("reading {}: {error}", path.display()));
                None
            }
        }
    }

    /// `fields` are not known, or not whole.
    pub fn note(&mut self, fields: &[&'static str], why: &str) {
        let why = why.to_owned();
        let unread = |field: &&'static str| Unread {
            field,
            why: why.clone(),
        };
        self.unread.extend(fields.iter().map(unread));
    }
}
