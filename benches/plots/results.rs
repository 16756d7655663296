//! The newest kept run of each bench, as JSON and as Markdown.

use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

const BENCHES: [&str; 6] = ["peers", "scale", "tails", "costs", "down", "real"];

/// Those of the benches that have been run.
pub(crate) struct Results(HashMap<&'static str, Run>);

pub(crate) struct Run {
    /// `<date>-<bench>`.
    pub(crate) stem: String,
    pub(crate) json: Value,
    pub(crate) markdown: String,
}

impl Results {
    pub(crate) fn in_folder(folder: &Path) -> Results {
        let newest = |bench: &'static str| {
            let entries = std::fs::read_dir(folder).ok()?;
            let stems = entries.filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                let stem = name.strip_suffix(".json")?;
                // A date has ten characters.
                (stem.get(10..)? == format!("-{bench}")).then(|| stem.to_owned())
            });
            let stem = stems.max()?;
            let read = |extension: &str| std::fs::read_to_string(folder.join(format!("{stem}.{extension}"))).ok();
            let json = serde_json::from_str(&read("json")?).ok()?;
            let markdown = read("md")?;
            Some((bench, Run { stem, json, markdown }))
        };
        Results(BENCHES.into_iter().filter_map(newest).collect())
    }

    pub(crate) fn run(&self, bench: &str) -> Option<&Run> {
        self.0.get(bench)
    }
}

impl Run {
    /// A fact about the run, such as its commit.
    pub(crate) fn fact(&self, what: &str) -> &str {
        self.json["facts"][what].as_str().unwrap_or("unknown")
    }

    /// The first table under a heading; before all headings if that is empty.
    pub(crate) fn table(&self, heading: &str) -> Option<String> {
        let mut lines = self.markdown.lines();
        if !heading.is_empty() {
            lines.find(|line| line.strip_prefix("## ") == Some(heading))?;
        }
        let table: Vec<&str> = lines
            .take_while(|line| !line.starts_with("## "))
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .collect();
        (!table.is_empty()).then(|| table.join("\n"))
    }
}
