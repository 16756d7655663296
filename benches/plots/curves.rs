//! Lines, a subject each, over an axis that is logarithmic or a row of names.

use super::figure::Area;
use super::look::{GRID, INK, colour, short, text, width};
use plotters::coord::ranged1d::{AsRangedCoord, DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use std::error::Error;
use std::ops::Range;

pub(crate) struct Curves {
    pub(crate) title: String,
    pub(crate) x_label: &'static str,
    pub(crate) y_label: &'static str,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<(String, Vec<(f64, f64)>)>,
}

/// Where its marks are, and what stands there.
pub(crate) struct Axis {
    pub(crate) logarithmic: bool,
    pub(crate) range: Range<f64>,
    pub(crate) marks: Vec<(f64, String)>,
}

impl Axis {
    /// Powers of ten that hold all the figures.
    pub(crate) fn powers(values: impl Iterator<Item = f64>) -> Axis {
        let (mut from, mut to) = (f64::INFINITY, 0f64);
        values.filter(|value| *value > 0.0).for_each(|value| {
            from = from.min(value);
            to = to.max(value);
        });
        if !from.is_finite() {
            (from, to) = (1.0, 10.0);
        }
        let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
        let last = last.max(first + 1);
        Axis {
            logarithmic: true,
            range: 10f64.powi(first)..10f64.powi(last),
            marks: (first..=last)
                .map(|power| (10f64.powi(power), short(10f64.powi(power))))
                .collect(),
        }
    }

    /// From zero to a little more than the largest.
    pub(crate) fn linear(values: impl Iterator<Item = f64>) -> Axis {
        let to = values.fold(0f64, f64::max) * 1.08;
        let to = if to > 0.0 { to } else { 1.0 };
        let power = 10f64.powf((to / 4.0).log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|one| one * power);
        let step = steps.into_iter().find(|step| *step >= to / 5.0).unwrap_or(to);
        let marks = (0..).map(|at| f64::from(at) * step).take_while(|mark| *mark <= to);
        Axis {
            logarithmic: false,
            range: 0.0..to,
            marks: marks.map(|mark| (mark, short(mark))).collect(),
        }
    }

    /// One place a name.
    pub(crate) fn names(names: impl Iterator<Item = String>) -> Axis {
        let marks: Vec<(f64, String)> = names.enumerate().map(|(at, name)| (at as f64, name)).collect();
        Axis {
            logarithmic: false,
            range: -0.3..marks.len() as f64 - 0.7,
            marks,
        }
    }

    /// Quantiles by how rare the rest is: the place of a quantile is 1 / (1 − quantile).
    pub(crate) fn rarity() -> Axis {
        let marks = [
            (2.0, "p50"),
            (10.0, "p90"),
            (100.0, "p99"),
            (1e3, "p99.9"),
            (1e4, "p99.99"),
        ];
        Axis {
            logarithmic: true,
            range: 1.25..1.2e4,
            marks: marks.map(|(at, name)| (at, name.to_owned())).into(),
        }
    }

    fn place(&self, value: f64) -> f64 {
        let value = value.clamp(self.range.start, self.range.end);
        if self.logarithmic { value.log10() } else { value }
    }
}

/// An axis as the drawing library wants it: linear in what [`Axis::place`] says.
struct Drawn<'a>(&'a Axis);

struct Coordinate {
    range: Range<f64>,
    marks: Vec<f64>,
}

impl AsRangedCoord for Drawn<'_> {
    type CoordDescType = Coordinate;
    type Value = f64;
}

impl From<Drawn<'_>> for Coordinate {
    fn from(Drawn(axis): Drawn<'_>) -> Self {
        Coordinate {
            range: axis.place(axis.range.start)..axis.place(axis.range.end),
            marks: axis.marks.iter().map(|(at, _)| axis.place(*at)).collect(),
        }
    }
}

impl Ranged for Coordinate {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let part = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (part * f64::from(limit.1 - limit.0)) as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl Curves {
    pub(crate) fn draw(&self, area: &Area<'_>) -> Result<(), Box<dyn Error>> {
        let name = |axis: &Axis, place: f64| {
            let mark = axis.marks.iter().find(|(at, _)| (axis.place(*at) - place).abs() < 1e-9);
            mark.map_or_else(String::new, |(_, name)| name.clone())
        };
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, text(14, &INK, HPos::Center))
            .margin_left(12)
            .margin_right(14)
            .margin_bottom(8)
            .x_label_area_size(44)
            .y_label_area_size(58)
            .build_cartesian_2d(Drawn(&self.x), Drawn(&self.y))?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc(self.x_label)
            .y_desc(self.y_label)
            .x_label_formatter(&|place| name(&self.x, *place))
            .y_label_formatter(&|place| name(&self.y, *place))
            .label_style(("sans-serif", 11).into_font().color(&INK))
            .axis_desc_style(("sans-serif", 12).into_font().color(&INK))
            .axis_style(INK.stroke_width(1))
            .draw()?;
        let [left, right] = [self.x.range.start, self.x.range.end].map(|end| self.x.place(end));
        for (mark, _) in &self.y.marks {
            let y = self.y.place(*mark);
            chart.draw_series([PathElement::new([(left, y), (right, y)], GRID.stroke_width(1))])?;
        }
        // Ours first, and thick: where lines coincide, both can be seen.
        let (ours, peers): (Vec<_>, Vec<_>) = self.series.iter().partition(|(subject, _)| subject == "fairpool");
        for (subject, points) in ours.into_iter().chain(peers) {
            let places = || points.iter().map(|(x, y)| (self.x.place(*x), self.y.place(*y)));
            let style = colour(subject).stroke_width(width(subject));
            chart.draw_series(LineSeries::new(places(), style))?;
            let radius = width(subject) as i32 + 1;
            chart.draw_series(places().map(|place| Circle::new(place, radius, colour(subject).filled())))?;
        }
        Ok(())
    }

    /// The subjects in the order in which their lines end, the topmost first.
    pub(crate) fn draw_legend(&self, area: &Area<'_>) -> Result<(), Box<dyn Error>> {
        let end = |points: &[(f64, f64)]| points.last().map_or(0.0, |(_, y)| *y);
        let mut series: Vec<_> = self.series.iter().collect();
        series.sort_by(|a, b| end(&b.1).total_cmp(&end(&a.1)));
        for (at, (subject, _)) in series.into_iter().enumerate() {
            let y = 44 + at as i32 * 22;
            let line = PathElement::new([(4, y), (26, y)], colour(subject).stroke_width(width(subject)));
            area.draw(&line)?;
            area.draw_text(subject, &text(12, &INK, HPos::Left), (32, y))?;
        }
        Ok(())
    }
}
