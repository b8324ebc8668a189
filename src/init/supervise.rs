//! Runs the agent as a child of pid 1: started, started again when it dies, and everybody's dead children collected.

use std::process::Command;
use std::time::Duration;

use crate::clock::Clock;
use crate::power::{How, power};
use crate::sys::kernel::{Ended, Signal, Signals, reap};
use crate::system_root::SystemRoot;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// An agent that lived this long was well: the pauses start anew.
const WELL: Duration = Duration::from_secs(60);

/// What the agent is at.
enum State {
    Running {
        pid: u32,
        since: Duration,
    },
    /// To be started at this time of the clock.
    Due(Duration),
    /// It ended with 0: what it had to do is done.
    Done,
}

/// Keeps the agent alive and answers Ctrl-Alt-Del, for as long as the machine runs.
pub fn supervise(host: &SystemRoot, clock: &Clock, signals: &Signals) -> ! {
    let mut state = State::Due(Duration::ZERO);
    let mut deaths = 0;
    loop {
        let left = match state {
            State::Due(at) => {
                let left = at.saturating_sub(clock.elapsed());
                if left.is_zero() {
                    state = start(host, clock, &mut deaths);
                    continue;
                }
                Some(left)
            }
            State::Running { .. } | State::Done => None,
        };
        match signals.wait(left) {
            Some(Signal::Interrupt) => {
                log::warn!("Ctrl-Alt-Del");
                if let Err(error) = power(host, clock, How::Reboot) {
                    log::error!("{error}");
                }
            }
            Some(Signal::Child) | None => {}
        }
        while let Some((dead, ended)) = reap() {
            if let State::Running { pid, since } = state
                && pid == dead
            {
                state = after(ended, clock.elapsed(), since, &mut deaths);
            }
        }
    }
}

fn start(host: &SystemRoot, clock: &Clock, deaths: &mut u32) -> State {
    // Unknown parameters of the kernel command line are in pid 1's environment, a token among them.
    let program = host.proc("self/exe");
    match Command::new(&program).arg("--agent").env_clear().spawn() {
        Ok(child) => State::Running {
            pid: child.id(),
            since: clock.elapsed(),
        },
        Err(error) => {
            *deaths += 1;
            let pause = pause(*deaths);
            log::error!(
                "starting the agent: {error}; again in {} s",
                pause.as_secs()
            );
            State::Due(clock.elapsed() + pause)
        }
    }
}

fn after(ended: Ended, now: Duration, since: Duration, deaths: &mut u32) -> State {
    if ended == Ended::Exit(0) {
        log::info!("the agent is done; the machine stays as it is until somebody switches it");
        return State::Done;
    }
    *deaths = match now.saturating_sub(since) >= WELL {
        true => 1,
        false => *deaths + 1,
    };
    let pause = pause(*deaths);
    log::error!(
        "the agent {} after {} s; again in {} s",
        words(ended),
        now.saturating_sub(since).as_secs(),
        pause.as_secs()
    );
    State::Due(now + pause)
}

fn pause(deaths: u32) -> Duration {
    (FIRST_PAUSE * (1 << deaths.saturating_sub(1).min(5))).min(LONGEST_PAUSE)
}

fn words(ended: Ended) -> String {
    // signal(7), the numbers that x86 and ARM share.
    let (number, name) = match ended {
        Ended::Exit(code) => return format!("ended with code {code}"),
        Ended::Signal(4) => (4, "SIGILL, an instruction this processor does not have"),
        Ended::Signal(6) => (6, "SIGABRT, an error of its own; the lines above say more"),
        Ended::Signal(7) => (7, "SIGBUS, memory or a mapped file that went away"),
        Ended::Signal(9) => (9, "SIGKILL, which the kernel sends when memory runs out"),
        Ended::Signal(11) => (11, "SIGSEGV, a bad memory access"),
        Ended::Signal(number) => (number, "see signal(7)"),
    };
    format!("was killed by signal {number} ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute_and_start_anew_after_a_good_run() {
        let pauses: Vec<_> = (1..9).map(|deaths| pause(deaths).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
        let (mut deaths, now) = (5, Duration::from_secs(1000));
        let died = |since| {
            after(
                Ended::Signal(9),
                now,
                Duration::from_secs(since),
                &mut deaths,
            )
        };
        let [State::Due(short), State::Due(long)] = [990, 100].map(died) else {
            panic!("it is started again")
        };
        assert_eq!((short - now).as_secs(), 30);
        assert_eq!((long - now).as_secs(), 1);
    }

    #[test]
    fn only_success_is_the_end() {
        let mut deaths = 0;
        let mut ends = |ended| after(ended, Duration::ZERO, Duration::ZERO, &mut deaths);
        assert!(matches!(ends(Ended::Exit(0)), State::Done));
        assert!(matches!(ends(Ended::Exit(1)), State::Due(_)));
        assert!(words(Ended::Signal(9)).contains("signal 9 (SIGKILL"));
    }
}
