//! What Ironic wants as software RAID (`target_raid_config`), checked as a whole: every problem is told at once, before any disk is touched.
//!
//! Rules are those of protocol/steps.md §10, and that what is not understood is no configuration.

use crate::codec::json::{Fields, Number, Object, Value, print};
use crate::disk::raid::level::Level;
use crate::disk::select::hints::Hints;
use crate::error::{Error, Kind, Result};

/// One array to be made.
#[derive(Clone, Debug)]
pub struct Volume {
    /// How its disks work together.
    pub level: Level,
    /// Of each of its disks, in GiB; none for all that is left.
    pub size: Option<u64>,
    /// As its superblocks have it; none for the name of its device.
    pub name: Option<String>,
    /// Is it the disk to deploy to? None says nothing.
    pub root: Option<bool>,
    /// A disk for each of these; all there are if there is none.
    pub physical: Vec<Hints>,
}

/// What of the machine decides whether a configuration will do.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The node's, for the message.
    pub node: &'a str,
    /// Must every volume have a name? So where volumes are to be spared by theirs.
    pub named: bool,
    /// Disks that arrays may be made of.
    pub disks: usize,
}

/// struct mdp_superblock_1: set_name.
const LONGEST_NAME: usize = 32;
/// Of one array.
const MOST_DISKS: usize = 128;

/// Ok if any volume wants software RAID. Without, the configuration is none of the agent's: `Err` says whose the volumes are. What has
/// no volumes, or is nothing at all, is for [`parse`] to refuse.
pub fn is_ours(config: &Object) -> std::result::Result<(), String> {
    let Some(Value::Array(volumes)) = config.get("logical_disks") else {
        return Ok(());
    };
    let mut others = Vec::new();
    for volume in volumes {
        match volume {
            Value::Object(volume) if is_software(volume) => return Ok(()),
            Value::Object(volume) => others.push(match volume.field("controller") {
                Some(controller) => format!("{:.60}", print(controller)),
                None => "none".to_owned(),
            }),
            _ => return Ok(()),
        }
    }
    Err(match others.is_empty() {
        true => "there is no logical disk".to_owned(),
        false => format!("'controller' of its logical disks is {}", others.join(", ")),
    })
}

fn is_software(volume: &Object) -> bool {
    matches!(volume.get("controller"), Some(Value::String(word)) if word == "software")
}

/// The volumes in their order, the one that takes what is left last. The error has every problem there is.
pub fn parse(config: &Object, about: Circumstances) -> Result<Vec<Volume>> {
    let listed = match config.field("logical_disks") {
        Some(Value::Array(listed)) if !listed.is_empty() => listed,
        _ => return Err(error("RAID config contains no logical disks")),
    };
    let mut problems = Problems(Vec::new());
    if listed.len() > 2 {
        problems.add("Software RAID configuration requires one or two logical disks");
    }
    let mut volumes: Vec<Volume> = Vec::new();
    for (index, value) in listed.iter().enumerate() {
        let Value::Object(volume) = value else {
            problems.add(format!("logical disk {} is not an object", index + 1));
            continue;
        };
        let mut one = Checked {
            volume,
            number: index + 1,
            problems: &mut problems,
        };
        volumes.extend(one.check(about));
    }
    across(listed, &mut problems);
    match problems.0.is_empty() {
        false => Err(error(format!(
            "Could not validate Software RAID config for {}: {}",
            about.node,
            problems.0.join("; ")
        ))),
        true => {
            let (sized, rest): (Vec<_>, Vec<_>) = volumes
                .into_iter()
                .partition(|volume| volume.size.is_some());
            Ok([sized, rest].concat())
        }
    }
}

/// What only all volumes together tell, whatever else is wrong with them.
fn across(listed: &[Value], problems: &mut Problems) {
    let all: Vec<&Object> = listed
        .iter()
        .filter_map(|value| match value {
            Value::Object(volume) => Some(volume),
            _ => None,
        })
        .collect();
    for (at, volume) in all.iter().enumerate() {
        let same = |field: &str, wanted: &str| {
            let has = |volume: &Object| volume.get(field).is_some_and(|own| print(own) == wanted);
            has(volume) && all[..at].iter().any(|other| has(other))
        };
        if let Some(name @ Value::String(_)) = volume.get("volume_name")
            && same("volume_name", &print(name))
        {
            let name = print(name);
            problems.add(format!(
                "Duplicate software RAID device name {name:.60} detected"
            ));
        }
        if same("is_root_volume", "true") {
            problems.add(
                "Software RAID configuration allows only one logical disk to be marked as is_root_volume",
            );
        }
        if same("size_gb", "\"MAX\"") {
            problems.add("Software RAID can have only one RAID device with size 'MAX'");
        }
    }
}

/// Each told once, in the order they were found.
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: impl Into<String>) {
        let problem = problem.into();
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }
}

struct Checked<'a> {
    volume: &'a Object,
    /// From 1.
    number: usize,
    problems: &'a mut Problems,
}

impl Checked<'_> {
    fn wrong(&mut self, field: &str, why: &str) {
        let number = self.number;
        self.problems
            .add(format!("logical disk {number}: {field} {why}"));
    }

    /// None if there was a problem that leaves nothing to compare with others.
    fn check(&mut self, about: Circumstances) -> Option<Volume> {
        if !is_software(self.volume) {
            self.problems.add(
                "Software RAID configuration requires all logical disks to have 'controller'='software'",
            );
        }
        let (level, size) = (self.level(), self.size());
        let name = self.name(about.named);
        let root = match self.volume.field("is_root_volume") {
            None => None,
            Some(Value::Bool(root)) => Some(*root),
            Some(_) => {
                self.wrong("is_root_volume", "must be true or false");
                None
            }
        };
        let physical = self.physical();
        let level = level?;
        let disks = match physical.len() {
            0 => about.disks,
            some => some,
        };
        let most = disks > MOST_DISKS;
        if disks < level.fewest() || most {
            let bound = if most { "at most" } else { "at least" };
            self.problems.add(format!(
                "Software RAID configuration is not possible for RAID level {} with {}{disks} block devices found: it takes {bound} {}",
                level.word(),
                if disks < level.fewest() { "only " } else { "" },
                if most { MOST_DISKS } else { level.fewest() },
            ));
        }
        Some(Volume {
            level,
            size: size?,
            name,
            root,
            physical,
        })
    }

    fn level(&mut self) -> Option<Level> {
        let word = match self.volume.field("raid_level") {
            Some(Value::String(word)) => word,
            Some(other) => {
                let given = print(other);
                self.wrong("raid_level", &format!("must be a string, not {given:.60}"));
                return None;
            }
            None => {
                self.wrong("raid_level", "is missing");
                return None;
            }
        };
        let level = Level::parse(word);
        if self.number == 1 && level != Some(Level::Raid1) {
            self.problems
                .add("Software RAID Configuration requires RAID-1 for the first logical disk");
        }
        if level.is_none() {
            self.problems.add(format!(
                "Software RAID configuration does not support RAID level {word:.60}"
            ));
        }
        level
    }

    fn size(&mut self) -> Option<Option<u64>> {
        let size = match self.volume.field("size_gb") {
            Some(Value::String(word)) if word == "MAX" => return Some(None),
            Some(Value::String(digits)) => digits.parse().ok(),
            Some(Value::Number(Number::U64(size))) => Some(*size),
            Some(_) => None,
            None => {
                self.wrong("size_gb", "is missing");
                return None;
            }
        };
        // No disk reaches an EiB.
        let size = size.filter(|size| (1..1 << 30).contains(size));
        if size.is_none() {
            self.wrong(
                "size_gb",
                "must be 'MAX' or a whole number of GiB of 1 or more",
            );
        }
        size.map(Some)
    }

    fn name(&mut self, needed: bool) -> Option<String> {
        let name = match self.volume.field("volume_name") {
            Some(Value::String(name)) => name,
            None => {
                if needed {
                    self.problems.add(
                        "All logical disks are required to have a volume name specified as a volume name is mentioned in \
                         the property skip block devices.",
                    );
                }
                return None;
            }
            Some(_) => {
                self.wrong("volume_name", "must be a string");
                return None;
            }
        };
        // After a colon comes the name, before it a machine's; after a blank comes nothing (protocol/inventory.md §8).
        let odd = |c: char| c.is_control() || c.is_whitespace() || c == ':' || c == '/';
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(odd) {
            self.wrong(
                "volume_name",
                "must have 1 to 32 bytes, without blanks, ':' and '/': that is what a superblock holds",
            );
        }
        if name == "esp" {
            self.wrong(
                "volume_name",
                "'esp' is what the EFI system partitions of arrays are called",
            );
        }
        Some(name.clone())
    }

    fn physical(&mut self) -> Vec<Hints> {
        const SHAPE: &str = "The physical_disks parameter for software RAID must be a list";
        let listed = match self.volume.field("physical_disks") {
            None => return Vec::new(),
            Some(Value::Array(listed)) => listed,
            Some(_) => &Vec::new(),
        };
        if listed.len() < 2 {
            self.problems.add(format!(
                "{SHAPE} with at least 2 items, each specifying a disk in the device hints format"
            ));
        }
        let mut all = Vec::new();
        for item in listed {
            match item {
                Value::Object(hints) => match Hints::parse(hints) {
                    Ok(hints) => all.push(hints),
                    Err(error) => self.wrong("physical_disks", error.details()),
                },
                _ => self
                    .problems
                    .add(format!("{SHAPE} of device hints (dictionaries)")),
            }
        }
        all
    }
}

fn error(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::SoftwareRAIDError, why)
}
