//! Tables for people: columns as wide as what is in them, by the width on a terminal, and no wider in all than the terminal is.

use super::shown::{cut, width};

/// Rows under heads.
pub(crate) struct Table {
    heads: Vec<Head>,
    rows: Vec<Vec<String>>,
}

/// One column's.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    name: &'static str,
    /// Numbers stand to the right.
    is_number: bool,
}

const GAP: usize = 2;
/// No column of text is cut to less.
const NARROWEST: usize = 8;

pub(crate) const fn text(name: &'static str) -> Head {
    Head { name, is_number: false }
}

pub(crate) const fn number(name: &'static str) -> Head {
    Head { name, is_number: true }
}

impl Table {
    pub(crate) fn new(heads: impl Into<Vec<Head>>) -> Self {
        Table {
            heads: heads.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of cells that are fit to be shown.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.heads.len());
        self.rows.push(cells);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lines, within so many columns if they are limited.
    pub(crate) fn render(&self, columns: Option<usize>) -> String {
        let widths = self.widths(columns.unwrap_or(usize::MAX));
        let heads: Vec<String> = self.heads.iter().map(|head| head.name.to_owned()).collect();
        let mut out = String::new();
        let titled = self.heads.iter().any(|head| !head.name.is_empty());
        for cells in titled.then_some(&heads).into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, head), room) in cells.iter().zip(&self.heads).zip(&widths) {
                if !line.is_empty() {
                    line.push_str(&" ".repeat(GAP));
                }
                let cell = cut(cell, *room);
                let rest = " ".repeat(room.saturating_sub(width(&cell)));
                if head.is_number {
                    line.push_str(&rest);
                    line.push_str(&cell);
                } else {
                    line.push_str(&cell);
                    line.push_str(&rest);
                }
            }
            out.push_str(&cut(line.trim_end(), columns.unwrap_or(usize::MAX)));
            out.push('\n');
        }
        out
    }

    /// What the columns get: what they need, or else the widest texts give way.
    fn widths(&self, columns: usize) -> Vec<usize> {
        let cells = |at: usize| self.rows.iter().filter_map(move |row| row.get(at));
        let mut widths: Vec<usize> = (self.heads.iter().enumerate())
            .map(|(at, head)| cells(at).map(|cell| width(cell)).chain([width(head.name)]).max())
            .map(Option::unwrap_or_default)
            .collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        loop {
            let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(columns);
            let texts = (0..widths.len()).filter(|at| !self.heads[*at].is_number && widths[*at] > NARROWEST);
            let Some(widest) = texts.max_by_key(|at| widths[*at]).filter(|_| excess > 0) else {
                return widths;
            };
            // In steps, so that two wide ones share the loss.
            widths[widest] -= excess.min(1.max((widths[widest] - NARROWEST) / 4));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([text("NAME"), number("LIMIT"), text("HOSTS")]);
        table.row(vec!["orders".into(), "20".into(), "db-1.example, db-2.example".into()]);
        table.row(vec!["日本語の名前".into(), "1000000".into(), "–".into()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them_by_terminal_width() {
        let expected = "\
NAME            LIMIT  HOSTS
orders             20  db-1.example, db-2.example
日本語の名前  1000000  –
";
        assert_eq!(table().render(None), expected);
    }

    #[test]
    fn a_table_is_never_wider_than_the_terminal() {
        for columns in 0..60 {
            for line in table().render(Some(columns)).lines() {
                assert!(width(line) <= columns, "{columns}: {line:?}");
            }
        }
        // Texts give way, and numbers stay.
        let mut table = Table::new([text("NAME"), number("LIMIT")]);
        table.row(vec!["orders of all shops".into(), "1000000".into()]);
        assert_eq!(table.render(Some(20)), "NAME           LIMIT\norders of …  1000000\n");
    }

    #[test]
    fn without_titles_there_is_no_line_for_them() {
        let mut table = Table::new([text(""), text("")]);
        table.row(vec!["limit".into(), "20".into()]);
        assert_eq!(table.render(None), "limit  20\n");
    }
}
