//! Colours and type: each subject has one colour in all plots; fairpool's stands out.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(crate) const FAINT: RGBColor = RGBColor(0x77, 0x77, 0x77);
pub(crate) const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);

pub(crate) fn colour(subject: &str) -> RGBColor {
    match subject {
        "fairpool" => RGBColor(0x00, 0x7a, 0x5a),
        "bb8" => RGBColor(0xd5, 0x5e, 0x00),
        "deadpool" => RGBColor(0x00, 0x55, 0xa4),
        "deadpool-unmanaged" | "deadpool-postgres" => RGBColor(0x56, 0xb4, 0xe9),
        "mobc" => RGBColor(0xcc, 0x79, 0xa7),
        "fast_pool" => RGBColor(0xe6, 0x9f, 0x00),
        "sqlx" => RGBColor(0x8c, 0x56, 0x4b),
        "tokio-semaphore" => RGBColor(0x6b, 0x4c, 0x9a),
        _ => RGBColor(0xa0, 0xa0, 0xa0),
    }
}

pub(crate) fn width(subject: &str) -> u32 {
    if subject == "fairpool" { 4 } else { 2 }
}

pub(crate) fn text(size: u32, colour: &'static RGBColor, horizontal: HPos) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", size).into_font())
        .color(colour)
        .pos(Pos::new(horizontal, VPos::Center))
}

/// Short, with three significant digits at most.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        large if large >= 1e6 => format!("{}M", trimmed(value / 1e6)),
        middle if middle >= 1e4 => format!("{}k", trimmed(value / 1e3)),
        _ => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
