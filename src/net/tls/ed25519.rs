//! Ed25519 signatures (RFC 8032), verified by the provider that TLS has anyway: for what is signed by minisign.

use rustls::crypto::ring::default_provider;
use rustls::pki_types::alg_id;

/// Did the owner of `key`, 32 bytes, sign `message`? `signature` has 64 bytes; anything else is none.
pub fn is_signed(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let known = default_provider().signature_verification_algorithms.all;
    let mut ours = known
        .iter()
        .filter(|one| one.public_key_alg_id() == alg_id::ED25519);
    ours.any(|one| one.verify_signature(key, message, signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::hex::decode;

    #[test]
    fn a_signature_is_of_one_key_and_one_message() {
        // RFC 8032, 7.1, test 2
        let bytes = |digits: &str| decode(digits).expect("digits");
        let key = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = bytes(concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ));
        assert!(is_signed(&key, b"\x72", &signature));
        assert!(!is_signed(&key, b"\x73", &signature));
        assert!(!is_signed(&[0; 32], b"\x72", &signature));
        for at in 0..signature.len() {
            let mut other = signature.clone();
            other[at] ^= 1;
            assert!(!is_signed(&key, b"\x72", &other), "byte {at}");
        }
        assert!(!is_signed(&key[1..], b"\x72", &signature));
        assert!(!is_signed(&key, b"\x72", &signature[1..]));
        assert!(!is_signed(&[], b"", &[]));
    }
}
