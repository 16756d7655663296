//! JSON Web Tokens (RFC 7519) signed with HS256, and nothing else: the token's header has no say in how it is verified.
//!
//! Promises: the signature is compared in constant time, and before anything of the claims is read; a token without expiry, of
//! another audience or with a claim of the wrong kind is refused. The crates for JWT either verify by a provider that is one
//! for the whole process, which a library must not choose, or bring every algorithm; HS256 itself is one call of ring's.

use super::{Authority, Grant, Scopes, WeakCredential};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{self, HMAC_SHA256};
use serde_json::{Map, Value};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tokens that were signed with a shared secret by HMAC-SHA256.
///
/// | claim | |
/// |---|---|
/// | `exp` | required: a token of the past is refused, with a leeway of 30 seconds |
/// | `aud` | required: a text or a list that has to contain the audience |
/// | `scope` | `read`, `operate`, `write`, separated by spaces; `scopes`, a list of them, counts as well; without any the token may do nothing |
/// | `nbf` | if there: not before it, with the same leeway |
/// | `iss` | has to be the issuer, if one was [demanded](JwtHs256::issuer) |
/// | `sub` | whose rate limit counts; without it, each token has its own |
pub struct JwtHs256 {
    key: hmac::Key,
    audience: String,
    issuer: Option<String>,
    leeway: Duration,
}

/// As many bytes as the hash has (RFC 7518, section 3.2).
const LEAST: usize = 32;
const LONGEST: usize = 8 * 1024;

impl JwtHs256 {
    /// Tokens for this audience, signed with this secret. The leeway is 30 seconds.
    ///
    /// # Errors
    ///
    /// The secret has fewer than 32 bytes.
    pub fn new(secret: &[u8], audience: &str) -> Result<Self, WeakCredential> {
        if secret.len() < LEAST {
            return Err(WeakCredential::TooShort { least: LEAST });
        }
        Ok(JwtHs256 {
            key: hmac::Key::new(HMAC_SHA256, secret),
            audience: audience.to_owned(),
            issuer: None,
            leeway: Duration::from_secs(30),
        })
    }

    /// Only tokens of this issuer.
    #[must_use]
    pub fn issuer(self, issuer: &str) -> Self {
        JwtHs256 {
            issuer: Some(issuer.to_owned()),
            ..self
        }
    }

    /// By how much the clocks of issuer and server may differ.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        JwtHs256 { leeway, ..self }
    }

    /// The grant at this time, in seconds since 1970.
    fn grant_at(&self, token: &str, now: f64) -> Option<Grant> {
        if token.len() > LONGEST {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = decoded(signature)?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;

        let header = object(header)?;
        // An extension that must be understood is one that is not.
        if header.get("alg")?.as_str()? != "HS256" || header.contains_key("crit") {
            return None;
        }
        let claims = object(claims)?;
        let leeway = self.leeway.as_secs_f64();
        let is_over = now >= claims.get("exp")?.as_f64()? + leeway;
        let is_early = match claims.get("nbf") {
            Some(not_before) => now < not_before.as_f64()? - leeway,
            None => false,
        };
        let is_ours = has(claims.get("aud")?, &self.audience);
        let is_known = match &self.issuer {
            Some(issuer) => claims.get("iss")?.as_str()? == issuer,
            None => true,
        };
        if is_over || is_early || !is_ours || !is_known {
            return None;
        }
        let holder = match claims.get("sub") {
            Some(subject) => format!("sub {}", subject.as_str()?),
            None => format!("jwt {token}"),
        };
        Some(Grant::new(scopes(&claims)?, holder.as_bytes()))
    }
}

impl Authority for JwtHs256 {
    fn grant(&self, credential: &str) -> Option<Grant> {
        // Before 1970 no token is valid.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        self.grant_at(credential, now.as_secs_f64())
    }
}

impl fmt::Debug for JwtHs256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtHs256")
            .field("audience", &self.audience)
            .field("issuer", &self.issuer)
            .field("leeway", &self.leeway)
            .finish_non_exhaustive()
    }
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&decoded(part)?).ok()
}

/// Whether a claim that is a text or a list of texts names this one.
fn has(claim: &Value, name: &str) -> bool {
    match claim {
        Value::String(text) => text == name,
        Value::Array(texts) => texts.iter().any(|text| text.as_str() == Some(name)),
        _ => false,
    }
}

/// `None` if a claim is of the wrong kind.
fn scopes(claims: &Map<String, Value>) -> Option<Scopes> {
    let words = match claims.get("scope") {
        Some(words) => Scopes::named(words.as_str()?),
        None => Scopes::NONE,
    };
    let Some(list) = claims.get("scopes") else {
        return Some(words);
    };
    let list: Option<Vec<&str>> = list.as_array()?.iter().map(Value::as_str).collect();
    Some(list?.into_iter().map(Scopes::named).fold(words, |all, more| all | more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECRET: &[u8] = b"thirty-two bytes are the least, these are more";
    const NOW: f64 = 1_800_000_000.0;

    fn signed(secret: &[u8], header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, secret), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn jwt() -> JwtHs256 {
        JwtHs256::new(SECRET, "fairpool").expect("long enough")
    }

    /// The grant for these claims, which are laid over valid ones; `null` takes one away.
    fn grant(jwt: &JwtHs256, changes: Value) -> Option<Grant> {
        let mut claims = json!({"exp": NOW as u64 + 60, "aud": "fairpool", "scope": "read openid write"});
        for (name, value) in changes.as_object().expect("an object") {
            match value {
                Value::Null => claims.as_object_mut().expect("an object").remove(name),
                value => claims
                    .as_object_mut()
                    .expect("an object")
                    .insert(name.clone(), value.clone()),
            };
        }
        jwt.grant_at(&signed(SECRET, &json!({"alg": "HS256", "typ": "JWT"}), &claims), NOW)
    }

    #[test]
    fn the_example_of_rfc_7515_is_verified() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                     Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let jwt = JwtHs256::new(&decoded(key).expect("base64"), "any").expect("long enough");
        assert!(hmac::verify(&jwt.key, signed.as_bytes(), &decoded(signature).expect("base64")).is_ok());
        // It names no audience.
        assert!(jwt.grant_at(token, 1_300_819_379.0).is_none());
    }

    #[test]
    fn claims_decide_what_a_token_may_do() {
        let jwt = jwt();
        let scopes = |changes| grant(&jwt, changes).map(|grant| grant.scopes().to_string());
        assert_eq!(scopes(json!({})).as_deref(), Some("read write"));
        assert_eq!(
            scopes(json!({"scopes": ["operate"]})).as_deref(),
            Some("read operate write")
        );
        assert_eq!(scopes(json!({"scope": null})).as_deref(), Some(""));
        assert_eq!(
            scopes(json!({"aud": ["other", "fairpool"]})).as_deref(),
            Some("read write")
        );
        let one = grant(&jwt, json!({"sub": "one"}));
        assert_eq!(
            one.map(|one| one.holder()),
            grant(&jwt, json!({"sub": "one", "jti": 2})).map(|one| one.holder())
        );
        assert!(one != grant(&jwt, json!({"sub": "other"})));
    }

    #[test]
    fn a_token_that_is_late_early_or_not_ours_is_refused() {
        let jwt = jwt();
        let now = NOW as i64;
        for changes in [
            json!({"exp": null}),
            json!({"exp": now - 30}),
            json!({"exp": (now + 60).to_string()}),
            json!({"nbf": now + 31}),
            json!({"nbf": "0"}),
            json!({"aud": null}),
            json!({"aud": "fairpools"}),
            json!({"aud": ["other"]}),
            json!({"aud": {"fairpool": true}}),
            json!({"sub": 7}),
            json!({"scope": ["read"]}),
            json!({"scopes": "read"}),
            json!({"scopes": [1]}),
        ] {
            assert_eq!(grant(&jwt, changes.clone()), None, "{changes}");
        }
        for changes in [
            json!({"exp": now - 29}),
            json!({"nbf": now + 30}),
            json!({"exp": 1e300}),
            json!({"exp": NOW + 0.5}),
        ] {
            assert!(grant(&jwt, changes.clone()).is_some(), "{changes}");
        }
    }

    #[test]
    fn an_issuer_that_is_demanded_is_checked() {
        let ours = jwt().issuer("login");
        assert!(grant(&ours, json!({"iss": "login"})).is_some());
        assert_eq!(grant(&ours, json!({"iss": "logon"})), None);
        assert_eq!(grant(&ours, json!({})), None);
    }

    #[test]
    fn the_header_cannot_choose_the_algorithm() {
        let jwt = jwt();
        let claims = json!({"exp": NOW + 60.0, "aud": "fairpool"});
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "HS512"}),
            json!({"alg": "hs256"}),
            json!({"alg": ["HS256"]}),
            json!({"typ": "JWT"}),
            json!({"alg": "HS256", "crit": ["exp"]}),
        ] {
            assert_eq!(jwt.grant_at(&signed(SECRET, &header, &claims), NOW), None, "{header}");
        }
        let good = signed(SECRET, &json!({"alg": "HS256"}), &claims);
        assert!(jwt.grant_at(&good, NOW).is_some());
        let (unsigned, signature) = good.rsplit_once('.').expect("three parts");
        let other = signed(b"another secret of thirty-two bytes", &json!({"alg": "HS256"}), &claims);
        let short = &signature[..signature.len() - 2];
        for bad in [
            String::new(),
            "..".to_owned(),
            format!("{unsigned}."),
            unsigned.to_owned(),
            format!("{unsigned}.{short}"),
            format!("{good}="),
            format!("{good}."),
            format!("x{good}"),
            format!("{good}.{signature}"),
            format!("{}.{signature}", unsigned.replace('e', "f")),
            other,
            format!("{}.{good}", "e".repeat(LONGEST)),
        ] {
            assert_eq!(jwt.grant_at(&bad, NOW), None, "{bad}");
        }
    }

    #[test]
    fn a_short_secret_is_refused_and_none_is_shown() {
        assert_eq!(
            JwtHs256::new(&SECRET[..31], "fairpool").err(),
            Some(WeakCredential::TooShort { least: 32 })
        );
        assert!(!format!("{:?}", jwt()).contains("thirty"));
    }
}
