//! Draws the kept results: plots into `benches/results`, tables into `docs/performance.md` and `docs/outages.md`.
//!
//! ```text
//! cargo bench --bench plots        # after the other benches; measures nothing
//! ```
//!
//! Each plot and each table comes from the newest full run of its bench. Nothing in them is written by hand. A test run
//! (without `--bench`) draws into the target folder and leaves the pages alone.

#![allow(clippy::print_stdout, reason = "a bench reports on the terminal")]

#[path = "plots/mod.rs"]
mod plots;
mod report;

use plots::results::Results;
use plots::{figures, page};
use std::error::Error;
use std::path::Path;

const PAGES: [&str; 2] = ["docs/performance.md", "docs/outages.md"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let results = Results::in_folder(&root.join("benches/results"));
    let drawing = std::env::args().any(|argument| argument == "--bench");
    let folder = if drawing {
        root.join("benches/results")
    } else {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("plots")
    };
    std::fs::create_dir_all(&folder)?;
    for figure in figures::all(&results) {
        let file = folder.join(figure.file);
        figure.draw(&file)?;
        println!("drawn: {}", file.display());
    }
    if drawing {
        for page in PAGES {
            let path = root.join(page);
            let text = std::fs::read_to_string(&path)?;
            std::fs::write(&path, page::fill(&text, &results)?)?;
            println!("filled: {}", path.display());
        }
    }
    Ok(())
}
