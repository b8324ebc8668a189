#![no_main]
use ironlet::inventory::bmc::find;
use ironlet::inventory::ipmi::content;
use ironlet::sys::ipmi::Reply;

// A management controller that answers as it likes: each answer is a length and so many bytes; when they are used up it is silent.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut rest, mut asked) = (bytes, 0);
    let found = find(&mut |function, command, _| {
        asked += 1;
        let (length, after) = rest.split_first()?;
        let (data, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        let reply = Reply { is_response: true, id: asked, function: function | 1, command, data: data.to_vec() };
        content(reply, asked, function, command)?
    });
    assert!(asked <= 11 * 100);
    assert!(found.ipv4.is_none_or(|address| !address.is_unspecified()));
    assert!(found.ipv6.is_none_or(|address| !address.is_unspecified()));
    assert!(found.mac.is_none_or(|mac| mac.len() == 17 && mac != "00:00:00:00:00:00"));
});
