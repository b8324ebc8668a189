//! What became of each disk: for the log, for the result of the step, for its error.

use std::time::Duration;

use crate::codec::json::{Number, Object, Value, gather, object, text};
use crate::error::{Error, Kind, Result};

/// How far the erasure of a disk came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Erased, and proven to be.
    Done,
    /// It holds what it held.
    NotStarted,
    /// Erasing began; nobody knows how much is left of what it held.
    Unknown,
}

impl State {
    /// For logs and results.
    pub fn words(self) -> &'static str {
        match self {
            State::Done => "done",
            State::NotStarted => "not started",
            State::Unknown => "unknown",
        }
    }
}

/// How a disk was erased.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    /// In words: `NVMe format, cryptographic erase`.
    pub method: String,
    /// How many samples were read back, and what they held.
    pub proof: String,
    /// Why it was not erased by a better method.
    pub instead_of: Option<String>,
}

/// Why a disk is not erased.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Never done.
    pub state: State,
    /// In words.
    pub why: String,
}

/// What became of one disk.
#[derive(Debug)]
pub struct Outcome {
    /// Its name: `/dev/sda`.
    pub disk: String,
    /// From its start to its end.
    pub took: Duration,
    /// Erased, or not.
    pub result: Result<Receipt, Failure>,
}

impl Outcome {
    /// For the log.
    pub fn line(&self) -> String {
        let (disk, seconds) = (&self.disk, self.took.as_secs());
        match &self.result {
            Ok(receipt) => {
                let Receipt { method, proof, .. } = receipt;
                let instead = match &receipt.instead_of {
                    Some(why) => format!("; not by a better method: {why}"),
                    None => String::new(),
                };
                format!("{disk} done in {seconds} s: {method}; {proof}{instead}")
            }
            Err(Failure { state, why }) => {
                format!("{disk} {} after {seconds} s: {why}", state.words())
            }
        }
    }

    fn to_json(&self, receipt: &Receipt) -> Value {
        let seconds = Number::F64(self.took.as_millis() as f64 / 1000.0);
        let mut fields = vec![
            ("state", text(State::Done.words())),
            ("method", text(&*receipt.method)),
            ("seconds", Value::Number(seconds)),
            ("proof", text(&*receipt.proof)),
        ];
        if let Some(why) = &receipt.instead_of {
            fields.push(("instead_of", text(&**why)));
        }
        let named = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Value::Object(gather(named))
    }
}

/// By device name; an error that names every disk if one of them failed. `doing` is what failed then.
pub fn report(
    outcomes: &[Outcome],
    passed_over: &[(String, String)],
    doing: &str,
) -> Result<Value> {
    let mut by_name = Object::new();
    let mut failed = Vec::new();
    let mut done = Vec::new();
    for outcome in outcomes {
        let Outcome { disk, result, .. } = outcome;
        match result {
            Ok(receipt) => {
                by_name.insert(disk.clone(), outcome.to_json(receipt));
                done.push(disk.as_str());
            }
            Err(Failure { state, why }) => {
                failed.push(format!("\"{disk}\" ({}): {why}", state.words()));
            }
        }
    }
    if failed.is_empty() {
        let passed_over = passed_over.iter().map(|(disk, why)| {
            let fields = object([("state", text("passed over")), ("why", text(&**why))]);
            (disk.clone(), fields)
        });
        by_name.extend(passed_over);
        return Ok(Value::Object(by_name));
    }
    let mut why = format!("{doing} the device(s): {}", failed.join("; "));
    let passed_over: Vec<_> = passed_over.iter().map(|(disk, _)| disk.as_str()).collect();
    for (words, disks) in [("done", done), ("passed over", passed_over)] {
        if !disks.is_empty() {
            why += &format!("; {words}: {}", disks.join(", "));
        }
    }
    Err(Error::new(Kind::BlockDeviceEraseError, why))
}
