//! Runs the agent, and whatever else process 1 keeps, as its children: started, started again when they die, and everybody's dead
//! children collected.

use std::time::Duration;

use crate::clock::Clock;
use crate::init::programs::Program;
use crate::init::rescue_logins::RescueLogins;
use crate::power::{How, power};
use crate::sys::kernel::{Ended, Signal, Signals, reap};
use crate::system_root::SystemRoot;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A program that lived this long was well: the pauses start anew.
const WELL: Duration = Duration::from_secs(60);

/// One program, which is to run.
struct Child {
    program: Program,
    state: State,
    deaths: u32,
    /// It is never done: an end without a failure is the end of somebody's session.
    is_service: bool,
}

/// What it is at.
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
pub fn supervise(
    host: &SystemRoot,
    clock: &Clock,
    signals: &Signals,
    mut logins: RescueLogins,
) -> ! {
    let mut agent = Child::new(Program::agent(host), false);
    let mut services: Vec<Child> = logins.by_key().into_iter().map(Child::service).collect();
    loop {
        let all = [&mut agent].into_iter().chain(&mut services);
        let left = all.filter_map(|child| child.go_on(clock)).min();
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
            let mut all = [&mut agent].into_iter().chain(&mut services);
            if let Some(child) = all.find(|child| child.pid() == Some(dead)) {
                child.ended(ended, clock.elapsed());
            }
        }
        if matches!(agent.state, State::Done) {
            services.extend(logins.by_password().into_iter().map(Child::service));
        }
    }
}

impl Child {
    fn new(program: Program, is_service: bool) -> Self {
        Child {
            program,
            state: State::Due(Duration::ZERO),
            deaths: 0,
            is_service,
        }
    }

    fn service(program: Program) -> Self {
        Child::new(program, true)
    }

    fn pid(&self) -> Option<u32> {
        match self.state {
            State::Running { pid, .. } => Some(pid),
            State::Due(_) | State::Done => None,
        }
    }

    /// Starts it if that is due; the time until it is.
    fn go_on(&mut self, clock: &Clock) -> Option<Duration> {
        let State::Due(at) = self.state else {
            return None;
        };
        let now = clock.elapsed();
        if at > now {
            return Some(at - now);
        }
        match self.program.start() {
            Ok(pid) => {
                self.state = State::Running { pid, since: now };
                None
            }
            Err(error) => {
                self.deaths += 1;
                let pause = pause(self.deaths);
                log::error!(
                    "starting {}: {error}; again in {} s",
                    self.program.name,
                    pause.as_secs()
                );
                self.state = State::Due(now + pause);
                Some(pause)
            }
        }
    }

    fn ended(&mut self, ended: Ended, now: Duration) {
        let State::Running { since, .. } = self.state else {
            return;
        };
        let name = &self.program.name;
        if ended == Ended::Exit(0) && !self.is_service {
            log::info!("{name} is done; the machine stays as it is until somebody switches it");
            self.state = State::Done;
            return;
        }
        let lived = now.saturating_sub(since);
        self.deaths = match lived >= WELL {
            true => 1,
            false => self.deaths + 1,
        };
        let pause = pause(self.deaths);
        if !self.is_service || ended != Ended::Exit(0) {
            log::error!(
                "{name} {} after {} s; again in {} s",
                words(ended),
                lived.as_secs(),
                pause.as_secs()
            );
        }
        self.state = State::Due(now + pause);
    }
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
        let now = Duration::from_secs(1000);
        let died = |since| {
            let mut child = child(false, since);
            child.deaths = 5;
            child.ended(Ended::Signal(9), now);
            child.state
        };
        let [State::Due(short), State::Due(long)] = [990, 100].map(died) else {
            panic!("it is started again")
        };
        assert_eq!((short - now).as_secs(), 30);
        assert_eq!((long - now).as_secs(), 1);
    }

    #[test]
    fn only_success_is_the_end_and_of_a_service_not_even_that() {
        let ends = |is_service, ended| {
            let mut child = child(is_service, 0);
            child.ended(ended, Duration::ZERO);
            matches!(child.state, State::Done)
        };
        assert!(ends(false, Ended::Exit(0)));
        assert!(!ends(false, Ended::Exit(1)));
        assert!(!ends(true, Ended::Exit(0)));
        assert!(words(Ended::Signal(9)).contains("signal 9 (SIGKILL"));
    }

    #[test]
    fn what_cannot_be_started_is_tried_again_later() {
        let clock = Clock::fake();
        let mut child = Child::service(Program::ssh_server(&SystemRoot::new("/nonexistent")));
        assert_eq!(child.go_on(&clock), Some(FIRST_PAUSE));
        clock.sleep(FIRST_PAUSE);
        assert_eq!(child.go_on(&clock), Some(2 * FIRST_PAUSE));
        assert_eq!(child.pid(), None);
    }

    fn child(is_service: bool, since: u64) -> Child {
        let since = Duration::from_secs(since);
        Child {
            state: State::Running { pid: 7, since },
            ..Child::new(Program::agent(&SystemRoot::new("/nonexistent")), is_service)
        }
    }
}
