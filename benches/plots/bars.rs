//! Horizontal bars, a subject a line, with the figure at the end of each.

use super::figure::Area;
use super::look::{FAINT, GRID, INK, colour, short, text};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use std::error::Error;

pub(crate) struct Bars {
    /// What is measured, in which unit, and which way is better.
    pub(crate) label: String,
    pub(crate) logarithmic: bool,
    pub(crate) rows: Vec<(String, f64)>,
}

const LINE: u32 = 28;
const LEFT: i32 = 150;
/// For the figure at the end of the longest bar.
const RIGHT: i32 = 60;
const FOOT: u32 = 54;

impl Bars {
    pub(crate) fn height(&self) -> u32 {
        self.rows.len() as u32 * LINE + FOOT
    }

    pub(crate) fn draw(&self, area: &Area<'_>) -> Result<(), Box<dyn Error>> {
        let (width, _) = area.dim_in_pixel();
        let bottom = (self.rows.len() as u32 * LINE) as i32;
        let scale = Scale::of(self, (width as i32 - LEFT - RIGHT) as f64);
        for tick in scale.ticks() {
            let x = scale.place(tick);
            area.draw(&PathElement::new([(x, 0), (x, bottom)], GRID.stroke_width(1)))?;
            area.draw_text(&short(tick), &text(11, &FAINT, HPos::Center), (x, bottom + 13))?;
        }
        for (at, (subject, value)) in self.rows.iter().enumerate() {
            let middle = at as i32 * LINE as i32 + LINE as i32 / 2;
            let end = scale.place(*value).max(LEFT + 1);
            area.draw(&Rectangle::new(
                [(LEFT, middle - 9), (end, middle + 9)],
                colour(subject).filled(),
            ))?;
            area.draw_text(subject, &text(13, &INK, HPos::Right), (LEFT - 8, middle))?;
            area.draw_text(&short(*value), &text(12, &INK, HPos::Left), (end + 6, middle))?;
        }
        area.draw(&PathElement::new([(LEFT, 0), (LEFT, bottom)], INK.stroke_width(1)))?;
        let middle = (LEFT + width as i32 - RIGHT) / 2;
        area.draw_text(&self.label, &text(12, &INK, HPos::Center), (middle, bottom + 36))?;
        Ok(())
    }
}

/// From figures to pixels.
struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
    pixels: f64,
}

impl Scale {
    fn of(bars: &Bars, pixels: f64) -> Scale {
        let values = || bars.rows.iter().map(|(_, value)| *value).filter(|value| *value > 0.0);
        let largest = values().fold(0.0, f64::max);
        let smallest = values().fold(f64::INFINITY, f64::min);
        if bars.logarithmic && smallest.is_finite() {
            // A whole power of ten below, so that even the smallest has a bar.
            let from = 10f64.powf((smallest.log10() - 0.3).floor());
            return Scale {
                from,
                to: largest * 1.1,
                logarithmic: true,
                pixels,
            };
        }
        Scale {
            from: 0.0,
            to: if largest > 0.0 { largest } else { 1.0 },
            logarithmic: false,
            pixels,
        }
    }

    fn place(&self, value: f64) -> i32 {
        let part = if self.logarithmic {
            (value.max(self.from) / self.from).log10() / (self.to / self.from).log10()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        LEFT + (part * self.pixels) as i32
    }

    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let steps = (0..).map(|step| self.from * 10f64.powi(step));
            return steps.take_while(|tick| *tick <= self.to).collect();
        }
        let rough = self.to / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|one| one * power);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        (0..)
            .map(|at| f64::from(at) * step)
            .take_while(|tick| *tick <= self.to)
            .collect()
    }
}
