//! The documents' own words, sent by the real `curl` through a real shell to a service on a real port.
//!
//! | file | what |
//! |---|---|
//! | `documents/*.txt` | what each document prints: its curls, bodies, answers; where it prints no curl, its calls |
//! | `documents/sheet.rs` | how these are read, and whether they are all there |
//! | `documents/shell.rs` | a script in a shell, and what its `curl` was answered |
//! | `documents/service.rs` | the service, and a sample with its host and placeholders filled |
//! | `documents/pools.rs`, `documents/settings.rs`, `documents/connections.rs` | the families |
#![cfg(feature = "server")]

#[path = "documents/connections.rs"]
mod connections;
#[path = "documents/pools.rs"]
mod pools;
#[path = "documents/service.rs"]
mod service;
#[path = "documents/settings.rs"]
mod settings;
#[path = "documents/sheet.rs"]
mod sheet;
#[path = "documents/shell.rs"]
mod shell;
