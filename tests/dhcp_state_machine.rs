//! When the DHCP client asks for what, and whom it believes: on a clock that moves only when the client waits.

use std::net::Ipv4Addr;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::net::dhcp::lease::Lease;
use ironlet::net::dhcp::lease_times::Times;
use ironlet::net::dhcp::message::{Ask, Reply};
use ironlet::net::dhcp::options::{Options, put};
use ironlet::net::dhcp::state_machine::Exchange;
use ironlet::net::dhcp::step::{Change, Step, To};
use log::Level;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// A lease for so many seconds by this server; neither needs to be said.
fn lease(server: Option<Ipv4Addr>, seconds: Option<u32>) -> Lease {
    let mut options = Vec::new();
    if let Some(server) = server {
        put(&mut options, 54, &server.octets());
    }
    if let Some(seconds) = seconds {
        put(&mut options, 51, &seconds.to_be_bytes());
    }
    let options = Options::read(&options, &[], &[]);
    Lease::read(ADDRESS, &options, &mut Vec::new()).expect("a lease")
}

fn hour() -> Lease {
    lease(Some(SERVER), Some(3600))
}

fn nak(server: Option<Ipv4Addr>) -> Reply {
    let why = "no more".into();
    Reply::Nak { server, why }
}

fn request(server: Option<Ipv4Addr>) -> Step {
    let address = ADDRESS;
    Step::Send(Ask::Request { address, server }, To::Everybody)
}

const DISCOVER: Step = Step::Send(Ask::Discover, To::Everybody);

/// Lets time pass until there is something to do.
fn next(exchange: &mut Exchange, clock: &Clock) -> Step {
    for _ in 0..100 {
        match exchange.step() {
            Step::Wait(until) => {
                let now = clock.elapsed();
                assert!(until > now, "a wait that does not wait is a busy loop");
                clock.sleep(until - now);
            }
            step => return step,
        }
    }
    panic!("nothing ever happens")
}

fn warned(change: Change) -> String {
    match change {
        Change::Told(Level::Warn, why) => why,
        other => panic!("a warning, not {other:?}"),
    }
}

/// After a DISCOVER.
fn looking() -> (Exchange, Clock) {
    let clock = Clock::fake();
    let mut exchange = Exchange::new(clock.clone(), 7);
    assert_eq!(exchange.step(), DISCOVER);
    (exchange, clock)
}

/// After a REQUEST for what was offered.
fn requesting(offer: Lease) -> (Exchange, Clock) {
    let (mut exchange, clock) = looking();
    let server = offer.server;
    exchange.hear(Reply::Offer(offer));
    let asked = std::iter::repeat_with(|| next(&mut exchange, &clock));
    assert_eq!(
        asked.take(5).find(|step| *step != DISCOVER),
        Some(request(server))
    );
    (exchange, clock)
}

fn holding(lease: Lease) -> (Exchange, Clock) {
    let (mut exchange, clock) = requesting(lease.clone());
    let granted = exchange.hear(Reply::Ack(lease));
    assert!(matches!(granted, Change::Granted(_)), "{granted:?}");
    (exchange, clock)
}

#[test]
fn a_lease_is_renewed_rebound_and_given_up() {
    let (mut exchange, clock) = holding(hour());
    let extend = || Ask::Extend { address: ADDRESS };
    assert_eq!(
        next(&mut exchange, &clock),
        Step::Send(extend(), To::Server(SERVER))
    );
    assert_eq!(clock.elapsed().as_secs(), 1800);
    assert_eq!(exchange.hear(Reply::Ack(hour())), Change::Granted(hour()));
    let mut sent = Vec::new();
    loop {
        match next(&mut exchange, &clock) {
            Step::Send(_, to) => sent.push(to),
            step => {
                assert_eq!(step, Step::Expire);
                break;
            }
        }
    }
    assert_eq!(clock.elapsed().as_secs(), 1800 + 3600);
    let rebinding = sent.iter().position(|to| *to == To::Everybody);
    assert!(rebinding.is_some_and(|at| at > 1), "{sent:?}");
    assert!(sent.len() < 40, "{} is a flood", sent.len());
    assert_eq!(exchange.lease(), None);
    assert_eq!(next(&mut exchange, &clock), DISCOVER);
}

#[test]
fn a_short_lease_is_renewed_before_it_ends() {
    for seconds in [1, 2, 5, 10, 60] {
        let lease = lease(Some(SERVER), Some(seconds));
        let (mut exchange, clock) = holding(lease.clone());
        for _ in 0..20 {
            let since = clock.elapsed();
            let step = next(&mut exchange, &clock);
            assert!(
                matches!(step, Step::Send(Ask::Extend { .. }, To::Server(SERVER))),
                "{step:?}"
            );
            let waited = (clock.elapsed() - since).as_secs_f64();
            // Two seconds are the shortest there can be.
            let whole = f64::from(seconds.max(2));
            assert!(
                (0.4..0.6).contains(&(waited / whole)),
                "{seconds}: {waited}"
            );
            exchange.hear(Reply::Ack(lease.clone()));
        }
    }
}

#[test]
fn a_lease_counts_from_when_it_was_asked_for() {
    let (mut exchange, clock) = requesting(hour());
    clock.sleep(Duration::from_millis(400));
    exchange.hear(Reply::Ack(hour()));
    next(&mut exchange, &clock);
    assert_eq!(clock.elapsed().as_secs(), 1800);
}

#[test]
fn silence_is_asked_again_for_ever_and_ever_more_slowly() {
    let (mut exchange, clock) = looking();
    for _ in 0..200 {
        assert_eq!(next(&mut exchange, &clock), DISCOVER);
    }
    let hours = clock.elapsed().as_secs() as f64 / 3600.0;
    assert!((2.0..6.0).contains(&hours), "{hours}");
}

#[test]
fn an_offer_that_lacks_something_waits_for_a_better_one() {
    for (server, seconds, named) in [
        (None, Some(3600), "no server (option 54)"),
        (Some(OTHER), None, "no lease time (option 51)"),
        (None, None, "neither"),
    ] {
        let poor = lease(server, seconds);
        let (mut exchange, clock) = looking();
        let kept = exchange.hear(Reply::Offer(poor.clone()));
        assert!(
            matches!(&kept, Change::Kept(why) if why.contains(named)),
            "{kept:?}"
        );
        clock.sleep(Duration::from_secs(1));
        exchange.hear(Reply::Offer(hour()));
        assert_eq!(exchange.step(), request(Some(SERVER)), "the better one");

        // None comes. Meanwhile the question is repeated as ever.
        let (mut exchange, clock) = looking();
        exchange.hear(Reply::Offer(poor.clone()));
        let asked = std::iter::repeat_with(|| next(&mut exchange, &clock)).take(5);
        let asked: Vec<Step> = asked.take_while(|step| *step == DISCOVER).collect();
        assert!(asked.len() < 4, "{asked:?}");
        let waited = clock.elapsed().as_secs_f64();
        assert!((2.9..3.1).contains(&waited), "{waited}");
        let Change::Granted(granted) = exchange.hear(Reply::Ack(poor.clone())) else {
            panic!("it is confirmed")
        };
        let times = Times::new(seconds.unwrap_or(3600), None, None);
        assert_eq!((granted.server, granted.times), (server, Some(times)));
        // Whoever does not say who it is is asked by a broadcast.
        let to = server.map_or(To::Everybody, To::Server);
        let extend = Step::Send(Ask::Extend { address: ADDRESS }, to);
        assert_eq!(next(&mut exchange, &clock), extend);
        assert!((1790..1810).contains(&clock.elapsed().as_secs()));
    }
}

#[test]
fn what_a_confirmation_leaves_out_is_as_it_was_offered() {
    let (mut exchange, _) = requesting(lease(Some(SERVER), Some(600)));
    let granted = exchange.hear(Reply::Ack(lease(None, None)));
    assert_eq!(granted, Change::Granted(lease(Some(SERVER), Some(600))));
}

#[test]
fn a_server_that_offers_and_then_is_silent_or_refuses_is_left() {
    let (mut exchange, clock) = looking();
    exchange.hear(Reply::Offer(hour()));
    let asked: Vec<_> = (0..5).map(|_| next(&mut exchange, &clock)).collect();
    assert_eq!(asked.last(), Some(&DISCOVER));
    assert_eq!(asked[3], request(Some(SERVER)));
    exchange.hear(Reply::Offer(hour()));
    exchange.step();
    let told = "the server 192.0.2.1 refused 192.0.2.9, which it had offered (NAK, no more)";
    let refused = Change::Refused(told.to_owned());
    assert_eq!(exchange.hear(nak(Some(SERVER))), refused);
    assert!(matches!(exchange.step(), Step::Wait(_)), "not at once");
}

#[test]
fn a_refusal_of_another_server_is_none() {
    let (mut exchange, clock) = requesting(hour());
    let told = warned(exchange.hear(nak(Some(OTHER))));
    assert!(told.contains("192.0.2.1 was asked, not that one"), "{told}");
    warned(exchange.hear(Reply::Ack(lease(Some(OTHER), Some(60)))));
    assert_eq!(exchange.hear(Reply::Ack(hour())), Change::Granted(hour()));
    // Nor while the server alone is asked for more time.
    assert!(matches!(
        next(&mut exchange, &clock),
        Step::Send(_, To::Server(SERVER))
    ));
    warned(exchange.hear(nak(Some(OTHER))));
    assert_eq!(exchange.lease(), Some(&hour()));
    assert_eq!(exchange.hear(nak(Some(SERVER))), Change::TakenBack);
}

#[test]
fn a_refusal_of_nobody_in_particular_waits_for_a_confirmation() {
    for (offered, refused) in [(Some(SERVER), None), (None, Some(OTHER)), (None, None)] {
        let (mut exchange, _) = requesting(lease(offered, Some(3600)));
        warned(exchange.hear(nak(refused)));
        let granted = exchange.hear(Reply::Ack(hour()));
        assert_eq!(granted, Change::Granted(hour()), "{offered:?} {refused:?}");
        // If none comes within this try, it was meant.
        let (mut exchange, clock) = requesting(lease(offered, Some(3600)));
        warned(exchange.hear(nak(refused)));
        let began = clock.elapsed();
        assert_eq!(next(&mut exchange, &clock), DISCOVER);
        assert!(clock.elapsed() - began < Duration::from_secs(4));
    }
}

#[test]
fn refusals_without_end_are_asked_for_ever_more_slowly() {
    for server in [Some(SERVER), None] {
        let (mut exchange, clock) = looking();
        let mut asked = 0;
        while clock.elapsed() < Duration::from_secs(600) {
            exchange.hear(Reply::Offer(hour()));
            assert_eq!(next(&mut exchange, &clock), request(Some(SERVER)));
            exchange.hear(nak(server));
            assert_eq!(next(&mut exchange, &clock), DISCOVER);
            asked += 1;
        }
        assert!((8..20).contains(&asked), "{asked} in ten minutes");
        // A new cable is a new beginning.
        exchange.reconnected();
        assert_eq!(exchange.step(), DISCOVER);
    }
}

#[test]
fn after_the_cable_was_out_anybody_may_confirm_or_refuse() {
    let (mut exchange, clock) = holding(hour());
    assert_eq!(exchange.hear(nak(None)), Change::Nothing, "unasked");
    clock.sleep(Duration::from_secs(100));
    exchange.reconnected();
    // A switch port that just came up swallows the first tries: they are repeated soon.
    for _ in 0..4 {
        let sent = next(&mut exchange, &clock);
        assert!(matches!(
            sent,
            Step::Send(Ask::Extend { .. }, To::Everybody)
        ));
    }
    assert!(clock.elapsed() < Duration::from_secs(100 + 15));
    assert_eq!(exchange.hear(nak(Some(OTHER))), Change::TakenBack);
    assert_eq!(exchange.lease(), None);
}

#[test]
fn what_nobody_asked_for_changes_nothing() {
    let (mut exchange, _) = looking();
    warned(exchange.hear(Reply::Ack(hour())));
    assert_eq!(exchange.hear(nak(Some(SERVER))), Change::Nothing);
    let (mut exchange, _) = requesting(hour());
    assert_eq!(
        exchange.hear(Reply::Offer(hour())),
        Change::Nothing,
        "twice"
    );
    let another = exchange.hear(Reply::Offer(lease(Some(OTHER), Some(60))));
    assert!(
        matches!(another, Change::Told(Level::Info, _)),
        "{another:?}"
    );
    let (mut exchange, clock) = holding(hour());
    for reply in [
        Reply::Ack(lease(None, None)),
        Reply::Offer(hour()),
        nak(Some(SERVER)),
    ] {
        assert_eq!(exchange.hear(reply), Change::Nothing);
    }
    next(&mut exchange, &clock);
    let mut elsewhere = hour();
    elsewhere.address = Ipv4Addr::new(192, 0, 2, 10);
    warned(exchange.hear(Reply::Ack(elsewhere)));
    assert_eq!(exchange.lease(), Some(&hour()));
}
