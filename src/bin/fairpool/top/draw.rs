//! One frame: a title, what is wrong, the rows that fit, the selected one's rest, the keys. The same lines go to a file, all of them.

use super::columns::{Layout, NAME, kind};
use super::sample::Thing;
use super::view::View;
use crate::operator::{cut, width};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::time::Instant;

/// What belongs to the keys is bold.
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const HEAD: Style = Style::new().add_modifier(Modifier::REVERSED);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const WARN: Style = Style::new().fg(Color::Yellow);

/// Draws into the area, and says which columns are seen there.
pub(super) fn draw(view: &View, now: Instant, area: Rect, buffer: &mut ratatui::buffer::Buffer) -> Vec<&'static str> {
    let (columns, height) = (usize::from(area.width), usize::from(area.height));
    let rows = view.rows();
    let layout = layout(&rows, Some(columns));
    let selected = view.position(&rows);

    // The fewer lines there are, the less stands beside the rows.
    let mut above = Vec::new();
    if height >= 4 {
        above.push(title(view, rows.len(), columns));
    }
    if height >= 3 || view.trouble.is_some() {
        above.push(news(view, now));
    }
    if height >= 2 {
        above.push(titles(view, &layout));
    }
    let mut below = Vec::new();
    if height >= 10 {
        below.push(Line::default());
        below.push(rows.get(selected).map(|thing| detail(thing)).unwrap_or_default());
    }
    if height >= 5 || view.is_typing {
        below.push(keys(view, columns));
    }

    let room = height.saturating_sub(above.len() + below.len());
    // The selected one is always seen.
    let first = selected.saturating_sub(room.saturating_sub(1));
    let body = rows.iter().enumerate().skip(first).take(room);
    let mut lines = above;
    lines.extend(body.map(|(at, thing)| row(view, &layout, thing, at == selected && selected > 0)));
    lines.resize_with(height.saturating_sub(below.len()).max(lines.len()), Line::default);
    lines.extend(below);
    for (line, y) in lines.into_iter().zip(area.y..area.bottom()) {
        line.render(Rect::new(area.x, y, area.width, 1), buffer);
    }
    layout.titles().into_iter().map(|(title, _)| title).collect()
}

/// The same as text, every row of it.
pub(super) fn text(view: &View, now: Instant, columns: Option<usize>) -> String {
    let rows = view.rows();
    let layout = layout(&rows, columns);
    let above = [
        title(view, rows.len(), columns.unwrap_or(80)),
        news(view, now),
        titles(view, &layout),
    ];
    let body = rows.iter().map(|thing| row(view, &layout, thing, false));
    let mut out = String::new();
    for line in above.into_iter().chain(body) {
        let line: String = line.spans.iter().map(|span| &*span.content).collect();
        out.push_str(&cut(line.trim_end(), columns.unwrap_or(usize::MAX)));
        out.push('\n');
    }
    out
}

fn layout(rows: &[&Thing], columns: Option<usize>) -> Layout {
    let longest = rows.iter().map(|thing| width(&thing.name)).max();
    Layout::new(columns, longest.unwrap_or_default())
}

fn title(view: &View, rows: usize, columns: usize) -> Line<'static> {
    let things = &view.sample.things;
    let count = |of: fn(&Thing) -> bool| things.iter().filter(|thing| of(thing)).count();
    let waiting = count(|thing| thing.pending.is_some_and(|pending| pending > 0.0));
    let shut = count(|thing| !thing.is_open());
    let mut facts = match rows == things.len() {
        true => format!("{rows} live, {waiting} with a line"),
        false => format!("{rows} of {} live, {waiting} with a line", things.len()),
    };
    if shut > 0 {
        facts.push_str(&format!(", {shut} not open"));
    }
    let name = format!("fairpool top  {}", view.server);
    let gap = columns.saturating_sub(width(&name) + width(&facts));
    if gap < 2 {
        return Line::from(Span::styled(cut(&facts, columns), BOLD));
    }
    Line::from(vec![
        Span::styled(name, BOLD),
        Span::raw(" ".repeat(gap)),
        Span::raw(facts),
    ])
}

/// What goes on, or what is wrong.
fn news(view: &View, now: Instant) -> Line<'static> {
    if let Some((since, why)) = &view.trouble {
        let seconds = now.saturating_duration_since(*since).as_secs();
        let said = format!("server gone for {seconds} s, trying on: {why}");
        return Line::from(Span::styled(said, BAD));
    }
    let sorted_by = match view.sorted_by {
        "" => "state",
        title => title,
    };
    let arrow = if view.downwards { '↓' } else { '↑' };
    let mut said = format!(
        "every {} s, by {} {arrow}",
        view.every.as_secs_f64(),
        sorted_by.to_lowercase()
    );
    if !view.filter.is_empty() {
        said.push_str(&format!(", only /{}", crate::operator::shown(&view.filter)));
    }
    Line::from(Span::styled(said, DIM))
}

fn titles(view: &View, layout: &Layout) -> Line<'static> {
    let mut spans = Vec::new();
    for (title, text) in layout.titles() {
        if title != NAME {
            spans.push(Span::styled(" ", HEAD));
        }
        let style = if title == view.sorted_by {
            HEAD.patch(BOLD).add_modifier(Modifier::UNDERLINED)
        } else {
            HEAD
        };
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}

fn row(view: &View, layout: &Layout, thing: &Thing, is_selected: bool) -> Line<'static> {
    let style = match () {
        // What is shown is what was once so.
        () if view.trouble.is_some() => DIM,
        () if !thing.is_open() => WARN,
        () if thing.pending.is_some_and(|pending| pending > 0.0) => BOLD,
        () => Style::new(),
    };
    let style = if is_selected {
        style.add_modifier(Modifier::REVERSED)
    } else {
        style
    };
    Line::from(Span::styled(layout.cells(thing).join(" "), style))
}

/// What the columns have no room for.
fn detail(thing: &Thing) -> Line<'static> {
    let mut said = format!("{} {}: {}", kind(&thing.kind), thing.name, thing.state);
    if let Some(reason) = &thing.reason {
        said.push_str(&format!(", {reason}"));
    }
    let totals = thing.totals;
    let counts = [
        (thing.connecting, "opening"),
        (totals.leases, "leases"),
        (totals.queued, "waited"),
        (totals.timeouts, "timed out"),
        (totals.connect_failures, "connects failed"),
        (totals.cleared, "cleared"),
        (totals.cancelled, "cancelled"),
        (totals.opened, "opened"),
        (totals.closed, "closed"),
        (thing.generation, "th generation"),
    ];
    for (count, what) in counts {
        match count {
            Some(count) if what == "th generation" => said.push_str(&format!(", generation {count}")),
            Some(count) => said.push_str(&format!(", {count} {what}")),
            None => {}
        }
    }
    Line::from(said)
}

fn keys(view: &View, columns: usize) -> Line<'static> {
    if view.is_typing {
        // The end of a long one is where is typed.
        let text = crate::operator::shown(&view.filter);
        let mut typed: String = format!("filter: {text}_");
        while width(&typed) > columns.max(1) {
            typed.remove(0);
        }
        return Line::from(Span::styled(typed, BOLD));
    }
    let keys = [
        ("q", "quit"),
        ("/", "filter"),
        ("<>", "sort"),
        ("r", "reverse"),
        ("↑↓", "move"),
    ];
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, what) in keys {
        used += width(key) + width(what) + 3;
        if used > columns + 2 {
            break;
        }
        spans.push(Span::styled(key, BOLD));
        spans.push(Span::raw(format!(" {what}  ")));
    }
    Line::from(spans)
}
