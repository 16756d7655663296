//! What the texts of a named connection have to be: certificates, keys and passphrases, each fault named by its field, before
//! anything is opened. No server is needed.
#![cfg(all(feature = "resource", feature = "mysql", feature = "postgres", feature = "redis"))]

mod registry;
mod servers;

use fairpool::resource::registry::Registry;
use rcgen::KeyPair;
use registry::{Outcome, definition};
use serde_json::{Value, json};
use servers::certificates::Certificates;

const EC: &str = include_str!("keys/ec.pem");
const EC_SEC1: &str = include_str!("keys/ec-sec1.pem");
const EC_AES: &str = include_str!("keys/ec-aes.pem");
const EC_DES3: &str = include_str!("keys/ec-des3.pem");
const EC_OLD: &str = include_str!("keys/ec-old.pem");
const EC_DEAR: &str = include_str!("keys/ec-dear.pem");
const ED25519: &str = include_str!("keys/ed25519.pem");
const RSA: &str = include_str!("keys/rsa.pem");
const RSA_PKCS1: &str = include_str!("keys/rsa-pkcs1.pem");
const RSA_SCRYPT: &str = include_str!("keys/rsa-scrypt.pem");

const KINDS: [&str; 3] = ["mysql", "postgres", "redis"];

/// What defining a connection of each type with these fields says: the same of all.
async fn put(fields: &Value) -> Result<(), String> {
    let registry = Registry::builder().open().await.expect("in memory");
    let mut said = Vec::new();
    for kind in KINDS {
        let mut body =
            json!({"name": "x", "type": kind, "queryHosts": ["localhost:1", "localhost:2"], "protocol": "tls"});
        let all = body.as_object_mut().expect("an object");
        all.extend(fields.as_object().expect("an object").clone());
        let put = registry.put_connection(definition(body)).await;
        said.push(put.map(drop).map_err(|error| {
            let whole = format!("{error} {error:?}");
            for secret in ["MHcC", "MIG", "MII", "sesame", "hunter2"] {
                assert!(!whole.contains(secret), "{whole}");
            }
            let said = error.to_string();
            let reason = said.strip_prefix("connection \"x\": ");
            reason.unwrap_or_else(|| panic!("{said}")).to_owned()
        }));
    }
    assert!(said.iter().all(|each| *each == said[0]), "{said:?}");
    said.swap_remove(0)
}

async fn refused(fields: Value, expected: &str) {
    let said = put(&fields).await.expect_err(expected);
    assert!(said.starts_with(expected), "{said}, not {expected}");
}

/// A certificate for the client with this key.
fn cert(certificates: &Certificates, key: &str) -> Result<String, rcgen::Error> {
    Ok(certificates.client("app", &KeyPair::from_pem(key)?))
}

#[tokio::test]
async fn a_text_that_is_no_good_is_refused_by_the_name_of_its_field() -> Outcome {
    let certificates = Certificates::valid();
    let (ca, cert) = (certificates.authority(), cert(&certificates, EC)?);
    let cut = &cert[..cert.len() / 2];
    let garbled = cert.replace("MII", "MIJ");
    refused(json!({"ca": "hunter2"}), "ca: no certificate in it").await;
    refused(
        json!({"ca": EC}),
        "ca: a private key stands in it; write that as key alone",
    )
    .await;
    refused(json!({"ca": cut}), "ca: not in PEM").await;
    refused(
        json!({"ca": ca.clone() + &garbled}),
        "ca: a certificate in it cannot be read",
    )
    .await;
    refused(json!({"cert": cert}), "key: is missing, cert needs it").await;
    refused(json!({"key": EC}), "cert: is missing, key needs it").await;
    refused(
        json!({"passphrase": "sesame"}),
        "passphrase: there is no key for it to open",
    )
    .await;
    let pair = |cert: &str, key: &str| json!({"ca": ca, "cert": cert, "key": key});
    refused(pair("hunter2", EC), "cert: no certificate in it").await;
    refused(pair(cut, EC), "cert: not in PEM").await;
    refused(pair(&garbled, EC), "cert: a certificate in it cannot be read").await;
    refused(pair(&(cert.clone() + EC), EC), "cert: a private key stands in it").await;
    refused(pair(&cert, "hunter2"), "key: no private key in it").await;
    refused(pair(&cert, &EC[..EC.len() / 2]), "key: not in PEM").await;
    refused(
        pair(&cert, &EC.replace("MIG", "MIH")),
        "key: none of RSA, ECDSA (P-256, P-384) or Ed25519",
    )
    .await;
    refused(pair(&cert, RSA), "key: not the key of cert").await;
    refused(pair(&cert, EC_OLD), "key: its encryption is not known here").await;
    Ok(())
}

#[tokio::test]
async fn an_encrypted_key_is_opened_by_its_passphrase_alone() -> Outcome {
    let certificates = Certificates::valid();
    let (ec, rsa) = (cert(&certificates, EC)?, cert(&certificates, RSA)?);
    let with = |cert: &str, key: &str, passphrase: Option<&str>| json!({"ca": certificates.authority(), "cert": cert, "key": key, "passphrase": passphrase});
    put(&with(&ec, EC_AES, Some("sesame"))).await?;
    put(&with(&rsa, RSA_SCRYPT, Some("sesame"))).await?;
    // As PKCS#12 is turned to text, and with another program's line ends.
    let bag = format!("Bag Attributes\n    friendlyName: app\n{EC_AES}").replace('\n', "\r\n");
    put(&with(&ec, &bag, Some("sesame"))).await?;
    refused(with(&ec, EC_AES, None), "passphrase: is missing, the key is encrypted").await;
    for wrong in ["Sesame", "hunter2", "sesame "] {
        refused(with(&ec, EC_AES, Some(wrong)), "passphrase: does not open the key").await;
    }
    refused(with(&ec, RSA_SCRYPT, Some("sesame")), "key: not the key of cert").await;
    refused(
        with(&ec, EC_DES3, Some("sesame")),
        "key: its encryption is not known here",
    )
    .await;
    refused(
        with(&ec, EC_DEAR, Some("sesame")),
        "key: its encryption takes more work to open than",
    )
    .await;
    let broken = EC_AES.replacen('\n', "\nAAAA", 1);
    refused(
        with(&ec, &broken, Some("sesame")),
        "key: its encryption is not known here",
    )
    .await;
    // What is open already stays so.
    put(&with(&ec, EC, Some("hunter2"))).await?;
    Ok(())
}

#[tokio::test]
async fn every_form_of_a_key_and_several_authorities_are_read() -> Outcome {
    let (certificates, others) = (Certificates::valid(), Certificates::valid());
    let ca = format!("# Ours\n{}\n# Theirs\n{}", certificates.authority(), others.authority());
    put(&json!({"ca": ca})).await?;
    for (key, whose) in [
        (EC, EC),
        (EC_SEC1, EC),
        (RSA, RSA),
        (RSA_PKCS1, RSA),
        (ED25519, ED25519),
    ] {
        let chain = cert(&certificates, whose)? + &certificates.authority();
        for protocol in ["tls", "tls-loose"] {
            put(&json!({"ca": ca, "cert": chain, "key": key, "protocol": protocol})).await?;
        }
    }
    let parameters = format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{EC_SEC1}");
    put(&json!({"ca": ca, "cert": cert(&certificates, EC)?, "key": parameters})).await?;
    Ok(())
}

#[tokio::test]
async fn without_tls_no_text_is_read() -> Outcome {
    let texts = json!({"protocol": "plain", "ca": "a", "cert": "b", "key": "c", "passphrase": "d"});
    put(&texts).await?;
    put(&json!({"protocol": "plain", "key": "c"})).await?;
    put(&json!({"protocol": "plain", "sockUsername": "ann"})).await?;
    Ok(())
}

#[tokio::test]
async fn a_secret_text_is_kept_behind_its_mask_and_shown_by_nothing() -> Outcome {
    let certificates = Certificates::valid();
    let registry = Registry::builder().open().await?;
    let body = json!({
        "name": "x", "type": "postgres", "queryHosts": ["localhost:1"], "protocol": "tls",
        "ca": certificates.authority(), "cert": cert(&certificates, EC)?, "key": EC_AES, "passphrase": "sesame",
        "sockHost": "proxy.example", "sockUsername": "ann", "sockPassword": "hunter2",
    });
    let stored = registry.put_connection(definition(body)).await?;
    let shown = json!(*stored);
    // Sent back as it was shown, the key still is opened by the passphrase.
    let mut other = shown.clone();
    other["title"] = json!("again");
    let again = registry.put_connection(definition(other)).await?;
    assert_eq!(again.key().map(|key| key.reveal()), Some(EC_AES));
    let whole = format!("{shown} {stored:?} {registry:?} {again:?}");
    for secret in ["MIHsMFcG", "sesame", "hunter2"] {
        assert!(!whole.contains(secret), "{whole}");
    }
    Ok(())
}
