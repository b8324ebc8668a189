//! What was written, what it cost and what it waited for.

use std::path::Path;
use std::time::Duration;

use crate::codec::json::{Number, Value, gather, number, object, text};
use crate::image::layout::partition_image::Laid;
use crate::image::pipeline::stage_times::{Stage, StageTimes};
use crate::image::verify::expected::Expected;
use crate::units::Bytes;

/// What Ironic and the log are told of a finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The size of what is on the disk.
    pub bytes: Bytes,
    /// As served, all attempts together.
    pub fetched: Bytes,
    /// Sent to the disk, the clearing of old partition tables included.
    pub written: Bytes,
    /// Of these the disk was told that they are zeros.
    pub zeros: Bytes,
    /// Times the image was asked for again.
    pub retries: u32,
    /// Where the time went.
    pub seconds: Seconds,
    /// How the disk is known from now on.
    pub left: Left,
    /// What it was held against.
    pub verified: Expected,
}

/// By what Ironic knows the disk that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// A whole disk by the signature of an MBR: the little-endian word at byte 440.
    Disk(u32),
    /// One that was divided by its partitions.
    Parts(Vec<Laid>),
}

/// What the time went to. Stages that have a thread of their own overlap with the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seconds {
    /// From the order to the last flush.
    pub total: Duration,
    /// Connecting, and waiting for bytes.
    pub network: Duration,
    /// Digesting.
    pub hash: Duration,
    /// Decoding and copying.
    pub decode: Duration,
    /// Waiting for the disk.
    pub disk: Duration,
}

impl Seconds {
    /// From the accounts of `meter`.
    pub fn of(meter: &StageTimes, total: Duration) -> Self {
        Seconds {
            total,
            network: meter.spent(Stage::Network),
            hash: meter.spent(Stage::Hash),
            decode: meter.spent(Stage::Decode),
            disk: meter.spent(Stage::Disk),
        }
    }

    fn stages(&self) -> [(&'static str, Duration); 4] {
        [
            ("network", self.network),
            ("hash", self.hash),
            ("decode", self.decode),
            ("disk", self.disk),
        ]
    }

    /// What most of the time was spent on: with less of anything else the image would hardly have come faster.
    pub fn bottleneck(&self) -> &'static str {
        let most = self.stages().into_iter().max_by_key(|(_, time)| *time);
        most.map_or("", |(stage, _)| stage)
    }
}

impl Receipt {
    /// For people and programs that read the result of a command.
    pub fn to_json(&self) -> Value {
        let stages = self
            .seconds
            .stages()
            .map(|(stage, time)| (stage.to_owned(), seconds(time)));
        let total = ("total".to_owned(), seconds(self.seconds.total));
        object([
            ("bytes", number(self.bytes.0)),
            ("fetched", number(self.fetched.0)),
            ("written", number(self.written.0)),
            ("zeros", number(self.zeros.0)),
            ("retries", number(self.retries.into())),
            (
                "seconds",
                Value::Object(gather(stages.into_iter().chain([total]))),
            ),
            ("bottleneck", text(self.seconds.bottleneck())),
        ])
    }

    /// `2 GiB on /dev/vda in 12.0 s, 170.7 MiB/s: 1 GiB fetched with 0 retries, …, the bottleneck: disk`
    pub fn line(&self, disk: &Path) -> String {
        let Receipt {
            bytes,
            fetched,
            written,
            zeros,
            retries,
            seconds,
            ..
        } = self;
        let stages: String = seconds
            .stages()
            .map(|(stage, time)| format!("{stage} {:.1} s, ", time.as_secs_f64()))
            .concat();
        format!(
            "{bytes} on {} in {:.1} s, {:.1} MiB/s: {fetched} fetched with {retries} retries, {written} written, \
             {zeros} skipped as zeros; {stages}the bottleneck: {}",
            disk.display(),
            seconds.total.as_secs_f64(),
            bytes.rate(seconds.total),
            seconds.bottleneck(),
        )
    }
}

/// To the millisecond.
fn seconds(time: Duration) -> Value {
    Value::Number(Number::F64((time.as_secs_f64() * 1000.0).round() / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json::print;
    use crate::image::verify::digest::{Algorithm, Digest};

    #[test]
    fn a_receipt_names_every_cost_and_the_bottleneck() {
        let seconds = Duration::from_secs;
        let digest = Digest::new(Algorithm::Md5, &"0".repeat(32)).expect("digits");
        let receipt = Receipt {
            bytes: Bytes::mib(26),
            fetched: Bytes::mib(13),
            written: Bytes::mib(6),
            zeros: Bytes::mib(20),
            retries: 1,
            seconds: Seconds {
                total: seconds(13),
                network: seconds(4),
                hash: seconds(3),
                decode: seconds(1),
                disk: seconds(5),
            },
            left: Left::Disk(0),
            verified: Expected::digest(digest),
        };
        assert_eq!(
            receipt.line(Path::new("/dev/vda")),
            "26 MiB on /dev/vda in 13.0 s, 2.0 MiB/s: 13 MiB fetched with 1 retries, 6 MiB written, 20 MiB skipped as zeros; \
             network 4.0 s, hash 3.0 s, decode 1.0 s, disk 5.0 s, the bottleneck: disk"
        );
        assert_eq!(
            print(&receipt.to_json()),
            r#"{"bottleneck":"disk","bytes":27262976,"fetched":13631488,"retries":1,"seconds":{"decode":1.0,"disk":5.0,"hash":3.0,"network":4.0,"total":13.0},"written":6291456,"zeros":20971520}"#
        );
    }
}
