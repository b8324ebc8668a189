//! The terms of an iSCSI session (RFC 7143, 13): what is offered, and what a target makes of it. Pure.

use crate::error::{Error, Result};

/// What is offered, and by which rule the answer may differ.
pub const OFFER: &str = "HeaderDigest=None\0DataDigest=None\0ErrorRecoveryLevel=0\0InitialR2T=No\0ImmediateData=Yes\0\
    MaxBurstLength=262144\0FirstBurstLength=65536\0DefaultTime2Wait=2\0DefaultTime2Retain=0\0MaxOutstandingR2T=1\0\
    MaxRecvDataSegmentLength=262144\0MaxConnections=1\0DataPDUInOrder=Yes\0DataSequenceInOrder=Yes\0";
/// What is taken at once in one PDU.
pub const TAKEN_AT_ONCE: u32 = 256 << 10;

/// The terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Bytes that the target takes in one PDU.
    pub sent_at_once: u32,
    /// May data be sent only when asked for?
    pub initial_r2t: bool,
    /// May data stand in the command's own PDU?
    pub immediate_data: bool,
    /// Bytes of a whole answer.
    pub max_burst: u32,
    /// Bytes sent unasked.
    pub first_burst: u32,
    /// The number that the target's next word has.
    pub exp_statsn: u32,
    /// The target's portal group.
    pub group: String,
}

/// RFC 7143, 13: where nobody says otherwise.
impl Default for Agreed {
    fn default() -> Self {
        Agreed {
            sent_at_once: 8192,
            initial_r2t: true,
            immediate_data: true,
            max_burst: 262_144,
            first_burst: 65_536,
            exp_statsn: 0,
            group: "1".to_owned(),
        }
    }
}

impl Agreed {
    /// One pair of what the target says: an error if it is outside of what was offered.
    pub fn learn(&mut self, key: &str, value: &str) -> Result<()> {
        let wrong = || {
            Error::plain(format!(
                "its target says {:.80}",
                format!("{key}={value}").escape_debug()
            ))
        };
        let number = |least: u32, most: u32| match value.parse::<u32>() {
            Ok(number) if number >= least => Ok(number.min(most)),
            _ => Err(wrong()),
        };
        match key {
            // RFC 7143, 13.12: from 512 to 2^24-1.
            "MaxRecvDataSegmentLength" => self.sent_at_once = number(512, TAKEN_AT_ONCE)?,
            "MaxBurstLength" => self.max_burst = number(512, 262_144)?,
            "FirstBurstLength" => self.first_burst = number(512, 65_536)?,
            "InitialR2T" => self.initial_r2t = value != "No",
            "ImmediateData" => self.immediate_data = value == "Yes",
            "TargetPortalGroupTag" => self.group = number(0, 65_535)?.to_string(),
            "HeaderDigest" | "DataDigest" if value != "None" => return Err(wrong()),
            _ => {}
        }
        self.first_burst = self.first_burst.min(self.max_burst);
        Ok(())
    }
}
