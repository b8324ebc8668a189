//! Time, from a clock you were given: now, sleep, random pauses, back-off; and a bell to wake a sleeper.
//!
//! A fake clock's sleeps return at once and move its time on, so that no test waits.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Tells the time and sleeps; the real one, or a fake that tests set forward.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    Real {
        started: Instant,
    },
    /// Time since the start, moved on by every sleep.
    Fake(Arc<Mutex<Duration>>),
}

impl Clock {
    /// 2020-01-01 in seconds since 1970: this program is younger, and so is every time that is right.
    pub const OLDEST: u64 = 1_577_836_800;

    /// The time of this machine.
    pub fn real() -> Self {
        Clock(Source::Real {
            started: Instant::now(),
        })
    }

    /// A clock that stands at zero and moves only when somebody sleeps on it.
    pub fn fake() -> Self {
        Clock(Source::Fake(Arc::default()))
    }

    /// Monotonic time since this clock was made.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::Real { started } => started.elapsed(),
            Source::Fake(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Seconds since 1970, as the wall clock has them.
    pub fn unix(&self) -> f64 {
        match &self.0 {
            Source::Real { .. } => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs_f64(),
            Source::Fake(_) => self.elapsed().as_secs_f64(),
        }
    }

    /// False when the wall clock cannot be right: its battery is dead, or nobody ever set it.
    pub fn is_set(&self) -> bool {
        self.unix() > Self::OLDEST as f64
    }

    /// Waits so long; a fake clock only notes it.
    pub fn sleep(&self, time: Duration) {
        match &self.0 {
            Source::Real { .. } => thread::sleep(time),
            Source::Fake(now) => *now.lock().unwrap_or_else(PoisonError::into_inner) += time,
        }
    }

    /// A uniformly random time in `range`, so that a thousand agents do not call at once.
    pub fn between(&self, range: Range<Duration>) -> Duration {
        // RandomState draws fresh keys from the kernel; 53 bits fill an f64 exactly.
        let draw = RandomState::new().build_hasher().finish() >> 11;
        let part = draw as f64 / (1u64 << 53) as f64;
        range.start + range.end.saturating_sub(range.start).mul_f64(part)
    }

    /// The pause after the `failures`-th failure in a row: random, at least `first`, at most `2^(failures-1)` s, or half as much again as
    /// `first` if that is more, and never above `cap`. Those that fail together do not come again together.
    pub fn backoff(&self, failures: u32, first: Duration, cap: Duration) -> Duration {
        let ceiling = Duration::from_secs(1 << failures.saturating_sub(1).min(16))
            .max(first + first / 2)
            .min(cap)
            .max(first);
        self.between(first..ceiling)
    }

    /// For who was asked to stay away for `time`: that, and up to a quarter of it more, for all who were asked so have been asked the same.
    pub fn not_before(&self, time: Duration) -> Duration {
        self.between(time..time + time / 4)
    }
}

/// The moment by which something outside is to be over, in real time; or none.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now; none of anything too long for a clock, [`Duration::MAX`] for one.
    pub fn within(time: Duration) -> Self {
        Deadline(Instant::now().checked_add(time))
    }

    /// This one, or one so long from now if that comes first.
    pub fn or_within(self, time: Duration) -> Self {
        let Deadline(other) = Deadline::within(time);
        Deadline(self.0.into_iter().chain(other).min())
    }

    /// The time until then; [`Duration::MAX`] where there is no such moment.
    pub fn left(self) -> Duration {
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        self.0.map_or(Duration::MAX, left)
    }

    /// Has it come?
    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }
}

/// Wakes one sleeping thread early: a ring is remembered until it is heard.
#[derive(Clone, Default)]
pub struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    /// Wakes whoever waits for it, or the next one who will.
    pub fn ring(&self) {
        let (rung, heard) = &*self.0;
        *rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        heard.notify_all();
    }

    /// Sleeps until a ring or for `time`; true for a ring.
    pub fn wait(&self, clock: &Clock, time: Duration) -> bool {
        let (rung, heard) = &*self.0;
        let mut rung = rung.lock().unwrap_or_else(PoisonError::into_inner);
        if !*rung {
            match clock.0 {
                Source::Real { .. } => {
                    rung = heard
                        .wait_timeout_while(rung, time, |rung| !*rung)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
                Source::Fake(_) => clock.sleep(time),
            }
        }
        std::mem::take(&mut *rung)
    }
}

/// Does `work` in a thread of its own, and waits for it no longer than `time`; false if it is not done
/// then, and goes on by itself. For what the kernel may hold on to for ever.
pub fn within(
    clock: &Clock,
    time: Duration,
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> bool {
    let bell = Bell::default();
    let done = bell.clone();
    let body = move || {
        work();
        done.ring();
    };
    match thread::Builder::new().name(name.to_owned()).spawn(body) {
        Ok(_) => bell.wait(clock, time),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_fake_clock_moves_only_by_sleeping() {
        let clock = Clock::fake();
        clock.sleep(90 * SECOND);
        assert_eq!(clock.elapsed(), 90 * SECOND);
        assert!(!clock.is_set() && Clock::real().is_set());
    }

    #[test]
    fn backoff_grows_to_its_cap_and_varies() {
        let clock = Clock::fake();
        for failures in 1..40 {
            let pause = clock.backoff(failures, SECOND, 60 * SECOND);
            assert!(
                pause >= SECOND && pause <= 60 * SECOND,
                "{failures}: {pause:?}"
            );
            let slow = clock.backoff(failures, 5 * SECOND, 60 * SECOND);
            assert!(slow >= 5 * SECOND, "{failures}: {slow:?}");
            let asked = clock.not_before(8 * SECOND);
            assert!(asked >= 8 * SECOND && asked <= 10 * SECOND, "{asked:?}");
        }
        for failures in [1, 7] {
            let pauses: Vec<_> = (0..20)
                .map(|_| clock.backoff(failures, 5 * SECOND, 60 * SECOND))
                .collect();
            assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]));
        }
    }

    #[test]
    fn of_two_deadlines_the_first_counts() {
        let never = Deadline::within(Duration::MAX);
        assert_eq!(never.left(), Duration::MAX);
        let soon = never.or_within(60 * SECOND);
        assert!(soon.left() <= 60 * SECOND && soon.left() > 30 * SECOND);
        assert!(soon.or_within(Duration::ZERO).is_over());
        assert!(Deadline::within(Duration::ZERO).or_within(SECOND).is_over());
        assert!(!soon.or_within(Duration::MAX).is_over());
    }

    #[test]
    fn a_ring_before_the_wait_is_heard() {
        let bell = Bell::default();
        bell.ring();
        assert!(bell.wait(&Clock::fake(), 5 * SECOND));
        assert!(!bell.wait(&Clock::fake(), 5 * SECOND));
    }

    #[test]
    fn what_hangs_is_left_behind() {
        let (let_go, hold) = std::sync::mpsc::channel::<()>();
        let hang = move || {
            let _ = hold.recv();
        };
        assert!(!within(&Clock::fake(), SECOND, "hangs", hang));
        assert!(let_go.send(()).is_ok(), "it still waits");
        assert!(within(&Clock::real(), 60 * SECOND, "works", || ()));
    }
}
