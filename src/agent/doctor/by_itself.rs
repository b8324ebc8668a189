//! The examination on the console where nothing has worked for a while: again with every while that goes by, told when something else
//! is wrong first, and the same thing seldom.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use log::{Level, warn};

use crate::agent::doctor::examination::{Patient, examine};
use crate::agent::doctor::findings::{Findings, Step};
use crate::agent::{Agent, Surroundings};
use crate::clock::Clock;
use crate::logger::status::{self, Row, set};

/// The same thing is told again after so long.
const AGAIN: Duration = Duration::from_secs(600);
/// Where its lines come from: by what name people ask for it.
const ROOM: &str = concat!("ironlet", "::doctor");
const LOOK: Duration = Duration::from_secs(1);

/// The step, and what to try: what was seen may have numbers in it that grow.
type Told = (Step, String);

/// Something has worked: nobody need be told any more what stands in its way.
static WORKS: AtomicBool = AtomicBool::new(false);

/// Ironic knows this machine, or its work is done.
pub(in crate::agent) fn works() {
    WORKS.store(true, Ordering::Relaxed);
}

/// Watches from now on whether anything works; `ironlet.doctor=0` has nobody watch.
pub(in crate::agent) fn start(agent: &Agent, surroundings: &Surroundings) {
    let Some(patience) = agent.config.doctor else {
        return;
    };
    let (clock, surroundings) = (agent.clock.clone(), surroundings.clone());
    let body = move || {
        let examine = || examine(&Patient::read(&surroundings));
        watch(
            &clock,
            patience,
            &|| WORKS.load(Ordering::Relaxed),
            &moved,
            &examine,
        );
    };
    if let Err(error) = thread::Builder::new().name("doctor".into()).spawn(body) {
        warn!("nobody will say what is wrong first: no thread for it: {error}");
    }
}

/// Bytes that went through the work so far.
fn moved() -> u64 {
    status::gauge().map_or(0, |gauge| gauge.sums().bytes)
}

/// Until `works`: an examination after each `patience` in which nothing `moved`.
fn watch(
    clock: &Clock,
    patience: Duration,
    works: &dyn Fn() -> bool,
    moved: &dyn Fn() -> u64,
    examine: &dyn Fn() -> Findings,
) {
    let (mut since, mut bytes) = (clock.elapsed(), moved());
    let mut told: Option<(Option<Told>, Duration)> = None;
    loop {
        clock.sleep(LOOK);
        if works() {
            return;
        }
        let now = clock.elapsed();
        if moved() != bytes {
            (since, bytes) = (now, moved());
        }
        if now.saturating_sub(since) < patience {
            continue;
        }
        let findings = examine();
        // It may have been a matter of moments.
        if works() || moved() != bytes {
            continue;
        }
        since = clock.elapsed();
        let first = findings.first();
        let first = first.map(|first| (first.step, first.remedy.clone()));
        let is_old = |(before, at): &(Option<Told>, Duration)| {
            *before == first && since.saturating_sub(*at) < AGAIN
        };
        if !told.as_ref().is_some_and(is_old) {
            tell(&findings, patience);
            told = Some((first, since));
        }
    }
}

/// What is wrong first stands last, where eyes rest, and on screens in the row for what the machine is at.
fn tell(findings: &Findings, patience: Duration) {
    let say = |level, line: &str| log::log!(target: ROOM, level, "{line}");
    let seconds = patience.as_secs();
    say(
        Level::Warn,
        &format!("nothing has worked for {seconds} s; step by step:"),
    );
    for line in findings.lines() {
        say(Level::Info, &line);
    }
    match findings.verdict() {
        Some(verdict) => {
            set(Row::State, &verdict.join(" "));
            verdict.iter().for_each(|line| say(Level::Error, line));
        }
        None => say(
            Level::Info,
            "all of that is fine by now: whoever waits tries again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::agent::doctor::findings::{State, Trouble};

    #[test]
    fn a_machine_that_gets_on_is_left_alone_and_one_that_does_not_is_not_flooded() {
        let (clock, looks) = (Clock::fake(), RefCell::new(Vec::new()));
        let at = || clock.elapsed().as_secs();
        let examine = || {
            looks.borrow_mut().push(at());
            let mut findings = Findings::default();
            let wrong = Trouble {
                step: Step::Dns,
                why: String::new(),
                remedy: String::new(),
            };
            findings.note(Step::Dns, State::Wrong(wrong));
            findings
        };
        let patience = Duration::from_secs(120);
        // Bytes move until the 300th second; it works at the 900th.
        let moved = || at().min(300);
        watch(&clock, patience, &|| at() >= 900, &moved, &examine);
        assert_eq!(*looks.borrow(), [420, 540, 660, 780]);
        looks.borrow_mut().clear();
        let done = Cell::new(0);
        watch(&clock, patience, &|| true, &|| done.replace(1), &examine);
        assert!(looks.borrow().is_empty(), "it works");
    }
}
