//! Attempts one after the other, at each place in turn, until one works or nothing can help.

use std::time::Duration;

use log::warn;

use crate::error::{Error, Kind, Result};
use crate::image::download::retry_policy::{Failure, Then};
use crate::image::pipeline::stage_times::{Stage, StageTimes};
use crate::image::request::Tools;

impl Tools {
    /// Tries each of `places` in turn, round after round with a random pause between, until one works,
    /// the failure is final, no place is left or patience ends; then the last error is the error.
    pub(in crate::image) fn patiently<T>(
        &self,
        places: &[String],
        meter: &StageTimes,
        attempt: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<T> {
        let mut last = Error::new(Kind::InvalidCommandParamsError, "no URL to download from");
        let mut asked = Duration::ZERO;
        let mut places: Vec<_> = places.iter().collect();
        for round in 0..=self.patience.retries {
            if round > 0 {
                let usual = self.patience.interval / 2..self.patience.interval;
                let pause = self.clock.between(usual).max(self.clock.not_before(asked));
                warn!("{last}; trying again in {:.0} s", pause.as_secs_f64());
                let why = format!("waiting for the network, attempt {}", round + 1);
                self.gauge.begin(why, None);
                meter.charge(Stage::Network, || self.clock.sleep(pause));
            }
            asked = Duration::ZERO;
            let mut left = Vec::new();
            for place in places {
                let Failure { error, then, .. } = match attempt(place) {
                    Ok(done) => return Ok(done),
                    Err(failure) => failure,
                };
                // A wrong digest says more than a server that failed after that.
                let fails = error.kind() == Kind::ImageDownloadError && then != Then::End;
                if last.kind() != Kind::ImageChecksumError || !fails {
                    last = error;
                }
                match then {
                    Then::Again => left.push(place),
                    Then::After(time) => {
                        asked = asked.max(time);
                        left.push(place);
                    }
                    Then::Elsewhere => {}
                    Then::End => return Err(last),
                }
            }
            places = left;
            if places.is_empty() {
                break;
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::disk::select::write_permit::Permit;
    use crate::image::download::retry_policy::RetryPolicy;
    use crate::net::http::client::Timeouts;
    use crate::system_root::SystemRoot;
    use crate::work_progress::WorkProgress;

    #[test]
    fn of_all_that_asked_for_a_pause_the_longest_is_kept() {
        let (clock, second) = (Clock::fake(), Duration::from_secs(1));
        let tools = Tools {
            trust: Default::default(),
            timeouts: Timeouts {
                connect: second,
                read: second,
            },
            patience: RetryPolicy {
                retries: 1,
                interval: second,
                limit: None,
            },
            permit: Permit::new(&SystemRoot::new("/"), Vec::new()),
            readback: false,
            rate: None,
            gauge: WorkProgress::new(clock.clone()),
            clock: clock.clone(),
        };
        let places = ["7", "2"].map(str::to_owned);
        let (meter, started) = (StageTimes::new(clock.clone()), clock.elapsed());
        let outcome = tools.patiently(&places, &meter, |place| {
            let asked = Then::After(second * place.parse().expect("a number"));
            Err::<(), _>(Failure::download("busy", asked))
        });
        assert_eq!(
            outcome.map_err(|error| error.kind()),
            Err(Kind::ImageDownloadError)
        );
        let waited = clock.elapsed() - started;
        assert!((second * 7..second * 9).contains(&waited), "{waited:?}");
    }
}
