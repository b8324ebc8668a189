//! Files of authorities, and what of a certificate is read by ourselves.
#![no_main]

use ironlet::net::tls::pem::certificates;
use ironlet::net::tls::x509::Fields;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Fields::of(bytes);
    for one in certificates(bytes).into_iter().flatten() {
        let _ = Fields::of(&one.der);
    }
});
