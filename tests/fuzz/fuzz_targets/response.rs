#![no_main]
use ironlet::net::http::chunked::Chunked;
use std::io::Read;

use ironlet::net::http::content_coding::{Coding, Undone};
use ironlet::net::http::response_head::{CLEAN_LIMIT, Complete, ResponseHead};

// An answer, cut into pieces by its first byte: head and chunks are the same however it is cut, and never more than what came.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((size, answer)) = bytes.split_first() else { return };
    let (whole, cut) = (read(answer, answer.len().max(1)), read(answer, usize::from(*size).max(1)));
    assert!(whole == cut, "{whole:?} {cut:?}");
    let Some((Complete { head, rest }, data)) = whole else { return };
    assert!(head.len() <= CLEAN_LIMIT && head.ends_with(b"\r\n\r\n") && head.starts_with(b"HTTP/1."));
    assert!(data.is_none_or(|data| data.len() <= rest.len()));
    let text = String::from_utf8_lossy(&head);
    assert!(text.lines().all(|line| !line.starts_with([' ', '\t'])), "a fold is left");
    let mut plain = Vec::new();
    let _ = Undone::new(&Coding::of(&text), &rest[..]).take(1 << 20).read_to_end(&mut plain);
});

// The head with what came behind it, and the data in that, if it is chunks.
fn read(answer: &[u8], size: usize) -> Option<(Complete, Option<Vec<u8>>)> {
    let mut head = ResponseHead::default();
    let mut pieces = answer.chunks(size);
    let mut complete = pieces.by_ref().find_map(|piece| head.take(piece).transpose())?.ok()?;
    let early = complete.rest.len();
    complete.rest.extend(pieces.clone().flatten());
    let (mut chunked, mut data) = (Chunked::default(), Vec::new());
    let first = complete.rest[..early].to_vec();
    let passed = std::iter::once(first).chain(pieces.map(<[u8]>::to_vec)).try_for_each(|mut piece| {
        let count = chunked.pass(&mut piece)?;
        data.extend_from_slice(&piece[..count]);
        Ok::<(), ironlet::net::http::fault::Fault>(())
    });
    Some((complete, passed.is_ok().then_some(data)))
}
