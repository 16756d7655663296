//! `[[api_key]]` and `[[jwt]]`: who may ask, and for what.

use super::super::keys::{Keys, scopes};
use super::document::Section;
use fairpool::resource::models::Count;
use fairpool::server::auth::{JwtHs256, Scopes};
use std::time::Duration;

const API_KEY: [&str; 4] = ["name", "key", "sha256", "scopes"];
const JWT: [&str; 5] = ["name", "secret", "audience", "issuer", "leeway"];
/// A clock that is wrong by more than this is to be set.
const LONGEST_LEEWAY: u64 = 3600;

pub(super) fn read(root: &Section<'_>) -> Keys {
    let mut keys = Keys::default();
    for section in root.tables("api_key") {
        api_key(&section, &mut keys);
    }
    for section in root.tables("jwt") {
        if let Some(tokens) = jwt(&section) {
            let by = ["secret", "audience", "issuer"].map(|key| section.text(key));
            keys.add_tokens(tokens, (by, section.value::<Count>("leeway").map(Count::value)));
        }
    }
    keys
}

fn api_key(section: &Section<'_>, keys: &mut Keys) {
    section.knows(&API_KEY);
    section.text("name");
    let (key, sha256) = (section.text("key"), section.text("sha256"));
    let scopes = granted(section);
    let added = match (key, sha256) {
        (Some(_), Some(_)) => {
            section.refuse("sha256", "must not stand beside key");
            return;
        }
        (None, None) => {
            if !section.has("key") && !section.has("sha256") {
                section.refuse("key", "is required, or sha256");
            }
            return;
        }
        (Some(key), None) => keys.add(key, scopes, section.called()),
        (None, Some(hash)) => keys.add_hash(hash, scopes),
    };
    if let Err(weak) = added {
        section.refuse(
            if key.is_some() { "key" } else { "sha256" },
            format_args!("is refused: {weak}"),
        );
    }
}

fn granted(section: &Section<'_>) -> Scopes {
    if !section.has("scopes") {
        section.refuse("scopes", "is required: of read, operate, write");
    }
    let words = section.texts("scopes").unwrap_or_default();
    let granted = scopes(words.into_iter());
    granted.unwrap_or_else(|said| {
        section.refuse("scopes", said);
        Scopes::NONE
    })
}

fn jwt(section: &Section<'_>) -> Option<JwtHs256> {
    section.knows(&JWT);
    section.text("name");
    let (secret, audience) = (section.required_text("secret"), section.required_text("audience"));
    let issuer = section.text("issuer");
    let leeway = section.value::<Count>("leeway");
    if leeway.is_some_and(|seconds| u64::from(seconds.value()) > LONGEST_LEEWAY) {
        section.refuse(
            "leeway",
            format_args!("must not be greater than {LONGEST_LEEWAY} seconds"),
        );
    }
    let tokens = JwtHs256::new(secret?.as_bytes(), audience?);
    let tokens = tokens.map_err(|weak| section.refuse("secret", format_args!("is refused: {weak}")));
    let mut tokens = tokens.ok()?;
    if let Some(issuer) = issuer {
        tokens = tokens.issuer(issuer);
    }
    if let Some(leeway) = leeway {
        tokens = tokens.leeway(Duration::from_secs(leeway.value().into()));
    }
    Some(tokens)
}
