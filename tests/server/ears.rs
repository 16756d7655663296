//! What can be heard of a service, kept to be searched: what is said to it, and what `tracing` writes.

use parking_lot::Mutex;
use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::Arc;
use tracing_subscriber::fmt::MakeWriter;

/// All that was heard.
#[derive(Clone, Default)]
pub(crate) struct Ears(Arc<Mutex<Vec<u8>>>);

impl Ears {
    pub(crate) fn hear(&self, heard: &(impl Debug + ?Sized)) {
        self.0.lock().extend(format!("{heard:?}\n").bytes());
    }

    /// Fails with the lines that tell something.
    #[track_caller]
    pub(crate) fn heard_nothing_of(&self, words: &[String]) {
        let heard = String::from_utf8_lossy(&self.0.lock()).into_owned();
        let tells = |line: &&str| {
            words
                .iter()
                .any(|word| line.to_ascii_lowercase().contains(&word.to_ascii_lowercase()))
        };
        let telling: Vec<_> = heard.lines().filter(tells).collect();
        assert!(telling.is_empty(), "{telling:#?}");
    }

    #[track_caller]
    pub(crate) fn heard(&self, word: &str) {
        assert!(
            String::from_utf8_lossy(&self.0.lock()).contains(word),
            "{word} was to be heard"
        );
    }
}

impl Write for Ears {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Ears {
    type Writer = Ears;

    fn make_writer(&self) -> Ears {
        self.clone()
    }
}
