#![no_main]
use ironlet::redaction::clean;
use ironlet::syslog::Destination;
use ironlet::syslog::message::{Line, Origin, framed, message};

// Text of anybody's on its way out of the machine: a secret behind its name is gone wherever it stands, a message is one line that
// a server can take, and a destination means the same when it is read again.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = clean(bytes);
    let hidden = clean(format!("{text}\nipa-agent-token=Sesame7 x\n").as_bytes());
    assert!(hidden.ends_with("\nipa-agent-token=(secret) x\n"), "{hidden:?}");
    let origin = Origin {
        host_name: text.chars().take(300).collect(),
        process: 1,
    };
    if let Some(line) = Line::parse(&text) {
        let sent = message(&line, &origin, Some(line.uptime.as_secs_f64()), 1);
        assert!(sent.len() <= 2000 && sent.starts_with('<'));
        assert_eq!(framed(&sent).split_once(' ').map(|(length, rest)| (length.parse(), rest.len())), Some((Ok(sent.len()), sent.len())));
    }
    if let Ok(to) = Destination::parse(&text) {
        assert_eq!(Destination::parse(&to.to_string()), Ok(to));
    }
});
