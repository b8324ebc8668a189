#![no_main]
use ironlet::api::{head, route::Action};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = head::chunk_size(bytes);
    if let Ok(Some(length)) = head::end(bytes, 0)
        && let Ok(head) = head::Head::parse(&bytes[..length])
        && let Action::Redirect(target) = Action::new(&head.method, &head.target, None)
    {
        assert!(target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic()));
    }
});
