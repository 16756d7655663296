//! A record's JSON. Kept as the text that was written, so that nothing is rounded or reordered on the way; never shown,
//! since it may hold secrets.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;
use std::error::Error;
use std::fmt;

/// A JSON text that can be read back. Its `Debug` shows only the length.
///
/// # Examples
///
/// ```
/// use fairpool::resource::store::Document;
///
/// let body = Document::new(&("orders", 8))?;
/// assert_eq!(body.text(), r#"["orders",8]"#);
/// assert_eq!(format!("{body:?}"), "Document(12 bytes)");
///
/// let secret = Document::from_text(r#"{"sockPassword": "hunter2"}"#.to_owned())?;
/// let error = secret.read::<u32>().unwrap_err();
/// assert_eq!(error.to_string(), "the document is not of the expected form at line 1 column 0");
/// # Ok::<(), fairpool::resource::store::DocumentError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    text: String,
}

impl Document {
    /// The JSON of a value.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the value has no JSON, or one nested so deeply that it could not be read again.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, DocumentError> {
        Document::from_text(serde_json::to_string(value).map_err(|error| DocumentError::new(&error))?)
    }

    /// A text that is JSON.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if it is none, or is nested too deeply.
    pub fn from_text(text: String) -> Result<Self, DocumentError> {
        // The whole value, as a reader will have to: only that meets the bound on depth.
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(_) => Ok(Document { text }),
            Err(error) => Err(DocumentError::new(&error)),
        }
    }

    /// The value in it.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] if the JSON is not that of a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        serde_json::from_str(&self.text).map_err(|error| DocumentError::new(&error))
    }

    /// The text, secrets included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A text that was a document when it was written.
    #[cfg(feature = "sqlite")]
    pub(super) fn kept(text: String) -> Self {
        Document { text }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.text.len())
    }
}

/// Why a value has no JSON, or a JSON text no such value. It says where, and quotes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    what: &'static str,
    line: usize,
    column: usize,
}

impl DocumentError {
    /// serde_json's own text would quote what it found there.
    fn new(error: &serde_json::Error) -> Self {
        let what = match error.classify() {
            Category::Data => "is not of the expected form",
            Category::Eof => "ends too early",
            Category::Syntax | Category::Io => "is no JSON, or is nested too deeply,",
        };
        DocumentError {
            what,
            line: error.line(),
            column: error.column(),
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DocumentError { what, line, column } = self;
        write!(f, "the document {what} at line {line} column {column}")
    }
}

impl Error for DocumentError {}
