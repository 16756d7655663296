//! The house rules, as tests: what a reader may rely on in every file, and what no compiler checks.
//!
//! Each rule is a function from sources to findings, one test that the project passes it, and one that a bad snippet does
//! not. A finding names file and line. Only `std` is used, so the rules run wherever `cargo test` does.
//!
//! | file | rules about |
//! |---|---|
//! | `tidy/files.rs` | first lines, lengths, folders, the drivers' headings |
//! | `tidy/floors.rs` | who may import whom |
//! | `tidy/words.rs` | atomics and locks, `unsafe`, orderings, panics, names |
//! | `tidy/promises.rs` | tests: their names, and the promises they bear |
//! | `tidy/pages.rs` | README, ARCHITECTURE, CHANGELOG; fences on any page |
//! | `tidy/links.rs` | links of pages and of the documentation |
//! | `tidy/guides.rs` | the pages of `docs`: part of the documentation, linked, and complete about the options |
//! | `tidy/tree.rs`, `tidy/lexer.rs`, `tidy/paths.rs` | how all of them read: files, tokens, paths |

#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/guides.rs"]
mod guides;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/promises.rs"]
mod promises;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/words.rs"]
mod words;
