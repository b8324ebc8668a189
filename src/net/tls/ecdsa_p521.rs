//! Signatures by NIST P-521 keys, which ring does not know: servers and authorities of some companies have them.

use p521::ecdsa::signature::Verifier;
use p521::ecdsa::signature::hazmat::PrehashVerifier;
use p521::ecdsa::{DerSignature, VerifyingKey};
use rustls::SignatureScheme;
use rustls::crypto::hash::Output;
use rustls::crypto::ring::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384};
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// Does this key's DER say that it is on P-521? secp521r1, OBJECT 1.3.132.0.35.
pub fn is_named_in(key: &[u8]) -> bool {
    const NAME: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x23];
    key.windows(NAME.len()).any(|some| some == NAME)
}

/// P-521 and one of the three digests certificates are signed with.
#[derive(Debug)]
struct Ecdsa(Hash);

#[derive(Clone, Copy, Debug)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

type Verifiers = &'static [&'static dyn SignatureVerificationAlgorithm];

/// For certificates; `openssl req` signs with SHA-256 unless told otherwise, whatever the key.
pub const ALL: Verifiers = &[
    &Ecdsa(Hash::Sha256),
    &Ecdsa(Hash::Sha384),
    &Ecdsa(Hash::Sha512),
];

/// For handshakes (RFC 8446 §4.2.3).
pub const IN_TLS: &[(SignatureScheme, Verifiers)] = &[(
    SignatureScheme::ECDSA_NISTP521_SHA512,
    &[&Ecdsa(Hash::Sha512)],
)];

impl SignatureVerificationAlgorithm for Ecdsa {
    fn verify_signature(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = DerSignature::try_from(signature).map_err(|_| InvalidSignature)?;
        let verdict = match self.0 {
            Hash::Sha512 => key.verify(message, &signature),
            hash => key.verify_prehash(digest(hash, message).as_ref(), &signature),
        };
        verdict.map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self.0 {
            Hash::Sha256 => alg_id::ECDSA_SHA256,
            Hash::Sha384 => alg_id::ECDSA_SHA384,
            Hash::Sha512 => alg_id::ECDSA_SHA512,
        }
    }
}

fn digest(hash: Hash, message: &[u8]) -> Output {
    let suite = match hash {
        Hash::Sha256 => &TLS13_AES_128_GCM_SHA256,
        _ => &TLS13_AES_256_GCM_SHA384,
    };
    let suite = suite.tls13().expect("it is one of TLS 1.3");
    suite.common.hash_provider.hash(message)
}
