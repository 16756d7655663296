//! What is said of a model that breaks rules: each field with its violation, and never a value.
//!
//! The data are structured, so that each family of the interface can render texts of its own; the sentences of the first
//! family are here, since they follow from the violations by themselves.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::iter::once;

/// Why a model was refused: at least one field, in the order in which the document lists them.
///
/// ```
/// use fairpool::resource::models::{Invalid, NewConnectionPool, Violation};
///
/// let refused = NewConnectionPool::try_from(&serde_json::json!({"name": "orders"})).unwrap_err();
/// assert_eq!(refused.to_string(), "limit is required");
/// assert_eq!(refused.violations().collect::<Vec<_>>(), [("limit", &Violation::Required)]);
/// assert_eq!(refused.summary(), "The limit field is required.");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    first: Fault,
    more: Vec<Fault>,
}

type Fault = (Cow<'static, str>, Violation);

/// Which rule a field breaks. Its `Display` is what can be said after the field's name: `must be at least 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// It has to be there.
    Required,
    /// It has to be there because of another field: `connectionPoolManagementType is CUSTOM`.
    RequiredWhen(&'static str),
    /// It may be left out, but not be `null`.
    Null,
    /// Neither an integer nor a number without a fraction.
    NotAnInteger,
    /// No text.
    NotAString,
    /// Neither `true` nor `false`.
    NotABoolean,
    /// No JSON object.
    NotAnObject,
    /// No JSON array.
    NotAList,
    /// A number below this.
    AtLeast(u64),
    /// A number above this.
    AtMost(u64),
    /// A text of fewer characters than this.
    TooShort(u64),
    /// A text of more characters than this.
    TooLong(u64),
    /// None of these.
    NotOneOf(&'static [&'static str]),
    /// Not of this form: `a host, host:port or URL`.
    NotA(&'static str),
    /// Another one has it already, and it must be unique.
    Taken,
    /// It is the mask that answers show, and nothing is stored that it could stand for.
    NothingStored,
    /// It is a mask, and what it stands for would go another way than before, because this field has changed.
    Elsewhere(&'static str),
}

impl Invalid {
    /// One field that breaks a rule.
    pub fn new(field: impl Into<Cow<'static, str>>, violation: Violation) -> Self {
        Invalid {
            first: (field.into(), violation),
            more: Vec::new(),
        }
    }

    /// All of them, or `None` if there are none.
    pub(crate) fn of(faults: Vec<Fault>) -> Option<Self> {
        let mut faults = faults.into_iter();
        let first = faults.next()?;
        Some(Invalid {
            first,
            more: faults.collect(),
        })
    }

    /// The fields with what is wrong with them, in the document's order.
    pub fn violations(&self) -> impl Iterator<Item = (&str, &Violation)> {
        once(&self.first)
            .chain(&self.more)
            .map(|(field, violation)| (&**field, violation))
    }

    /// The first of them.
    pub fn first(&self) -> (&str, &Violation) {
        (&self.first.0, &self.first.1)
    }

    /// The fields with a sentence each, as the first family's `errors` show them.
    pub fn sentences(&self) -> impl Iterator<Item = (&str, String)> {
        self.violations()
            .map(|(field, violation)| (field, violation.sentence(field)))
    }

    /// The first sentence and how many more there are, as the first family's `message` shows it.
    ///
    /// ```
    /// # use fairpool::resource::models::NewConnectionPool;
    /// let refused = NewConnectionPool::try_from(&serde_json::json!({})).unwrap_err();
    /// assert_eq!(refused.summary(), "The limit field is required. (and 1 more error)");
    /// ```
    pub fn summary(&self) -> String {
        let (field, violation) = self.first();
        let sentence = violation.sentence(field);
        match self.more.len() {
            0 => sentence,
            1 => format!("{sentence} (and 1 more error)"),
            more => format!("{sentence} (and {more} more errors)"),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.first.0, self.first.1)?;
        self.more
            .iter()
            .try_for_each(|(field, violation)| write!(f, "; {field} {violation}"))
    }
}

impl Error for Invalid {}

impl Violation {
    /// As the first family says it: `The per page field must be at least 1.`
    ///
    /// ```
    /// # use fairpool::resource::models::Violation;
    /// assert_eq!(Violation::AtLeast(1).sentence("per_page"), "The per page field must be at least 1.");
    /// assert_eq!(Violation::Taken.sentence("name"), "The name has already been taken.");
    /// ```
    pub fn sentence(&self, field: &str) -> String {
        let field = field.replace('_', " ");
        match self {
            Violation::Taken => format!("The {field} {self}."),
            _ => format!("The {field} field {self}."),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Required => f.write_str("is required"),
            Violation::RequiredWhen(reason) => write!(f, "is required when {reason}"),
            Violation::Null => f.write_str("must not be null"),
            Violation::NotAnInteger => f.write_str("must be an integer"),
            Violation::NotAString => f.write_str("must be a string"),
            Violation::NotABoolean => f.write_str("must be true or false"),
            Violation::NotAnObject => f.write_str("must be an object"),
            Violation::NotAList => f.write_str("must be an array"),
            Violation::AtLeast(least) => write!(f, "must be at least {least}"),
            Violation::AtMost(most) => write!(f, "must not be greater than {most}"),
            Violation::TooShort(least) => write!(f, "must be at least {least} characters"),
            Violation::TooLong(most) => write!(f, "must not be greater than {most} characters"),
            Violation::NotOneOf(all) => write!(f, "must be one of {}", all.join(", ")),
            Violation::NotA(form) => write!(f, "must be {form}"),
            Violation::Taken => f.write_str("has already been taken"),
            Violation::NothingStored => f.write_str("is masked, and nothing is stored for it"),
            Violation::Elsewhere(field) => write!(f, "is masked, and must be sent in full since {field} changes"),
        }
    }
}

impl Error for Violation {}
