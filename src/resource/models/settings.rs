//! Connection settings of an API proxy, of the third family: timeouts, redirects, retries, and whose connections it uses.
//!
//! A patch changes only what it gives; what is judged is the settings that it leads to.

use super::choice::choice;
use super::fields::{Fields, Read, from_outside};
use super::invalid::{Invalid, Violation};
use super::number::{Bounded, Count, PoolSize};
use super::stored::Stored;
use crate::Management;
use serde_json::Value;

choice! {
    /// Whose connections a connector uses.
    ManagementType {
        /// Those that all connectors of its system share.
        General = "GENERAL",
        /// Those of a pool of its own.
        Custom = "CUSTOM",
        /// None: each is opened for one lease.
        None = "NONE",
    }
}

impl ManagementType {
    /// With a size, which counts with CUSTOM only.
    ///
    /// ```
    /// # use fairpool::{Management, resource::models::{ManagementType, PoolSize}};
    /// let size = Some(PoolSize::new(8)?);
    /// assert_eq!(ManagementType::Custom.with_size(size), Some(Management::Custom(8)));
    /// assert_eq!(ManagementType::General.with_size(size), Some(Management::General));
    /// assert_eq!(ManagementType::Custom.with_size(None), None);
    /// # Ok::<(), fairpool::resource::models::Violation>(())
    /// ```
    pub fn with_size(self, size: Option<PoolSize>) -> Option<Management> {
        match self {
            ManagementType::General => Some(Management::General),
            ManagementType::Custom => size.map(|size| Management::Custom(size.value())),
            ManagementType::None => Some(Management::None),
        }
    }
}

/// The settings with their patch: `rust_name = "documentName": Given => Stored = default`.
macro_rules! settings {
    (
        $(#[$settings_doc:meta])* $settings:ident,
        $(#[$patch_doc:meta])* $patch:ident,
        $($(#[$doc:meta])* $name:ident = $text:literal: $given:ty => $stored:ty = $default:expr;)+
    ) => {
        $(#[$settings_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
        pub struct $settings {
            $(
                // An option that is not set has no key.
                #[serde(rename = $text, skip_serializing_if = "IsUnset::is_unset")]
                $name: $stored,
            )+
        }

        $(#[$patch_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $patch {
            $($name: Option<$given>,)+
        }

        impl Default for $settings {
            fn default() -> Self {
                $settings { $($name: $default,)+ }
            }
        }

        impl $settings {
            $($(#[$doc])* pub fn $name(&self) -> $stored { self.$name })+

            fn merged(&self, patch: &$patch) -> Self {
                $settings { $($name: patch.$name.map_or(self.$name, Into::into),)+ }
            }
        }

        impl $patch {
            $($(#[$doc])* #[must_use] pub fn $name(self, value: $given) -> Self {
                $patch { $name: Some(value), ..self }
            })+
        }

        impl Read for $patch {
            fn read(fields: &mut Fields<'_>) -> Option<Self> {
                $(let $name = fields.not_null($text);)+
                Some($patch { $($name: $name?,)+ })
            }
        }
    };
}

settings! {
    /// An API proxy's connection settings.
    ///
    /// ```
    /// use fairpool::{Management, resource::models::{ConnectionSettings, ConnectionSettingsPatch}};
    /// use serde_json::json;
    /// use std::time::Duration;
    ///
    /// let patch = json!({
    ///     "connectionSettingsEnabled": true,
    ///     "connectionPoolManagementType": "CUSTOM",
    ///     "customConnectionPoolSize": 20,
    ///     "readTimeout": 120,
    /// });
    /// let settings = ConnectionSettings::default().patched(&ConnectionSettingsPatch::try_from(&patch)?)?;
    /// assert_eq!(settings.management(), Management::Custom(20));
    /// assert_eq!(settings.read_timeout().as_seconds(), Duration::from_secs(120));
    ///
    /// // Disabled settings are kept, and the defaults are what counts.
    /// let settings = settings.patched(&ConnectionSettingsPatch::default().enabled(false))?;
    /// assert_eq!(settings.management(), Management::General);
    /// assert_eq!(settings.effective().read_timeout().value(), 30);
    /// assert_eq!(settings.read_timeout().value(), 120);
    /// # Ok::<(), fairpool::resource::models::Invalid>(())
    /// ```
    ConnectionSettings,
    /// What is to change in connection settings: only what is given. The default changes nothing.
    ConnectionSettingsPatch,

    /// `connectionSettingsEnabled`: whether the other settings count, rather than the defaults. Default false.
    enabled = "connectionSettingsEnabled": bool => bool = false;
    /// `connectTimeout`: for one attempt to open a connection; 1 to 3600 seconds. Default 30.
    connect_timeout = "connectTimeout": Bounded<1, 3600> => Bounded<1, 3600> = Bounded::known::<30>();
    /// `readTimeout`: to wait for the answer; 1 to 3600 seconds. Default 30.
    read_timeout = "readTimeout": Bounded<1, 3600> => Bounded<1, 3600> = Bounded::known::<30>();
    /// `connectionRequestTimeout`: to wait in line; 1 to 300 seconds. Default 3.
    connection_request_timeout = "connectionRequestTimeout": Bounded<1, 300> => Bounded<1, 300> = Bounded::known::<3>();
    /// `redirectsEnabled`: whether redirects are followed. Default true.
    redirects_enabled = "redirectsEnabled": bool => bool = true;
    /// `maxRedirects`: how many, 0 to 100. Default 50.
    max_redirects = "maxRedirects": Bounded<0, 100> => Bounded<0, 100> = Bounded::known::<50>();
    /// `relativeRedirectsAllowed`: also those that name no host. Default true.
    relative_redirects_allowed = "relativeRedirectsAllowed": bool => bool = true;
    /// `disableContentCompression`: compressed answers are not asked for. Default false.
    content_compression_disabled = "disableContentCompression": bool => bool = false;
    /// `enableStreaming`: answers are passed on as they come, and not buffered. Default false.
    streaming_enabled = "enableStreaming": bool => bool = false;
    /// `retryCount`: how often again to the same backend. Default 0.
    retry_count = "retryCount": Count => Count = Bounded::known::<0>();
    /// `failoverRetryCount`: to how many other backends after that. Default 0.
    failover_retry_count = "failoverRetryCount": Count => Count = Bounded::known::<0>();
    /// `ignoreRoutingError`: a backend's failure passes through as it is. Default false.
    ignore_routing_error = "ignoreRoutingError": bool => bool = false;
    /// `connectionPoolManagementType`: whose connections. Default GENERAL.
    management_type = "connectionPoolManagementType": ManagementType => ManagementType = ManagementType::General;
    /// `customConnectionPoolSize`: how many with CUSTOM, 1 to 65,536; kept and without effect otherwise. Default none.
    custom_size = "customConnectionPoolSize": PoolSize => Option<PoolSize> = None;
}

impl ConnectionSettings {
    /// These settings after a patch.
    ///
    /// # Errors
    ///
    /// CUSTOM would be without a size. These settings are as they were.
    pub fn patched(&self, patch: &ConnectionSettingsPatch) -> Result<Self, Invalid> {
        let merged = self.merged(patch);
        match merged.management_type.with_size(merged.custom_size) {
            Some(_) => Ok(merged),
            None => {
                let reason = Violation::RequiredWhen("connectionPoolManagementType is CUSTOM");
                Err(Invalid::new("customConnectionPoolSize", reason))
            }
        }
    }

    /// The settings that count: these, or the defaults if these are disabled.
    #[must_use]
    pub fn effective(&self) -> Self {
        if self.enabled {
            self.clone()
        } else {
            ConnectionSettings::default()
        }
    }

    /// Where the connections come from that count.
    pub fn management(&self) -> Management {
        let effective = self.effective();
        let management = effective.management_type.with_size(effective.custom_size);
        management.expect("bug: CUSTOM settings have a size")
    }
}

impl Stored for ConnectionSettings {
    fn to_store(&self) -> Value {
        super::stored::value_of(self)
    }

    fn from_store(value: &Value) -> Result<Self, Invalid> {
        ConnectionSettings::default().patched(&ConnectionSettingsPatch::try_from(value)?)
    }
}

from_outside!(ConnectionSettingsPatch);

/// Only an option can be unset.
trait IsUnset {
    fn is_unset(&self) -> bool {
        false
    }
}

impl IsUnset for bool {}
impl IsUnset for ManagementType {}
impl<const LEAST: u32, const MOST: u32> IsUnset for Bounded<LEAST, MOST> {}

impl<T> IsUnset for Option<T> {
    fn is_unset(&self) -> bool {
        self.is_none()
    }
}
