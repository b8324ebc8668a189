#![no_main]
use ironlet::net::address::dns_message::{Kind, Verdict, answer, names, question};

// A server's answer to a question of ours: what follows the question, or all of it; and names end to end.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (header, rest) = bytes.split_at(bytes.len().min(10));
    for kind in [Kind::A, Kind::Aaaa] {
        let asked = question([7, 9], "ironic.lab.test", kind).expect("a name");
        let words = answer(bytes, &asked).map(|verdict| verdict.to_string());
        assert!(words.is_none_or(|words| (1..100).contains(&words.len())));
        let message = [&asked[..2], header, &asked[2 + header.len()..], rest].concat();
        if let Some(Verdict::Addresses(found)) = answer(&message, &asked) {
            assert!(!found.is_empty() && found.iter().all(|ip| ip.is_ipv4() == matches!(kind, Kind::A)));
        }
    }
    assert!(names(bytes).is_none_or(|names| names.iter().all(|name| name.len() <= 253)));
});
