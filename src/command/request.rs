//! A request body becomes a command's name and parameters, unchecked; running it is the engine's.
//!
//! A body may be 256 MiB, most of it one config drive sent three times. Parsing keeps one of them
//! and then frees the body, so the peak is the body and one copy.

use std::fmt::Display;

use crate::codec::json::{Object, Value, text};
use crate::codec::json_low_memory;
use crate::codec::json_low_memory::Sieve;
use crate::error::{Error, Kind, Result};

/// One command Ironic asks for.
#[derive(Debug)]
pub struct Call {
    /// `<extension>.<command>`, unchecked.
    pub name: String,
    /// As sent, unchecked.
    pub params: Object,
}

impl Call {
    /// An error is a 400 whose text is its details.
    pub fn parse(body: Vec<u8>) -> Result<Call> {
        let undecodable = |why: &dyn Display| bad(format!("Failed to decode JSON object: {why}"));
        let body = String::from_utf8(body).map_err(|error| undecodable(&error.utf8_error()))?;
        let (whole, drive) =
            json_low_memory::parse(&body).map_err(|error| undecodable(&error.details()))?;
        drop(body);
        let incomplete = || bad("Missing or invalid name or params".to_owned());
        let Value::Object(mut whole) = whole else {
            return Err(incomplete());
        };
        let (name, params) = (whole.remove("name"), whole.remove("params"));
        match (name, params) {
            (Some(Value::String(name)), Some(Value::Object(mut params))) => {
                put_back(drive, &mut params);
                Ok(Call { name, params })
            }
            _ => Err(incomplete()),
        }
    }
}

fn bad(text: String) -> Error {
    Error::new(Kind::InvalidContentError, text)
}

/// The name of the argument that holds a config drive, wherever it stands.
const DRIVE: &str = "configdrive";

/// Takes config drives out of the document and holds on to the one that counts.
#[derive(Default)]
struct Drive {
    content: String,
    rank: Rank,
}

/// protocol/api.md §1, deploy.md §3: an argument of its own wins over the copy in `image_info`;
/// the copy in the node is never used.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    #[default]
    Unused,
    InImageInfo,
    Argument,
}

impl Sieve for Drive {
    fn keeps(&mut self, path: &[String], text: &str) -> bool {
        let Some((DRIVE, place)) = path.split_last().map(|(name, place)| (&name[..], place)) else {
            return true;
        };
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let rank = match place[..] {
            ["params"] | ["params", "step", "args"] => Rank::Argument,
            ["params", "image_info"] | ["params", "step", "args", "image_info"] => {
                Rank::InImageInfo
            }
            _ => Rank::Unused,
        };
        if rank > self.rank && !text.is_empty() {
            self.rank = rank;
            if self.content != text {
                // The old one goes before the new one comes.
                self.content = String::new();
                self.content.push_str(text);
            }
        }
        false
    }
}

/// The drive that counts becomes the argument, wherever it was found.
fn put_back(drive: Drive, params: &mut Object) {
    if drive.content.is_empty() {
        return;
    }
    let arguments = match params.get_mut("step") {
        Some(Value::Object(step)) => match step.get_mut("args") {
            Some(Value::Object(arguments)) => arguments,
            _ => return,
        },
        _ => params,
    };
    arguments.insert(DRIVE.to_owned(), text(drive.content));
}
