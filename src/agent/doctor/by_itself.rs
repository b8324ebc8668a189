//! The examination on the console where nothing has worked for a while: again with every while that goes by, told when something else
//! is wrong first, and the same thing seldom.

use std::thread;
use std::time::Duration;

use log::{Level, warn};

use crate::agent::doctor::examination::{Patient, examine};
use crate::agent::doctor::findings::{Findings, Step};
use crate::agent::doctor::signs_of_life;
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
            &|| signs_of_life::has_worked(),
            &|| moved(&clock),
            &examine,
        );
    };
    if let Err(error) = thread::Builder::new().name("doctor".into()).spawn(body) {
        warn!("nobody will say what is wrong first: no thread for it: {error}");
    }
}

/// How often the work failed, and what of it moved: of an attempt that has moved anything nobody asks why it does not begin.
fn moved(clock: &Clock) -> (u32, u64) {
    let bytes = status::gauge().map_or(0, |gauge| gauge.sums().bytes);
    let busy = match signs_of_life::is_busy() {
        true => clock.elapsed().as_millis() as u64, // what counts is that it is another number every time
        false => 0,
    };
    (status::now().failures, bytes.wrapping_add(busy))
}

/// Until `works`: an examination after each `patience` without an attempt in which anything `moved`.
fn watch(
    clock: &Clock,
    patience: Duration,
    works: &dyn Fn() -> bool,
    moved: &dyn Fn() -> (u32, u64),
    examine: &dyn Fn() -> Findings,
) {
    let (mut since, mut before) = (clock.elapsed(), moved());
    let mut told: Option<(Option<Told>, Duration)> = None;
    loop {
        clock.sleep(LOOK);
        if works() {
            return;
        }
        let (now, so_far) = (clock.elapsed(), moved());
        match so_far.0 == before.0 {
            true if so_far.1 != before.1 => since = now,
            true => {}
            // It failed: what moved before does not count for the next attempt.
            false => before = so_far,
        }
        if now.saturating_sub(since) < patience {
            continue;
        }
        let findings = examine();
        // It may have been a matter of moments.
        let so_far = moved();
        if works() || so_far.0 == before.0 && so_far.1 != before.1 {
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
        None => {
            let failed = status::now().failure;
            let failed = failed.map_or(String::new(), |error| {
                format!("; what failed last: {error}")
            });
            let fine = "all of that is fine by now: whoever waits tries again";
            say(Level::Info, &format!("{fine}{failed}"));
        }
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
        // The first attempt moves bytes until it fails in the 300th second, all later ones fail; it works at the 890th.
        let moved = || (at().saturating_sub(270) as u32 / 30, at().min(300));
        watch(&clock, patience, &|| at() >= 890, &moved, &examine);
        assert_eq!(*looks.borrow(), [419, 539, 659, 779]);
        looks.borrow_mut().clear();
        watch(&clock, patience, &|| true, &|| (0, 0), &examine);
        assert!(looks.borrow().is_empty(), "it works");
        // One byte at the start, and a disk that takes its time.
        let (clock, begun) = (Clock::fake(), Cell::new((0, 0)));
        let moved = || begun.replace((0, 1));
        let over = || clock.elapsed().as_secs() > 9999;
        watch(&clock, patience, &over, &moved, &examine);
        assert!(looks.borrow().is_empty(), "it is at work");
    }
}
