//! Whether two addresses of MySQL lead to one server.
//!
//! Answers yes where it cannot know: what is started anew without need costs a connect, what is not and should have been, a wrong
//! answer. Does not see that a proxy, or another port, leads to the same server.

use super::super::models::{ConnectionType, QueryHost};
use futures::future::join;
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Where a MySQL server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// On the network.
    Address(String, u16),
    /// On this machine, perhaps by this file.
    Here(Option<String>),
}

/// To find the addresses of a name.
const LOOKUP: Duration = Duration::from_secs(2);
const PORT: u16 = 3306;

impl Place {
    /// Of `host`, `host:port` and URLs; `None` for what is none of them.
    pub(super) fn new(text: &str) -> Option<Self> {
        let (rest, query) = text.split_once('?').unwrap_or((text, ""));
        let options = || query.split('&').filter_map(|option| option.split_once('='));
        if let Some((_, file)) = options().find(|(name, _)| *name == "socket") {
            return Some(Place::Here(Some(file.to_owned())));
        }
        if options().any(|option| option == ("prefer_socket", "true")) {
            return Some(Place::Here(None));
        }
        let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest);
        let place = rest.split(['/', '#']).next().unwrap_or_default();
        let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
        let host = QueryHost::new(ConnectionType::Mysql, host).ok()?;
        let name = host.host()?.to_ascii_lowercase();
        Some(Place::Address(name, host.port().unwrap_or(PORT)))
    }

    /// Whether the two may be one server.
    pub(super) async fn may_be(&self, other: &Place) -> bool {
        match (self, other) {
            _ if self == other => true,
            (Place::Address(one, port), Place::Address(another, same)) if port == same => {
                let (one, another) = join(addresses(one), addresses(another)).await;
                match (one, another) {
                    (Some(one), Some(another)) => !one.is_disjoint(&another),
                    _ => true,
                }
            }
            (Place::Address(..), Place::Address(..)) => false,
            (Place::Here(Some(one)), Place::Here(Some(another))) => one == another,
            // The server of a file may listen on the network, too.
            _ => true,
        }
    }
}

/// All of a name's; `None` if they cannot be found now.
async fn addresses(name: &str) -> Option<BTreeSet<IpAddr>> {
    let name = name.to_owned();
    let lookup = spawn_blocking(move || -> io::Result<BTreeSet<IpAddr>> {
        let found = (name.as_str(), 0).to_socket_addrs()?;
        Ok(found.map(|address| plain(address.ip())).collect())
    });
    let found = timeout(LOOKUP, lookup).await.ok()?.ok()?.ok()?;
    Some(found).filter(|found| !found.is_empty())
}

/// All that is on this machine, and only there, is one address.
fn plain(address: IpAddr) -> IpAddr {
    let address = address.to_canonical();
    if address.is_loopback() || address.is_unspecified() {
        return IpAddr::V4(Ipv4Addr::LOCALHOST);
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn same(one: &str, another: &str) -> bool {
        let (one, another) = (Place::new(one).expect(one), Place::new(another).expect(another));
        assert_eq!(one.may_be(&another).await, another.may_be(&one).await);
        one.may_be(&another).await
    }

    #[tokio::test]
    async fn what_leads_to_one_server_is_found_however_it_is_written() {
        for (one, another) in [
            (
                "mysql://app:p%40ss@127.0.0.1:3307/app?compression=fast",
                "127.0.0.1:3307",
            ),
            ("mariadb://DB.example/a", "mysql://db.example:3306/b"),
            ("localhost:3307", "mysql://root@127.0.0.1:3307"),
            ("[::1]:3307", "127.0.0.1:3307"),
            ("[::ffff:10.0.0.1]", "10.0.0.1"),
            (
                "mysql://app@h/a?socket=/run/m.sock",
                "mysql://h/a?x=1&socket=/run/m.sock",
            ),
            // It cannot be known.
            ("mysql://h/a?socket=/run/m.sock", "127.0.0.1:3307"),
            ("mysql://127.0.0.1/a?prefer_socket=true", "10.0.0.1"),
            ("nowhere.invalid", "10.0.0.1"),
        ] {
            assert!(same(one, another).await, "{one} {another}");
        }
        for (one, another) in [
            ("127.0.0.1:3306", "127.0.0.1:3307"),
            ("10.0.0.1", "10.0.0.2:3306"),
            ("localhost", "10.0.0.2"),
            ("mysql://h/?socket=/run/m.sock", "mysql://h/?socket=/run/n.sock"),
        ] {
            assert!(!same(one, another).await, "{one} {another}");
        }
        assert_eq!(Place::new("mysql://"), None);
    }
}
