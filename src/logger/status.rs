//! What the machine is and what it is at: for whoever stands before its screen, looks at its page or gets its reports. The one
//! place where that is noted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::clock::{Bell, Clock};
use crate::codec::json::Value;
use crate::error::Error;
use crate::logger::{LOGGER, harmless};
use crate::units::Bytes;
use crate::work_progress::{Reading, WorkProgress};

/// A row of the status block, from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Who made it, and its serial number.
    Machine,
    /// Those of its network cards.
    Addresses,
    /// The switch and the port it is connected to.
    Switch,
    /// Who it is to Ironic.
    Node,
    /// What it does, or waits for.
    State,
    /// How far the work is.
    Progress,
}

/// Named as in the block; the name of the program stands before all of them.
const ROWS: [(Row, &str); 6] = [
    (Row::Machine, "machine"),
    (Row::Addresses, "addresses"),
    (Row::Switch, "switch"),
    (Row::Node, "node"),
    (Row::State, "state"),
    (Row::Progress, "progress"),
];
/// Characters of one value; no screen is wider than that.
const WIDEST: usize = 200;
/// Disks anybody is told of.
const MOST_DISKS: usize = 256;
/// How long the end waits for whoever follows.
const LAST_WORD: Duration = Duration::from_secs(10);

/// How the work stands, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// For an address, for Ironic, for a command.
    #[default]
    Waiting,
    /// It is under way.
    Working,
    /// It failed; it may be tried again.
    Failed,
    /// It is over, and the machine goes.
    Done,
}

impl Phase {
    /// `waiting`, `working`, `failed` or `done`.
    pub fn word(self) -> &'static str {
        ["waiting", "working", "failed", "done"][self as usize]
    }
}

/// A disk, and why it is the one or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskLine {
    /// `/dev/sda`
    pub name: String,
    /// As the kernel has it.
    pub size: Bytes,
    /// Vendor, model and serial number.
    pub known_as: String,
    /// In words.
    pub why: String,
    /// It is the one that is taken.
    pub is_chosen: bool,
}

/// All that is known at one moment.
#[derive(Clone)]
pub struct Status {
    rows: [String; ROWS.len()],
    /// How the work stands.
    pub phase: Phase,
    /// What is written, without secrets; empty before.
    pub image: String,
    /// Where to; empty before.
    pub disk: String,
    /// How often the work failed.
    pub failures: u32,
    /// How it failed last; none before, and once it is done.
    pub failure: Option<Error>,
    /// Those that were looked at.
    pub disks: Vec<DiskLine>,
    /// Of the last image written.
    pub receipt: Option<Value>,
    /// Its size, and how long it took.
    pub written: Option<(Bytes, Duration)>,
    /// Why Ironic does not know this machine, in its words; none once it does, and before it was asked.
    pub stranger: Option<String>,
    gauge: Option<WorkProgress>,
}

impl Status {
    const NOTHING: Status = Status {
        rows: [const { String::new() }; ROWS.len()],
        phase: Phase::Waiting,
        image: String::new(),
        disk: String::new(),
        failures: 0,
        failure: None,
        disks: Vec::new(),
        receipt: None,
        written: None,
        stranger: None,
        gauge: None,
    };

    /// As it stands on screens.
    pub fn row(&self, row: Row) -> &str {
        &self.rows[row as usize]
    }

    /// How far the work is; none while nothing is being done.
    pub fn progress(&self) -> Option<Reading> {
        self.gauge.as_ref()?.read()
    }
}

static NOW: Mutex<Status> = Mutex::new(Status::NOTHING);
/// Rung at each change, and rung when the last word is out.
static FOLLOWER: OnceLock<[Bell; 2]> = OnceLock::new();
static ENDING: AtomicBool = AtomicBool::new(false);

fn lock() -> MutexGuard<'static, Status> {
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As it is now.
pub fn now() -> Status {
    lock().clone()
}

/// Shows `text` from now on, on screens alone: the log has a line of its own for whatever changes.
pub fn set(row: Row, text: &str) {
    let mut now = lock();
    let text = harmless(text, WIDEST);
    let place = &mut now.rows[row as usize];
    if *place == text {
        return;
    }
    *place = text;
    if let Some(consoles) = LOGGER.get().and_then(|logger| logger.consoles.as_ref()) {
        consoles.block(rows(&now.rows));
    }
    if row != Row::Progress {
        changed();
    }
}

/// How the work stands from now on.
pub fn phase(phase: Phase) {
    let mut now = lock();
    now.phase = phase;
    if phase == Phase::Done {
        now.failure = None;
    }
    changed();
}

/// The work failed: how.
pub fn failed(error: &Error) {
    let mut now = lock();
    now.phase = Phase::Failed;
    now.failures += 1;
    now.failure = Some(error.clone());
    changed();
}

/// An image begins to be written; `image` holds no secret.
pub fn writing(image: String, disk: String) {
    let mut now = lock();
    (now.image, now.disk) = (image, disk);
    (now.receipt, now.written) = (None, None);
    changed();
}

/// It is written: what it cost, how large it is and how long it took.
pub fn written(receipt: Value, bytes: Bytes, took: Duration) {
    let mut now = lock();
    (now.receipt, now.written) = (Some(receipt), Some((bytes, took)));
    changed();
}

/// These disks were looked at.
pub fn disks(mut disks: Vec<DiskLine>) {
    disks.truncate(MOST_DISKS);
    lock().disks = disks;
    changed();
}

/// Why Ironic does not know this machine; none: it does.
pub fn stranger(why: Option<String>) {
    lock().stranger = why;
}

/// Whoever asks how far the work is from now on asks `gauge`.
pub fn work(gauge: WorkProgress) {
    lock().gauge = Some(gauge);
}

/// What [`work`] was told last.
pub fn gauge() -> Option<WorkProgress> {
    lock().gauge.clone()
}

fn changed() {
    if let Some([change, _]) = FOLLOWER.get() {
        change.ring();
    }
}

/// Rung at every change from now on, the progress of the work apart. There is one follower.
pub fn follow() -> Bell {
    FOLLOWER.get_or_init(Default::default)[0].clone()
}

/// Does somebody wait for the follower's last word?
pub fn is_ending() -> bool {
    ENDING.load(Ordering::Acquire)
}

/// The follower's last word is out.
pub fn followed() {
    ENDING.store(false, Ordering::Release);
    if let Some([_, out]) = FOLLOWER.get() {
        out.ring();
    }
}

/// The work is over, unless it failed; and what [`settle`] says.
pub fn end(clock: &Clock) {
    if now().phase != Phase::Failed {
        phase(Phase::Done);
    }
    settle(clock);
}

/// The machine is about to go: waits for the follower's last word, if anybody follows, for ten seconds at the most.
pub fn settle(clock: &Clock) {
    if let Some([change, out]) = FOLLOWER.get() {
        ENDING.store(true, Ordering::Release);
        change.ring();
        out.wait(clock, LAST_WORD);
        ENDING.store(false, Ordering::Release);
    }
}

/// As many for every text: a block that grew would take lines of the log.
fn rows(shown: &[String; ROWS.len()]) -> Vec<String> {
    let title = format!(" ironlet {}", env!("CARGO_PKG_VERSION"));
    let values = ROWS.iter().zip(shown);
    let values = values.map(|((_, name), text)| format!(" {name:<10} {text}"));
    [title].into_iter().chain(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_has_a_row_for_each_whatever_is_known() {
        let mut shown = [const { String::new() }; ROWS.len()];
        let none = rows(&shown);
        shown[4] = "waiting for an address".to_owned();
        let some = rows(&shown);
        assert_eq!((none.len(), some.len()), (7, 7));
        assert_eq!(some[5], " state      waiting for an address");
        for (place, (row, _)) in ROWS.iter().enumerate() {
            assert_eq!(*row as usize, place, "{row:?}");
        }
    }

    #[test]
    fn a_text_from_outside_stays_in_its_row() {
        set(Row::Switch, &format!("a\u{1b}[2Jb\n{}", "x".repeat(900)));
        let now = now();
        let shown = now.row(Row::Switch);
        assert!(shown.starts_with("a\\u{1b}[2Jb\\n"), "{shown}");
        assert!(shown.len() < WIDEST + 20);
    }
}
