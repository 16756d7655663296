//! Topics of a managed database of the second family: a name, partitions that only grow, copies of them.
//!
//! Models only: no engine of this library has topics yet.

use super::fields::{Field, Fields, Read, from_outside};
use super::invalid::{Invalid, Violation};
use super::number::Bounded;
use super::stored::{Stored, value_of};
use super::text::text;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

text! {
    /// A topic's name: 1 to 249 letters, digits, `.`, `_` and `-`.
    TopicName(1..=249, |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c), "letters, digits, ., _ and -")
}

type Partitions = Bounded<1, 65_536>;
type Replicas = Bounded<1, 32_767>;

/// A topic; serialised as a list shows it. [`details`](Topic::details) is what is shown of one alone.
///
/// ```
/// use fairpool::resource::models::{Topic, TopicChange, TopicDefinition, Violation};
/// use serde_json::json;
///
/// let topic = Topic::from(TopicDefinition::try_from(&json!({"name": "orders", "partition_count": 3}))?);
/// assert_eq!(
///     json!(topic),
///     json!({"name": "orders", "replication_factor": 2, "partition_count": 3, "state": "active"}),
/// );
/// let fewer = TopicChange::try_from(&json!({"partition_count": 2}))?;
/// assert_eq!(topic.changed(fewer).unwrap_err().first(), ("partition_count", &Violation::AtLeast(3)));
/// # Ok::<(), fairpool::resource::models::Invalid>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    name: TopicName,
    replication_factor: Replicas,
    partition_count: Partitions,
    config: Map<String, Value>,
}

/// A topic as it is to be made: one partition and two copies, unless it says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct TopicDefinition(Topic);

/// What is to change in a topic: only what is given. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicChange {
    partition_count: Option<Partitions>,
    replication_factor: Option<Replicas>,
    config: Option<Map<String, Value>>,
}

impl Topic {
    /// Its name.
    pub fn name(&self) -> &TopicName {
        &self.name
    }

    /// Into how many parts it is divided.
    pub fn partition_count(&self) -> u32 {
        self.partition_count.value()
    }

    /// On how many nodes each part is.
    pub fn replication_factor(&self) -> u32 {
        self.replication_factor.value()
    }

    /// The engine's own options, as they were given.
    pub fn config(&self) -> &Map<String, Value> {
        &self.config
    }

    /// This topic after a change.
    ///
    /// # Errors
    ///
    /// The number of partitions would shrink.
    pub fn changed(&self, change: TopicChange) -> Result<Self, Invalid> {
        let partition_count = change.partition_count.unwrap_or(self.partition_count);
        if partition_count < self.partition_count {
            let least = Violation::AtLeast(self.partition_count().into());
            return Err(Invalid::new("partition_count", least));
        }
        let mut config = self.config.clone();
        config.extend(change.config.unwrap_or_default());
        Ok(Topic {
            name: self.name.clone(),
            replication_factor: change.replication_factor.unwrap_or(self.replication_factor),
            partition_count,
            config,
        })
    }

    /// What is shown of one topic alone: each partition, and the config.
    pub fn details(&self) -> impl Serialize + '_ {
        Details(self)
    }
}

impl TopicDefinition {
    /// One partition, two copies.
    pub fn new(name: TopicName) -> Self {
        TopicDefinition(Topic {
            name,
            replication_factor: Bounded::known::<2>(),
            partition_count: Bounded::known::<1>(),
            config: Map::new(),
        })
    }

    /// Into how many parts it is divided.
    #[must_use]
    pub fn partition_count(self, partition_count: Partitions) -> Self {
        TopicDefinition(Topic {
            partition_count,
            ..self.0
        })
    }

    /// On how many nodes each part is.
    #[must_use]
    pub fn replication_factor(self, replication_factor: Replicas) -> Self {
        TopicDefinition(Topic {
            replication_factor,
            ..self.0
        })
    }

    /// The engine's own options.
    #[must_use]
    pub fn config(self, config: Map<String, Value>) -> Self {
        TopicDefinition(Topic { config, ..self.0 })
    }
}

impl TopicChange {
    /// More partitions.
    #[must_use]
    pub fn partition_count(self, count: Partitions) -> Self {
        TopicChange {
            partition_count: Some(count),
            ..self
        }
    }

    /// On another number of nodes.
    #[must_use]
    pub fn replication_factor(self, factor: Replicas) -> Self {
        TopicChange {
            replication_factor: Some(factor),
            ..self
        }
    }

    /// These of the engine's own options; the others stay.
    #[must_use]
    pub fn config(self, config: Map<String, Value>) -> Self {
        TopicChange {
            config: Some(config),
            ..self
        }
    }
}

impl From<TopicDefinition> for Topic {
    fn from(definition: TopicDefinition) -> Self {
        definition.0
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("replication_factor", &self.replication_factor)?;
        map.serialize_entry("partition_count", &self.partition_count)?;
        map.serialize_entry("state", "active")?;
        map.end()
    }
}

struct Details<'a>(&'a Topic);

#[derive(Serialize)]
struct Partition {
    id: u32,
}

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let partitions: Vec<_> = (0..self.0.partition_count()).map(|id| Partition { id }).collect();
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("name", &self.0.name)?;
        map.serialize_entry("state", "active")?;
        map.serialize_entry("replication_factor", &self.0.replication_factor)?;
        map.serialize_entry("partitions", &partitions)?;
        map.serialize_entry("config", &self.0.config)?;
        map.end()
    }
}

impl Field for Map<String, Value> {
    fn parse(value: &Value) -> Result<Self, Violation> {
        value.as_object().cloned().ok_or(Violation::NotAnObject)
    }
}

impl Read for TopicDefinition {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name");
        let change = TopicChange::read(fields);
        let (TopicDefinition(topic), change) = (TopicDefinition::new(name?), change?);
        Some(TopicDefinition(Topic {
            partition_count: change.partition_count.unwrap_or(topic.partition_count),
            replication_factor: change.replication_factor.unwrap_or(topic.replication_factor),
            config: change.config.unwrap_or_default(),
            ..topic
        }))
    }
}

impl Read for TopicChange {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (partitions, replicas) = (
            fields.optional("partition_count"),
            fields.optional("replication_factor"),
        );
        let config = fields.optional("config");
        Some(TopicChange {
            partition_count: partitions?,
            replication_factor: replicas?,
            config: config?,
        })
    }
}

impl Stored for Topic {
    fn to_store(&self) -> Value {
        let mut value = value_of(self);
        value["config"] = Value::Object(self.config.clone());
        value
    }

    fn from_store(value: &Value) -> Result<Self, Invalid> {
        TopicDefinition::try_from(value).map(Topic::from)
    }
}

from_outside!(TopicDefinition, TopicChange);
