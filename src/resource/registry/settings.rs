//! Family 3: the connection settings of API proxies, which a file declares; and what those settings make of their connectors.

use super::super::models::{
    ConnectionSettings, ConnectionSettingsPatch, Connector, ConnectorDefinition, ManagementType,
};
use super::super::store::{Change, Kind, Version};
use super::error::{RegistryError, ResourceKind};
use super::fixed::{Proxy, proxy_key};
use super::root::Registry;
use super::state::{Inner, Origin};
use super::write::{Plan, body};
use serde::Serialize;

/// An API proxy, as its project lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApiProxy {
    /// Its name within the project.
    pub name: String,
    /// The connection that it uses.
    pub connection: String,
    /// As connectors are called: `project/name`.
    pub connector: String,
}

/// # Family 3: connection settings of API proxies
impl Registry {
    /// All projects, by name.
    pub fn projects(&self) -> Vec<String> {
        self.inner.state.lock().projects.keys().cloned().collect()
    }

    /// The API proxies of a project, by name.
    ///
    /// # Errors
    ///
    /// There is no such project.
    pub fn api_proxies(&self, project: &str) -> Result<Vec<ApiProxy>, RegistryError> {
        let state = self.inner.state.lock();
        let proxies = state.projects.get(project);
        let proxies = proxies.ok_or_else(|| RegistryError::not_found(ResourceKind::Project, project))?;
        let shown = proxies.iter().map(|(name, proxy)| ApiProxy {
            name: name.clone(),
            connection: proxy.connection.to_string(),
            connector: proxy.connector.to_string(),
        });
        Ok(shown.collect())
    }

    /// An API proxy's settings as they were given; [`ConnectionSettings::effective`] are those that count.
    ///
    /// # Errors
    ///
    /// There is no such project, or no such proxy in it.
    pub fn connection_settings(&self, project: &str, proxy: &str) -> Result<ConnectionSettings, RegistryError> {
        self.inner.proxy(project, proxy)?;
        let (settings, _) = self.inner.settings(&proxy_key(project, proxy));
        Ok(settings)
    }

    /// Changes what is given. The merged settings are judged, and are live at once: the connector's mode, how long a request
    /// waits, and, where it has connections of its own (CUSTOM, NONE), how long one may take to open.
    ///
    /// # Errors
    ///
    /// There is no such project or proxy, CUSTOM would be without a size, or the store did not take it.
    ///
    /// ```
    /// # use fairpool::doc::{Demo, block_on};
    /// # use fairpool::resource::models::{Connection, ConnectionDefinition, ConnectionName, ConnectionType, QueryHost};
    /// use fairpool::resource::models::ConnectionSettingsPatch;
    /// use fairpool::resource::registry::{Declared, Registry};
    /// use serde_json::json;
    ///
    /// # block_on(async {
    /// # let demo = |_: &Connection, _: &QueryHost| Ok::<_, String>(Demo);
    /// # let orders = ConnectionName::new("orders")?;
    /// # let connection = ConnectionDefinition::new(orders.clone(), ConnectionType::Http, ["a:80"])?;
    /// let declared = Declared::new().connection(connection).api_proxy("shop", "basket", orders)?;
    /// let registry = Registry::builder().driver(ConnectionType::Http, demo).fixed(declared).open().await?;
    ///
    /// let custom = json!({
    ///     "connectionSettingsEnabled": true,
    ///     "connectionPoolManagementType": "CUSTOM",
    ///     "customConnectionPoolSize": 2,
    /// });
    /// registry.change_connection_settings("shop", "basket", ConnectionSettingsPatch::try_from(&custom)?).await?;
    /// assert_eq!(registry.status_of_connector("shop/basket")?.limit, Some(2));
    /// # Ok(()) });
    /// ```
    pub async fn change_connection_settings(
        &self,
        project: &str,
        proxy: &str,
        patch: ConnectionSettingsPatch,
    ) -> Result<ConnectionSettings, RegistryError> {
        let (project, proxy) = (project.to_owned(), proxy.to_owned());
        self.write(move |inner| {
            inner.proxy(&project, &proxy)?;
            let key = proxy_key(&project, &proxy);
            let (known, from) = inner.settings(&key);
            let settings = known.patched(&patch)?;
            if settings == known {
                return Ok(Plan::Nothing(settings));
            }
            let (kind, body) = (Kind::ConnectionSettings, body(&settings));
            let change = match from {
                Some(from) => Change::Update {
                    kind,
                    key: key.clone(),
                    from,
                    body,
                },
                None => Change::Insert {
                    kind,
                    key: key.clone(),
                    body,
                },
            };
            Plan::commit(vec![change], move |inner, committed| {
                inner.place_settings(&key, Some((settings.clone(), committed.version)));
                settings
            })
        })
        .await
    }
}

impl Inner {
    fn proxy(&self, project: &str, name: &str) -> Result<Proxy, RegistryError> {
        let state = self.state.lock();
        let proxies = state.projects.get(project);
        let proxies = proxies.ok_or_else(|| RegistryError::not_found(ResourceKind::Project, project))?;
        let proxy = proxies.get(name);
        proxy
            .cloned()
            .ok_or_else(|| RegistryError::not_found(ResourceKind::ApiProxy, name))
    }

    fn settings(&self, key: &str) -> (ConnectionSettings, Option<Version>) {
        let state = self.state.lock();
        match state.settings.get(key) {
            Some((settings, version)) => (settings.clone(), Some(*version)),
            None => (ConnectionSettings::default(), None),
        }
    }

    /// Makes settings live, if their proxy is declared; `None`: there are none any more.
    pub(super) fn place_settings(&self, key: &str, settings: Option<(ConnectionSettings, Version)>) {
        let proxy = {
            let mut state = self.state.lock();
            match settings {
                Some(settings) => state.settings.insert(key.to_owned(), settings),
                None => state.settings.remove(key),
            };
            let (project, name) = key.split_once('/').unwrap_or((key, ""));
            state
                .projects
                .get(project)
                .and_then(|proxies| proxies.get(name))
                .cloned()
        };
        if let Some(proxy) = proxy {
            self.place_proxy(&proxy);
        }
    }

    /// The connector of a proxy, by its settings.
    pub(super) fn place_proxy(&self, proxy: &Proxy) {
        let (settings, _) = self.settings(proxy.connector.as_str());
        let settings = settings.effective();
        let definition = ConnectorDefinition::new(proxy.connector.clone(), proxy.connection.clone());
        let definition = match (settings.management_type(), settings.custom_size()) {
            (ManagementType::Custom, Some(size)) => definition.custom(size),
            (ManagementType::None, _) => definition.without_pool(),
            _ => definition,
        };
        let id = self.state.lock().id_of_declared(&proxy.connector);
        self.place_connector(Connector::new(id, definition), Origin::Fixed, Some(settings));
    }
}
