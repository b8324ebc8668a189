//! The DHCPv6 client's conversation on a fake clock: what it asks when, and whom it believes.

use std::net::Ipv6Addr;
use std::time::Duration;

use ironlet::clock::Clock;
use ironlet::net::dhcpv6::answer::{Answer, Granted};
use ironlet::net::dhcpv6::exchange::Exchange;
use ironlet::net::dhcpv6::message::{Ask, Kind};
use ironlet::net::dhcpv6::step::{Change, Mode, Step};

fn ip(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last)
}

/// An offer of `last` by the server of that number, of that preference.
fn offer(server: u8, preference: u8, last: u16) -> Answer {
    Answer {
        advertised: true,
        server: vec![server; 10],
        preference,
        addresses: vec![Granted {
            ip: ip(last),
            valid: 120,
        }],
        ..Answer::default()
    }
}

fn grant(server: u8, last: u16) -> Answer {
    Answer {
        advertised: false,
        ..offer(server, 0, last)
    }
}

fn refusal(server: u8, code: u16) -> Answer {
    Answer {
        advertised: false,
        server: vec![server; 10],
        status: Some((code, "no".into())),
        ..Answer::default()
    }
}

struct Talk {
    clock: Clock,
    exchange: Exchange,
}

impl Talk {
    fn new(mode: Mode) -> Self {
        let clock = Clock::fake();
        let exchange = Exchange::new(clock.clone(), mode, [0xff; 3]);
        Talk { clock, exchange }
    }

    /// The next question, and the seconds until it.
    fn asks(&mut self) -> (Ask, f64) {
        let from = self.clock.elapsed();
        loop {
            match self.exchange.step() {
                Step::Send(ask) => return (ask, (self.clock.elapsed() - from).as_secs_f64()),
                Step::Wait(until) => {
                    let now = self.clock.elapsed();
                    self.clock.sleep(until.saturating_sub(now));
                }
                Step::Expire => panic!("nothing is held"),
            }
        }
    }

    fn kind(&mut self) -> Kind {
        self.asks().0.kind
    }

    /// Holds `last`, which the server 1 granted.
    fn holding(last: u16) -> Self {
        let mut talk = Talk::new(Mode::Stateful);
        assert_eq!(talk.kind(), Kind::Solicit);
        assert_eq!(talk.exchange.hear(offer(1, 255, last)), Change::Nothing);
        assert_eq!(talk.kind(), Kind::Request);
        assert!(matches!(
            talk.exchange.hear(grant(1, last)),
            Change::Granted(_)
        ));
        assert_eq!(talk.exchange.addresses(), [ip(last)]);
        talk
    }
}

#[test]
fn of_several_servers_the_preferred_one_is_asked_and_then_the_next() {
    let mut talk = Talk::new(Mode::Stateful);
    assert_eq!(talk.kind(), Kind::Solicit);
    for answer in [
        offer(1, 0, 1),
        offer(2, 7, 2),
        offer(3, 0, 3),
        offer(2, 9, 9),
    ] {
        assert_eq!(talk.exchange.hear(answer), Change::Nothing);
    }
    // All of the first second is theirs.
    let (ask, after) = talk.asks();
    assert!(
        ask.kind == Kind::Request && (1.0..1.2).contains(&after),
        "{ask:?} {after}"
    );
    assert_eq!(
        (ask.server, ask.addresses),
        (Some(vec![2; 10]), vec![ip(2)])
    );
    // Another's word counts for nothing; its own no is a no, and so is silence.
    assert!(matches!(talk.exchange.hear(grant(1, 1)), Change::Told(_)));
    assert!(matches!(talk.exchange.hear(refusal(2, 2)), Change::Told(_)));
    for server in [1, 3] {
        for _ in 0..4 {
            let (ask, _) = talk.asks();
            assert_eq!(
                (ask.kind, ask.server),
                (Kind::Request, Some(vec![server; 10]))
            );
        }
    }
    assert_eq!(talk.kind(), Kind::Solicit, "from the beginning");
}

#[test]
fn silence_makes_pauses_longer_and_a_late_offer_is_taken_at_once() {
    let mut talk = Talk::new(Mode::Stateful);
    assert_eq!(talk.kind(), Kind::Solicit);
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let (ask, pause) = talk.asks();
        assert_eq!(ask.kind, Kind::Solicit);
        pauses.push(pause);
    }
    assert!(
        pauses[0] >= 1.0 && pauses[3] > 6.0 && pauses[9] <= 132.0,
        "{pauses:?}"
    );
    assert!(matches!(talk.exchange.hear(refusal(1, 2)), Change::Told(_)));
    let nothing = Answer {
        addresses: Vec::new(),
        ..offer(1, 0, 1)
    };
    assert!(matches!(talk.exchange.hear(nothing), Change::Told(_)));
    talk.exchange.hear(offer(1, 0, 1));
    let (ask, pause) = talk.asks();
    assert_eq!((ask.kind, pause), (Kind::Request, 0.0));
}

#[test]
fn a_lease_is_renewed_rebound_and_given_up_in_time() {
    // Pauses are random.
    for _ in 0..200 {
        renewed_rebound_and_given_up();
    }
}

fn renewed_rebound_and_given_up() {
    let mut talk = Talk::holding(7);
    let (ask, after) = talk.asks();
    assert_eq!((ask.kind, ask.server), (Kind::Renew, Some(vec![1; 10])));
    assert!(
        (59.0..61.0).contains(&after),
        "half of two minutes: {after}"
    );
    // Another server has no say before any is asked.
    assert_eq!(talk.exchange.hear(refusal(2, 3)), Change::Nothing);
    assert_eq!(talk.exchange.hear(grant(2, 9)), Change::Nothing);
    let mut asked = after;
    let ask = loop {
        let (ask, after) = talk.asks();
        asked += after;
        if ask.kind != Kind::Renew {
            break ask;
        }
    };
    assert_eq!((ask.kind, ask.server), (Kind::Rebind, None));
    assert!((104.0..106.5).contains(&asked), "seven eighths: {asked}");
    assert!(matches!(
        talk.exchange.hear(grant(2, 7)),
        Change::Granted(_)
    ));
    assert_eq!(talk.exchange.addresses(), [ip(7)]);
    loop {
        match talk.exchange.step() {
            Step::Send(_) => {}
            Step::Wait(until) => {
                let now = talk.clock.elapsed();
                talk.clock.sleep(until.saturating_sub(now));
            }
            Step::Expire => break,
        }
    }
    assert!(talk.exchange.addresses().is_empty());
    assert_eq!(talk.kind(), Kind::Solicit);
}

#[test]
fn what_the_server_takes_back_is_given_up() {
    for answer in [
        refusal(1, 3),
        Answer {
            addresses: vec![Granted {
                ip: ip(7),
                valid: 0,
            }],
            ..grant(1, 7)
        },
    ] {
        let mut talk = Talk::holding(7);
        // Nobody asked.
        assert_eq!(talk.exchange.hear(answer.clone()), Change::Nothing);
        assert_eq!(talk.kind(), Kind::Renew);
        assert!(matches!(talk.exchange.hear(answer), Change::TakenBack(_)));
        assert_eq!(talk.kind(), Kind::Solicit);
    }
}

#[test]
fn another_cable_is_asked_whether_the_addresses_hold() {
    let mut talk = Talk::holding(7);
    talk.exchange.reconnected();
    let (ask, _) = talk.asks();
    assert_eq!(
        (ask.kind, ask.server, ask.addresses),
        (Kind::Confirm, None, vec![ip(7)])
    );
    let fine = Answer {
        addresses: Vec::new(),
        ..grant(9, 7)
    };
    assert_eq!(talk.exchange.hear(fine), Change::Nothing);
    assert_eq!(talk.kind(), Kind::Renew);
    // Nobody answers: they are believed.
    talk.exchange.reconnected();
    let mut confirms = 0;
    while talk.kind() == Kind::Confirm {
        confirms += 1;
    }
    assert!((3..10).contains(&confirms), "{confirms}");
    assert_eq!(talk.exchange.addresses(), [ip(7)]);
    // Any server may say no.
    talk.exchange.reconnected();
    assert_eq!(talk.kind(), Kind::Confirm);
    assert!(matches!(
        talk.exchange.hear(refusal(9, 4)),
        Change::TakenBack(_)
    ));
}

#[test]
fn an_address_that_another_has_is_declined() {
    let mut talk = Talk::holding(7);
    let ask = talk.exchange.decline(ip(7)).expect("it is ours");
    assert_eq!((ask.kind, ask.server), (Kind::Decline, Some(vec![1; 10])));
    assert_eq!(talk.exchange.decline(ip(7)), None);
    assert_eq!(talk.kind(), Kind::Solicit);
}

#[test]
fn without_addresses_it_is_asked_once_and_again_in_time() {
    let mut talk = Talk::new(Mode::Stateless);
    assert_eq!(talk.kind(), Kind::Information);
    // An offer is no answer to it.
    assert_eq!(talk.exchange.hear(offer(1, 0, 1)), Change::Nothing);
    let told = Answer {
        addresses: Vec::new(),
        refresh: Some(1),
        ..grant(1, 1)
    };
    assert!(matches!(
        talk.exchange.hear(told.clone()),
        Change::Granted(_)
    ));
    let (ask, after) = talk.asks();
    assert_eq!(ask.kind, Kind::Information);
    assert!(
        (599.0..601.0).contains(&after),
        "no sooner than ten minutes: {after}"
    );
    assert!(matches!(talk.exchange.hear(told), Change::Granted(_)));
    talk.exchange.reconnected();
    assert_eq!(talk.asks().1, 0.0);
    assert!(talk.exchange.waited() < Duration::from_secs(1));
}
