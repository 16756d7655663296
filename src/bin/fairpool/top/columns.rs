//! The columns: which there are, which of them fit, and how their numbers are written in a few characters.

use super::sample::Thing;
use crate::operator::{NONE, cut, width};

/// A column beside the name, which stands first and has what the others leave.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    width: usize,
    form: Form,
    value: fn(&Thing) -> Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Count,
    Rate,
    Seconds,
    Kind,
    /// One character where something is not as it should be.
    Mark,
    State,
}

const fn column(title: &'static str, width: usize, form: Form, value: fn(&Thing) -> Option<f64>) -> Column {
    Column {
        title,
        width,
        form,
        value,
    }
}

/// As they stand from left to right.
pub(super) static COLUMNS: [Column; 20] = [
    column("", 1, Form::Mark, |_| None),
    column("KIND", 6, Form::Kind, |_| None),
    column("STATE", 8, Form::State, |_| None),
    column("LIMIT", 5, Form::Count, |of| of.limit),
    column("IN USE", 6, Form::Count, |of| of.in_use),
    column("IDLE", 5, Form::Count, |of| of.idle),
    column("OPEN", 5, Form::Count, |of| of.open),
    column("OPENING", 7, Form::Count, |of| of.connecting),
    column("PEND", 5, Form::Count, |of| of.pending),
    column("OLDEST", 6, Form::Seconds, |of| of.oldest_wait),
    column("LEASE/S", 7, Form::Rate, |of| of.rates.leases),
    column("WAIT/S", 6, Form::Rate, |of| of.rates.queued),
    column("FAIL/S", 6, Form::Rate, |of| of.rates.failures()),
    column("TIMEOUT/S", 9, Form::Rate, |of| of.rates.timeouts),
    column("NOCONN/S", 8, Form::Rate, |of| of.rates.connect_failures),
    column("CLEAR/S", 7, Form::Rate, |of| of.rates.cleared),
    column("CANCEL/S", 8, Form::Rate, |of| of.rates.cancelled),
    column("OPEN/S", 6, Form::Rate, |of| of.rates.opened),
    column("CLOSE/S", 7, Form::Rate, |of| of.rates.closed),
    column("GEN", 5, Form::Count, |of| of.generation),
];

pub(super) const NAME: &str = "NAME";
pub(super) const PENDING: &str = "PEND";

/// Which of them come first where there is little room: those for 80 columns, then those for more.
const FIRST: [&str; 10] = [
    PENDING, "IN USE", "LIMIT", "OLDEST", "", "LEASE/S", "IDLE", "KIND", "WAIT/S", "FAIL/S",
];
const LATER: [&str; 10] = [
    "STATE",
    "OPEN",
    "TIMEOUT/S",
    "NOCONN/S",
    "CLEAR/S",
    "CANCEL/S",
    "OPENING",
    "GEN",
    "OPEN/S",
    "CLOSE/S",
];

/// A name has at least as much room, if there is as much.
const SHORTEST: usize = 10;
/// What stands between two columns.
const GAP: usize = 1;
/// Where nobody sees it on a terminal.
const USUAL: usize = 80;

/// The columns that fit, and the room for the name.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) name: usize,
    pub(super) columns: Vec<&'static Column>,
}

impl Layout {
    /// For so many columns of a terminal, or as on a usual one but with whole names.
    pub(super) fn new(columns: Option<usize>, longest: usize) -> Self {
        let room = columns.unwrap_or(USUAL);
        let mut used = SHORTEST.min(longest.max(width(NAME)));
        let mut chosen: Vec<&str> = Vec::new();
        for title in FIRST {
            let needed = GAP + find(title).width;
            if used + needed > room {
                break;
            }
            used += needed;
            chosen.push(title);
        }
        // What is seen of names comes before what is rarely asked for.
        used += longest.saturating_sub(SHORTEST);
        if chosen.len() == FIRST.len() && columns.is_some() {
            for title in LATER {
                let needed = GAP + find(title).width;
                if used + needed > room {
                    break;
                }
                used += needed;
                chosen.push(title);
            }
        }
        let columns_chosen: Vec<&Column> = COLUMNS.iter().filter(|column| chosen.contains(&column.title)).collect();
        let others: usize = columns_chosen.iter().map(|column| GAP + column.width).sum();
        let name = match columns {
            Some(room) => room.saturating_sub(others).min(longest.max(width(NAME))),
            None => longest.max(width(NAME)),
        };
        Layout {
            name,
            columns: columns_chosen,
        }
    }

    /// The line of titles; the mark stands at that by which they are sorted.
    pub(super) fn titles(&self) -> Vec<(&'static str, String)> {
        let name = (NAME, left(NAME, self.name));
        let others = self
            .columns
            .iter()
            .map(|column| (column.title, column.aligned(column.title)));
        [name].into_iter().chain(others).collect()
    }

    /// A line of cells, in the order of the titles.
    pub(super) fn cells(&self, thing: &Thing) -> Vec<String> {
        let name = left(&thing.name, self.name);
        let others = self.columns.iter().map(|column| column.aligned(&column.text(thing)));
        [name].into_iter().chain(others).collect()
    }
}

impl Column {
    /// What counts when they are sorted by it.
    pub(super) fn value(&self, thing: &Thing) -> f64 {
        (self.value)(thing).unwrap_or(-1.0)
    }

    pub(super) fn is_word(&self) -> bool {
        matches!(self.form, Form::Kind | Form::Mark | Form::State)
    }

    /// What counts for a column of words.
    pub(super) fn word<'a>(&self, thing: &'a Thing) -> &'a str {
        match self.form {
            Form::Kind => &thing.kind,
            Form::Mark | Form::State => &thing.state,
            _ => "",
        }
    }

    fn text(&self, thing: &Thing) -> String {
        let number = (self.value)(thing);
        match self.form {
            Form::Count => number.map_or_else(|| NONE.to_owned(), short),
            Form::Rate => number.map_or_else(|| NONE.to_owned(), rate),
            Form::Seconds => number.map_or_else(String::new, span),
            Form::Kind => kind(&thing.kind).to_owned(),
            Form::State => thing.state.clone(),
            Form::Mark => match &*thing.state {
                "open" => String::new(),
                "paused" => "P".to_owned(),
                "draining" => "D".to_owned(),
                "closed" => "C".to_owned(),
                _ => "!".to_owned(),
            },
        }
    }

    fn aligned(&self, text: &str) -> String {
        let is_word = matches!(self.form, Form::Kind | Form::Mark | Form::State);
        let text = cut(text, self.width);
        if is_word {
            left(&text, self.width)
        } else {
            format!("{}{text}", " ".repeat(self.width - width(&text)))
        }
    }
}

fn find(title: &str) -> &'static Column {
    let found = COLUMNS.iter().find(|column| column.title == title);
    found.expect("bug: a layout names columns that are there")
}

fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let rest = columns - width(&text);
    text + &" ".repeat(rest)
}

/// A kind in at most six characters.
pub(super) fn kind(path: &str) -> &str {
    match path {
        "connection-pools" => "pool",
        "connections" => "conn",
        "connectors" => "ctor",
        "database-pools" => "dbpool",
        "databases" => "db",
        other => other,
    }
}

/// A count in at most five characters.
fn short(number: f64) -> String {
    match number {
        _ if number < 99_999.5 => format!("{number:.0}"),
        _ if number < 999.5e3 => format!("{:.0}k", number / 1e3),
        _ if number < 9.95e6 => format!("{:.1}M", number / 1e6),
        _ if number < 999.5e6 => format!("{:.0}M", number / 1e6),
        _ if number < 9.95e9 => format!("{:.1}G", number / 1e9),
        _ if number < 999.5e9 => format!("{:.0}G", number / 1e9),
        _ => "lots".to_owned(),
    }
}

fn rate(number: f64) -> String {
    match number {
        _ if number == 0.0 => "0".to_owned(),
        _ if number < 9.95 => format!("{number:.1}"),
        _ if number < 9_999.5 => format!("{number:.0}"),
        _ if number < 99.95e3 => format!("{:.1}k", number / 1e3),
        _ => short(number),
    }
}

fn span(seconds: f64) -> String {
    match seconds {
        _ if seconds < 0.9995 => format!("{:.0}ms", seconds * 1e3),
        _ if seconds < 9.95 => format!("{seconds:.1}s"),
        _ if seconds < 599.5 => format!("{seconds:.0}s"),
        _ if seconds < 5_970.0 => format!("{:.0}m", seconds / 60.0),
        _ if seconds < 172_000.0 => format!("{:.0}h", seconds / 3600.0),
        _ if seconds < 8.6e7 => format!("{:.0}d", seconds / 86_400.0),
        _ => "ages".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_80_columns_everything_that_was_promised_is_seen_and_names_have_room() {
        let layout = Layout::new(Some(80), 40);
        let titles: Vec<&str> = layout.columns.iter().map(|column| column.title).collect();
        let promised = [
            "", "KIND", "LIMIT", "IN USE", "IDLE", "PEND", "OLDEST", "LEASE/S", "WAIT/S", "FAIL/S",
        ];
        assert_eq!(titles, promised);
        assert!(layout.name >= 16, "{}", layout.name);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_each_as_wide_as_the_titles() {
        let thing = Thing {
            name: "日本語の長い名前".to_owned(),
            kind: "some-other-kind".to_owned(),
            state: "not live at all".to_owned(),
            limit: Some(4_294_967_295.0),
            pending: Some(1e12),
            oldest_wait: Some(1e12),
            ..Thing::default()
        };
        for columns in 0..=220 {
            let layout = Layout::new(Some(columns), width(&thing.name));
            let line = layout.cells(&thing).join(" ");
            let titles: Vec<String> = layout.titles().into_iter().map(|(_, title)| title).collect();
            assert!(width(&line) <= columns.max(1), "{columns}: {line:?}");
            assert_eq!(width(&line), width(&titles.join(" ")), "{columns}");
        }
        assert_eq!(Layout::new(Some(220), 10).columns.len(), COLUMNS.len());
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 65_536.0, 100_000.0, 4_294_967_295.0, 1e15].map(short),
            ["0", "65536", "100k", "4.3G", "lots"]
        );
        assert_eq!(
            [0.0, 0.24, 12.4, 12_345.0, 2e6].map(rate),
            ["0", "0.2", "12", "12.3k", "2.0M"]
        );
        assert_eq!(
            [0.0, 0.35, 1.24, 59.0, 725.0, 9_000.0, 9e5].map(span),
            ["0ms", "350ms", "1.2s", "59s", "12m", "2h", "10d"]
        );
    }
}
