#![no_main]

use ironlet::codec::blake2b;
use ironlet::image::verify::minisign::{Key, Of, Signature, verify};

// A signature as any server may send it: nothing but what the key's owner made is one.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let key = include_str!("../../fixtures/minisign/key.pub");
    let keys = [Key::parse(key.lines().last().unwrap_or_default()).expect("minisign made it")];
    let signed = include_bytes!("../../fixtures/minisign/order.json");
    if verify(&keys, signed, bytes).is_ok() {
        let text = String::from_utf8_lossy(bytes);
        let real = [
            include_str!("../../fixtures/minisign/hashed.minisig"),
            include_str!("../../fixtures/minisign/legacy.minisig"),
        ];
        let trusted = |text: &str| text.lines().nth(2).map(str::to_owned);
        assert!(real.iter().any(|real| trusted(real) == trusted(&text)));
    }
    // Of an image that passes, nothing of the old kind, nor one that is of other bytes.
    if let Ok(signature) = Signature::read(&keys, bytes, Of::Stream) {
        assert_eq!(signature.comment(), "serial 7\tfile:order.json");
        assert!(!signature.is_of(signed) && signature.is_of(&blake2b::digest(signed)));
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(Key::parse(&text).is_ok(), Key::all(std::slice::from_ref(&text), "k").is_ok());
    // However it comes, a digest is the same.
    let mut pieces = blake2b::Blake2b::new();
    bytes.chunks(100).for_each(|piece| pieces.update(piece));
    assert!(pieces.finish() == blake2b::digest(bytes));
});
