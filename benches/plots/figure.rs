//! A plot: a title, a line about the run, and panels side by side.

use super::bars::Bars;
use super::curves::Curves;
use super::look::{FAINT, INK, text};
use super::results::Run;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use std::error::Error;
use std::path::Path;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

pub(crate) struct Figure {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    pub(crate) note: String,
    pub(crate) panels: Vec<Panel>,
}

pub(crate) enum Panel {
    Bars(Bars),
    Curves(Curves),
}

const HEAD: u32 = 62;
const BAR_PANEL: u32 = 460;
const CURVE_PANEL: u32 = 430;
const LEGEND: u32 = 165;

impl Figure {
    pub(crate) fn of(run: &Run, file: &'static str, title: &'static str, panels: Vec<Panel>) -> Figure {
        let [date, machine, commit] = ["date", "machine", "commit"].map(|what| run.fact(what));
        Figure {
            file,
            title,
            note: format!("{date}, {machine}, commit {commit}"),
            panels,
        }
    }

    pub(crate) fn draw(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        let has_legend = self.panels.iter().any(|panel| matches!(panel, Panel::Curves(_)));
        let widths = self.panels.iter().map(Panel::width);
        let width = widths.sum::<u32>() + if has_legend { LEGEND } else { 0 };
        let height = HEAD + self.panels.iter().map(Panel::height).max().unwrap_or_default();
        let root = SVGBackend::new(file, (width, height)).into_drawing_area();
        root.fill(&WHITE)?;
        root.draw_text(self.title, &text(18, &INK, HPos::Left), (16, 22))?;
        root.draw_text(&self.note, &text(11, &FAINT, HPos::Left), (16, 44))?;
        let (_, mut rest) = root.split_vertically(HEAD);
        for panel in &self.panels {
            let (area, right) = rest.split_horizontally(panel.width());
            match panel {
                Panel::Bars(bars) => bars.draw(&area)?,
                Panel::Curves(curves) => curves.draw(&area)?,
            }
            rest = right;
        }
        if let Some(Panel::Curves(curves)) = self.panels.last() {
            curves.draw_legend(&rest)?;
        }
        root.present()?;
        Ok(())
    }
}

impl Panel {
    fn width(&self) -> u32 {
        match self {
            Panel::Bars(_) => BAR_PANEL,
            Panel::Curves(_) => CURVE_PANEL,
        }
    }

    fn height(&self) -> u32 {
        match self {
            Panel::Bars(bars) => bars.height(),
            Panel::Curves(_) => 340,
        }
    }
}
