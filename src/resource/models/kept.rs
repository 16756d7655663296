//! What a mask stands for in a definition that is posted again, and when it may.
//!
//! Promises: a secret that was kept goes nowhere but where it went before, and no less guarded. Whoever may write a definition
//! therefore learns no secret by it: neither by another host or proxy, nor by another authority or none that vouches for the server.

use super::connection::{Connection, ConnectionDefinition, Protocol};
use super::invalid::{Invalid, Violation};
use super::query_host::QueryHost;
use super::secret::Secret;

impl ConnectionDefinition {
    /// The connection, with the secrets of the stored one of this name where the definition shows a mask. A mask of `key`,
    /// `passphrase` or `sockPassword` for which nothing is stored leaves it so.
    ///
    /// A mask keeps its secret only on the way that this took before:
    ///
    /// | masked | stays the same |
    /// |---|---|
    /// | `sockPassword` | `sockHost` |
    /// | user and password of a URL, and its parameters | the rest of that URL, `type`, `protocol`, `ca` and `sockHost` |
    /// | `key`, `passphrase` | the same four; each of `queryHosts` is one of the stored, besides its user and password |
    ///
    /// `protocol` may also become `tls`. Hosts may be left out and change places.
    ///
    /// # Errors
    ///
    /// A host shows what answers show in place of user and password, and no stored host looks like that; or what has to stay the
    /// same has changed. The fields that are to be sent in full are named.
    ///
    /// ```
    /// use fairpool::resource::models::ConnectionDefinition;
    /// use serde_json::json;
    ///
    /// let stored = json!({"name": "orders", "type": "postgres", "queryHosts": ["postgres://app:hunter2@db"]});
    /// let stored = ConnectionDefinition::try_from(&stored)?.into_connection(None)?;
    /// let mut again = json!(stored);
    /// again["sockHost"] = json!("proxy.example");
    /// let refused = ConnectionDefinition::try_from(&again)?.into_connection(Some(&stored)).unwrap_err();
    /// assert_eq!(refused.to_string(), "queryHosts.0 is masked, and must be sent in full since sockHost changes");
    /// # Ok::<(), fairpool::resource::models::Invalid>(())
    /// ```
    pub fn into_connection(self, stored: Option<&Connection>) -> Result<Connection, Invalid> {
        let ConnectionDefinition(mut connection) = self;
        let mut faults = Vec::new();
        let mut note = |field: String, violation| faults.push((field.into(), violation));

        let detour = stored.and_then(|stored| detour(&connection, stored));
        let known = stored.map_or(&[][..], Connection::query_hosts);
        for (at, host) in connection.query_hosts.iter_mut().enumerate() {
            if !host.is_masked() {
                continue;
            }
            match (host.kept(known, at), detour) {
                (Some(_), Some(changed)) => note(format!("queryHosts.{at}"), Violation::Elsewhere(changed)),
                (Some(kept), None) => *host = kept,
                (None, _) => note(format!("queryHosts.{at}"), Violation::NothingStored),
            }
        }
        let is_known = |host: &QueryHost| known.iter().any(|known| known.leads_where(host));
        let all_known = connection.query_hosts.iter().all(is_known);
        let detour = detour.or((!all_known).then_some("queryHosts"));
        let other_proxy = stored.filter(|stored| stored.sock_host() != connection.sock_host());
        let other_proxy = other_proxy.map(|_| "sockHost");

        let mut keep = |field: &str, posted: &mut Option<Secret>, stored: Option<&Secret>, changed| {
            if posted.as_ref().is_some_and(Secret::is_mask) {
                *posted = stored.cloned();
                if let (Some(_), Some(changed)) = (stored, changed) {
                    note(field.to_owned(), Violation::Elsewhere(changed));
                }
            }
        };
        keep("key", &mut connection.key, stored.and_then(Connection::key), detour);
        let passphrase = stored.and_then(Connection::passphrase);
        keep("passphrase", &mut connection.passphrase, passphrase, detour);
        let sock_password = stored.and_then(Connection::sock_password);
        keep(
            "sockPassword",
            &mut connection.sock_password,
            sock_password,
            other_proxy,
        );
        Invalid::of(faults).map_or(Ok(connection), Err)
    }
}

/// What makes the way to the same hosts another one: who speaks, through whom, and who vouches for the other end. Without the words
/// of `protocol`, a URL's own may be as strict as `tls`, so that `tls` is the only step that never leads down.
fn detour(posted: &Connection, stored: &Connection) -> Option<&'static str> {
    if posted.kind != stored.kind {
        Some("type")
    } else if posted.protocol != stored.protocol && posted.protocol != Protocol::Tls {
        Some("protocol")
    } else if posted.ca != stored.ca {
        Some("ca")
    } else if posted.sock_host() != stored.sock_host() {
        Some("sockHost")
    } else {
        None
    }
}
