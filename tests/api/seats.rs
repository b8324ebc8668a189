//! Who keeps whom out: clients without the token never one with it, and nobody who has gone.

use std::fs;
use std::time::{Duration, Instant};

use ironlet::clock::Clock;
use ironlet::codec::json::{Value, print};

use crate::caller::{Api, DEPLOY, SECOND, SHORT, TOKEN, listed};
use crate::support::fake_agent::text_at;

/// All of them from one address, as if behind one NAT with the conductor.
#[test]
fn who_never_reads_keeps_nobody_out() {
    let api = Api::start();
    let mut slowest = Duration::ZERO;
    let mut calls = || {
        for _ in 0..20 {
            let began = Instant::now();
            listed(&api);
            slowest = slowest.max(began.elapsed());
        }
    };
    calls();
    let pipelined = "GET /v1/status HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2000);
    let greedy: Vec<_> = (0..100)
        .map(|_| {
            let mut client = api.client();
            client.0.set_nonblocking(true).expect("it is a socket");
            client.send(&pipelined);
            client
        })
        .collect();
    calls();
    drop(greedy);
    println!("the slowest call took {} ms", slowest.as_millis());
    assert!(slowest < SECOND, "{slowest:?}");
}

#[test]
fn a_client_that_hangs_up_while_it_waits_gives_back_its_seat() {
    let (api, go) = Api::holding(|limits| limits.connections = 4);
    let running = api.command("POST", "", "", DEPLOY);
    let page = format!("/v1/commands/{}?wait=true", text_at(&running, &["id"]));
    let began = Instant::now();
    for _ in 0..5 {
        for _ in 0..4 {
            let mut client = api.client();
            client.request("GET", &format!("{page}&agent_token={TOKEN}"), "");
            // It is being served when the next one comes.
            std::thread::sleep(SHORT / 10);
        }
        // All four have hung up, and each had a tenth of a second to read on.
        std::thread::sleep(SHORT * 2);
        assert_eq!(listed(&api).len(), 1);
    }
    assert!(began.elapsed() < 10 * SECOND);
    let threads = fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let names = threads.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    // Other tests run in this process as well, but not twenty requests at once.
    let waiting = names.filter(|name| name.trim() == "api-request").count();
    assert!(waiting < 20, "{waiting} threads wait for nobody");
    drop(go);
}

/// System logs are megabytes, and each conductor that times out asks again.
#[test]
fn a_result_nobody_read_is_not_kept() {
    let mut around = crate::support::fake_agent::Surroundings::new();
    around.clock = Clock::real();
    fs::write(around.host.proc("cmdline"), noise()).expect("a file in the scratch");
    let api = Api::with(around, |_| ());
    let logs = r#"{"name":"log.collect_system_logs","params":{}}"#;
    for _ in 0..3 {
        let mut client = api.client();
        let target = format!("/v1/commands/?wait=true&agent_token={TOKEN}");
        client.request("POST", &target, logs);
        drop(client);
    }
    let deadline = Instant::now() + 10 * SECOND;
    loop {
        let commands = listed(&api);
        let size = print(&Value::Array(commands.iter().cloned().collect())).len();
        if commands.len() == 3 && size < 10_000 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{} commands, {size} bytes",
            commands.len()
        );
        std::thread::sleep(SHORT / 10);
    }
}

/// What no archive makes small.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let byte = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        b'!' + (state >> 33) as u8 % 90
    };
    std::iter::repeat_with(byte).take(200_000).collect()
}
