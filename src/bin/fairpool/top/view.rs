//! What is looked at and how: the latest sample, the sorting, the filter, the selected one, and what the keys do. It knows no terminal.

use super::columns::{COLUMNS, Column, NAME, PENDING};
use super::sample::{Sample, Thing};
use crate::operator::shown;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::cmp::Ordering;
use std::time::{Duration, Instant};

/// All that is drawn.
pub(super) struct View {
    pub(super) server: String,
    pub(super) every: Duration,
    pub(super) sample: Sample,
    /// Since when there is no answer, and why.
    pub(super) trouble: Option<(Instant, String)>,
    /// A column's title.
    pub(super) sorted_by: &'static str,
    pub(super) downwards: bool,
    pub(super) filter: String,
    pub(super) is_typing: bool,
    /// Kind and name of the one that was moved to; none is whoever comes first.
    selected: Option<(String, String)>,
}

/// The exit code, when a key ends it.
pub(super) type End = Option<u8>;

const PAGE: usize = 10;

impl View {
    pub(super) fn new(server: &str, every: Duration) -> Self {
        View {
            server: shown(server),
            every,
            sample: Sample::default(),
            trouble: None,
            sorted_by: PENDING,
            downwards: true,
            filter: String::new(),
            is_typing: false,
            selected: None,
        }
    }

    /// Takes what the server said, or why it said nothing.
    pub(super) fn take(&mut self, news: Result<Sample, String>, now: Instant) {
        match news {
            Ok(sample) => {
                self.sample = sample.since(&self.sample);
                self.trouble = None;
            }
            Err(why) => {
                let since = self.trouble.take().map_or(now, |(since, _)| since);
                self.trouble = Some((since, why));
            }
        }
    }

    /// Those that the filter lets through, sorted; ties as they were last seen: by pending, the oldest wait, and then by name.
    pub(super) fn rows(&self) -> Vec<&Thing> {
        let wanted = self.filter.to_lowercase();
        let matches = |thing: &&Thing| {
            [&thing.name, &thing.kind, &thing.state]
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted))
        };
        let mut rows: Vec<&Thing> = self.sample.things.iter().filter(matches).collect();
        rows.sort_by(|a, b| {
            let chosen = match column(self.sorted_by) {
                Some(column) => compare(column, a, b),
                None => a.name.cmp(&b.name),
            };
            let chosen = if self.downwards { chosen.reverse() } else { chosen };
            let urgency = |of: &Thing| (of.pending.unwrap_or_default(), of.oldest_wait.unwrap_or_default());
            let urgent = urgency(b).partial_cmp(&urgency(a)).unwrap_or(Ordering::Equal);
            chosen
                .then(urgent)
                .then_with(|| a.name.cmp(&b.name))
                .then_with(|| a.kind.cmp(&b.kind))
        });
        rows
    }

    /// Chooses a column by its title, in any case; false if there is none.
    pub(super) fn sort_by(&mut self, title: &str) -> bool {
        let titles = [NAME].into_iter().chain(COLUMNS.iter().map(|column| column.title));
        let fits = |known: &&str| !known.is_empty() && simple(known) == simple(title);
        let Some(found) = titles.into_iter().find(fits) else {
            return false;
        };
        self.sorted_by = found;
        // Words from A to Z, numbers from the largest.
        self.downwards = column(found).is_some_and(|column| !column.is_word());
        true
    }

    /// `shown`: the titles that are on the screen, among which the arrows move.
    pub(super) fn key(&mut self, key: KeyEvent, on_screen: &[&'static str]) -> End {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('c')).then_some(130);
        }
        if self.is_typing {
            match key.code {
                KeyCode::Enter => self.is_typing = false,
                KeyCode::Esc => {
                    self.is_typing = false;
                    self.filter.clear();
                }
                KeyCode::Backspace => drop(self.filter.pop()),
                KeyCode::Char(c) => self.filter.push(c),
                _ => {}
            }
            self.selected = None;
            return None;
        }
        match key.code {
            KeyCode::Char('q') => return Some(0),
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('r') => self.downwards = !self.downwards,
            KeyCode::Left | KeyCode::Char('<') => self.sort_beside(on_screen, false),
            KeyCode::Right | KeyCode::Char('>') => self.sort_beside(on_screen, true),
            KeyCode::Up | KeyCode::Char('k') => self.select(|at| at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.select(|at| at + 1),
            KeyCode::PageUp => self.select(|at| at.saturating_sub(PAGE)),
            KeyCode::PageDown => self.select(|at| at + PAGE),
            KeyCode::Home => self.select(|_| 0),
            KeyCode::End => self.select(|_| usize::MAX),
            _ => {}
        }
        None
    }

    /// Where the selected one stands among the rows, wherever the sorting has moved it.
    pub(super) fn position(&self, rows: &[&Thing]) -> usize {
        let Some((kind, name)) = &self.selected else {
            return 0;
        };
        let is_it = |thing: &&Thing| thing.kind == *kind && thing.name == *name;
        rows.iter().position(is_it).unwrap_or_default()
    }

    fn select(&mut self, to: impl FnOnce(usize) -> usize) {
        let rows = self.rows();
        let at = to(self.position(&rows)).min(rows.len().saturating_sub(1));
        let chosen = rows.get(at).filter(|_| at > 0);
        self.selected = chosen.map(|thing| (thing.kind.clone(), thing.name.clone()));
    }

    fn sort_beside(&mut self, on_screen: &[&'static str], right: bool) {
        let titles: Vec<&str> = on_screen.iter().copied().filter(|title| !title.is_empty()).collect();
        let at = titles
            .iter()
            .position(|title| *title == self.sorted_by)
            .unwrap_or_default();
        let next = if right { at + 1 } else { at + titles.len().max(1) - 1 };
        if let Some(title) = titles.get(next % titles.len().max(1)) {
            self.sort_by(title);
        }
    }
}

fn column(title: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.title == title)
}

fn compare(column: &Column, a: &Thing, b: &Thing) -> Ordering {
    if column.is_word() {
        return column.word(a).cmp(column.word(b));
    }
    column.value(a).total_cmp(&column.value(b))
}

/// As an argument may spell it: `in-use`, `leases`.
fn simple(title: &str) -> String {
    let lower = title.to_lowercase();
    lower.chars().filter(|c| c.is_alphanumeric()).collect()
}
