//! Deploys without Ironic: what an order says, or the image named on the kernel command line, is written and booted, again and again
//! until it works.

use std::time::Duration;

use log::{error, info, warn};

use crate::agent::doctor::signs_of_life;
use crate::agent::order_desk::{Desk, Ordered};
use crate::agent::order_progress::Progress;
use crate::agent::{Agent, effective_config, screen_status};
use crate::clock::Clock;
use crate::disk::select::seen_disks::Seen;
use crate::error::Result;
use crate::logger::status::{self, Phase, Row, set};
use crate::order::{Then, Unready};
use crate::power::{How, going, power};
use crate::system_root::SystemRoot;

/// Between two attempts: a server that was off for a minute should not cost an hour.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);
/// Whoever mends an order wants to see what comes of it.
const LONGEST_WITHOUT_ORDER: Duration = Duration::from_secs(20);

/// Does what is ordered, then goes; a failure is told and tried again for ever, by whatever the order says by then. `disks` are those
/// that were there at the start.
pub(super) fn run(agent: &Agent, disks: Seen) -> Result<()> {
    let tools = effective_config::tools(&agent.config, None, agent.permit.clone(), &agent.clock)?;
    screen_status::follow(&agent.host, tools.gauge.clone(), &agent.clock);
    let _page = agent.serve_page();
    let desk = Desk::new(agent, disks, tools)?;
    let (mut failures, mut progress) = (0, Progress::default());
    loop {
        status::phase(Phase::Working);
        let order = desk.order();
        if order
            .as_ref()
            .is_ok_and(|ordered| progress.is_of_another(&ordered.bytes))
        {
            failures = 0;
        }
        let (what, cap) = match order {
            Ok(_) => ("the deploy failed", LONGEST),
            Err(_) => ("no order can be carried out", LONGEST_WITHOUT_ORDER),
        };
        let outcome = order.and_then(|Ordered { order, .. }| {
            set(Row::State, &format!("deploying {}", order.request.id));
            Ok(desk.carry_out(&order, &mut progress)?)
        });
        let Unready { error, after } = match outcome {
            Ok(then) => {
                signs_of_life::works();
                return leave(&agent.host, &agent.clock, then);
            }
            Err(unready) => unready,
        };
        failures += 1;
        status::failed(&error);
        let usual = agent.clock.backoff(failures, SHORTEST, cap);
        let pause = agent.clock.not_before(after).max(usual);
        error!(
            "{what} (attempt {failures}): {error}; next in {:.0} s",
            pause.as_secs_f64()
        );
        set(Row::State, &format!("{what}, trying again soon: {error}"));
        agent.clock.sleep(pause);
    }
}

/// The disk is done: whatever keeps the machine on, it is not written again.
fn leave(host: &SystemRoot, clock: &Clock, then: Then) -> Result<()> {
    let mut how = match then {
        Then::PowerOff => How::Off,
        Then::Reboot => How::Reboot,
        Then::Kexec => How::Kexec,
        Then::Wait => {
            info!("the image is on the disk; the machine stays on, as ordered");
            set(
                Row::State,
                "done: the image is on the disk; waiting to be switched off",
            );
            status::end(clock);
            loop {
                clock.sleep(LONGEST);
            }
        }
    };
    set(Row::State, going(how));
    status::end(clock);
    if how == How::Kexec
        && let Err(error) = power(host, clock, how)
    {
        warn!("{error}: the machine is restarted instead");
        how = How::Reboot;
    }
    while let Err(error) = power(host, clock, how) {
        error!(
            "the image is on the disk, but: {error}; next try in {:.0} s",
            LONGEST.as_secs_f64()
        );
        clock.sleep(LONGEST);
    }
    Ok(())
}
