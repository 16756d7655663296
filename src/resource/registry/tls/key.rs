//! A client's private key from its text: PKCS#8, PKCS#1 or SEC1 in PEM, and encrypted PKCS#8 with its passphrase.
//!
//! Opening an encrypted one takes as much work as whoever wrote it chose. More than any tool writes by itself is refused: it would
//! hold up whoever waits for the change.

use crate::resource::models::Secret;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const PLAIN: &str = "-----BEGIN PRIVATE KEY-----";
/// How such a key was encrypted before PKCS#8.
const OLD: &str = "Proc-Type: 4,ENCRYPTED";

/// Rounds of PBKDF2: OWASP asks for 600,000 today.
const MOST_ROUNDS: u32 = 1_000_000;
/// What scrypt takes, in bytes: OWASP asks for 128 MiB today.
const MOST_MEMORY: u64 = 128 << 20;
const MOST_LANES: u16 = 4;

/// The first key in the text. An encrypted one is opened; for another one the passphrase does not matter.
pub(super) fn open(text: &Secret, passphrase: Option<&Secret>) -> Result<PrivateKeyDer<'static>, String> {
    let text = text.reveal();
    if text.contains(OLD) {
        return Err(unknown());
    }
    if let Some(at) = text.find(ENCRYPTED) {
        let passphrase = passphrase.ok_or("passphrase: is missing, the key is encrypted")?;
        return opened(&text[at..], passphrase).map(PrivateKeyDer::Pkcs8);
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| {
        let said = match error {
            rustls::pki_types::pem::Error::NoItemsFound => "key: no private key in it",
            _ => "key: not in PEM",
        };
        said.to_owned()
    })
}

fn opened(text: &str, passphrase: &Secret) -> Result<PrivatePkcs8KeyDer<'static>, String> {
    // The parser knows no section of that name; what it makes of it are the bytes between the lines.
    let text = text
        .replacen(ENCRYPTED, PLAIN, 1)
        .replacen("-----END ENCRYPTED ", "-----END ", 1);
    let bytes = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| "key: not in PEM".to_owned())?;
    let key = EncryptedPrivateKeyInfoRef::try_from(bytes.secret_pkcs8_der()).map_err(|_| unknown())?;
    let scheme = key.encryption_algorithm.pbes2().ok_or_else(unknown)?;
    let is_bearable = match (scheme.kdf.pbkdf2(), scheme.kdf.scrypt()) {
        (Some(kdf), _) => kdf.iteration_count <= MOST_ROUNDS,
        (_, Some(kdf)) => {
            let block = 128 * u64::from(kdf.block_size);
            kdf.parallelization <= MOST_LANES && kdf.cost_parameter.saturating_mul(block) <= MOST_MEMORY
        }
        _ => false,
    };
    if !is_bearable {
        return Err("key: its encryption takes more work to open than is done here".to_owned());
    }
    let opened = key.decrypt(passphrase.reveal()).map_err(|error| match error {
        // What a wrong one makes of the bytes is not always noticed before they are read as a key.
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed) | pkcs8::Error::Asn1(_) => {
            "passphrase: does not open the key".to_owned()
        }
        _ => unknown(),
    })?;
    Ok(PrivatePkcs8KeyDer::from(opened.as_bytes().to_vec()))
}

fn unknown() -> String {
    "key: its encryption is not known here (`openssl pkcs8 -topk8 -v2 aes-256-cbc` writes one that is)".to_owned()
}

/// The key in PEM, not encrypted.
#[cfg(feature = "mysql")]
pub(super) fn pem(key: &PrivateKeyDer<'_>) -> Result<String, String> {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    let text = pkcs8::der::pem::encode_string(label, pkcs8::LineEnding::LF, key.secret_der());
    text.map_err(|_| "key: is too long".to_owned())
}
