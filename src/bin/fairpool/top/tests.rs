//! Frames on a terminal of memory, at usual and odd sizes; what the keys do to them.

use super::draw;
use super::sample::Sample;
use super::view::View;
use crate::operator::width;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Modifier;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn thing(kind: &str, name: &str, numbers: [u64; 4], state: &str, totals: Value) -> Value {
    let [limit, in_use, idle, pending] = numbers;
    let mut thing = json!({
        "kind": kind, "name": name, "limit": limit, "in_use": in_use, "idle": idle, "pending": pending,
        "open": in_use + idle, "connecting": 0, "generation": 1, "state": state, "totals": totals,
    });
    if pending > 0 {
        thing["oldest_wait"] = json!(1.25);
    }
    thing
}

/// Two seconds apart, with totals that have grown.
fn view() -> View {
    let at = |leases: u64| {
        let totals = json!({"leases": leases, "queued": leases / 10, "timeouts": leases / 50, "connect_failures": 0, "cleared": 0, "cancelled": 0, "opened": 4, "closed": 1});
        let mut gone = thing("connectors", "reports", [0, 0, 0, 0], "not live", json!({}));
        gone["reason"] = json!("no driver for \u{1b}[31mdruid");
        json!({"data": [
            thing("connection-pools", "orders", [20, 20, 0, 117], "open", json!({"queued": leases, "timeouts": 0})),
            thing("connections", "orders-db.example", [32, 20, 4, 0], "open", totals.clone()),
            thing("connectors", "shop/basket", [32, 12, 4, 3], "paused", totals),
            thing("connectors", "日本語の接続", [8, 0, 8, 0], "open", json!({"leases": 0})),
            gone,
        ]})
    };
    let start = Instant::now();
    let mut view = View::new("http://127.0.0.1:8080", Duration::from_secs(1));
    view.take(Ok(Sample::read(&at(1000), start)), start);
    let later = start + Duration::from_secs(2);
    view.take(Ok(Sample::read(&at(3000), later)), later);
    view
}

fn frame(view: &View, columns: u16, lines: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).expect("memory");
    let draw = |frame: &mut ratatui::Frame<'_>| {
        draw::draw(view, Instant::now(), frame.area(), frame.buffer_mut());
    };
    terminal.draw(draw).expect("memory");
    terminal.backend().buffer().clone()
}

/// As somebody sees it, without what is blank at the end of a line.
fn seen(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let line = |y| {
        let mut line = String::new();
        let mut x = 0;
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(width(symbol).max(1)).expect("a cell");
        }
        line.trim_end().to_owned()
    };
    (0..area.height).map(line).collect()
}

fn press(view: &mut View, keys: &[KeyCode]) -> Option<u8> {
    let on_screen = [
        "NAME", "", "KIND", "LIMIT", "IN USE", "IDLE", "PEND", "OLDEST", "LEASE/S",
    ];
    let mut end = None;
    for key in keys {
        end = view.key(KeyEvent::new(*key, KeyModifiers::NONE), &on_screen);
    }
    end
}

fn names(view: &View) -> Vec<&str> {
    view.rows().iter().map(|thing| &*thing.name).collect()
}

#[test]
fn at_80_by_24_everything_is_seen_and_sorted_by_who_waits() {
    let lines = seen(&frame(&view(), 80, 24));
    let expected = [
        "fairpool top  http://127.0.0.1:8080             5 live, 2 with a line, 2 not open",
        "every 1 s, by pend ↓",
        "NAME                KIND   LIMIT IN USE  IDLE  PEND OLDEST LEASE/S WAIT/S FAIL/S",
        "orders              pool      20     20     0   117   1.2s       –   1000    0.0",
    ];
    let _ = expected;
    assert_eq!(
        lines[0],
        "fairpool top  http://127.0.0.1:8080            5 live, 2 with a line, 2 not open"
    );
    assert_eq!(lines[1], "every 1 s, by pend ↓");
    let rows = [
        "NAME                KIND   LIMIT IN USE  IDLE  PEND OLDEST LEASE/S WAIT/S FAIL/S",
        "orders              pool      20     20     0   117   1.2s       –   1000      0",
        "shop/basket       P ctor      32     12     4     3   1.2s    1000    100     20",
        "orders-db.example   conn      32     20     4     0           1000    100     20",
        "reports           ! ctor       0      0     0     0              –      –      –",
        "日本語の接続        ctor       8      0     8     0              0      –      –",
        "",
    ];
    assert_eq!(lines[2..9], rows);
    let detail = "pool orders: open, 0 opening, 3000 waited, 0 timed out, generation 1";
    assert_eq!(
        (&*lines[22], &*lines[23]),
        (detail, "q quit  / filter  <> sort  r reverse  ↑↓ move")
    );
}

#[test]
fn at_20_by_5_names_and_who_waits_are_left() {
    let lines = seen(&frame(&view(), 20, 5));
    let expected = [
        "5 live, 2 with a li…",
        "every 1 s, by pend ↓",
        "NAME            PEND",
        "orders           117",
        "q quit  / filter",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn at_200_by_60_more_columns_come_and_names_are_whole() {
    let lines = seen(&frame(&view(), 200, 60));
    for title in [
        "STATE",
        "OPEN ",
        "OPENING",
        "TIMEOUT/S",
        "NOCONN/S",
        "CLEAR/S",
        "CANCEL/S",
        "OPEN/S",
        "CLOSE/S",
        "GEN",
    ] {
        assert!(lines[2].contains(title), "no {title}: {}", lines[2]);
    }
    assert!(
        lines[4].starts_with("shop/basket       P ctor   paused      32"),
        "{}",
        lines[4]
    );
    assert!(lines[59].starts_with("q quit"), "{lines:?}");
}

#[test]
fn no_size_is_too_odd() {
    let mut view = view();
    for trouble in [false, true] {
        if trouble {
            view.take(
                Err("cannot reach http://127.0.0.1:8080: connection refused".to_owned()),
                Instant::now(),
            );
        }
        for columns in (1..40).chain([79, 81, 132, 300]) {
            for lines in (1..14).chain([200]) {
                frame(&view, columns, lines);
            }
        }
    }
}

#[test]
fn a_server_that_is_gone_is_said_and_its_last_numbers_stay_dim() {
    let mut view = view();
    let now = Instant::now();
    let why = "cannot reach http://127.0.0.1:8080: connection refused";
    view.take(Err(why.to_owned()), now - Duration::from_secs(12));
    view.take(Err(why.to_owned()), now);
    let buffer = frame(&view, 100, 24);
    let lines = seen(&buffer);
    assert_eq!(lines[1], format!("server gone for 12 s, trying on: {why}"));
    assert!(lines[3].starts_with("orders "), "{}", lines[3]);
    assert!(buffer[(0, 3)].modifier.contains(Modifier::DIM));
    // And it is over when the server answers.
    let sample = Sample::read(&json!({"data": []}), now);
    view.take(Ok(sample), now);
    assert_eq!(seen(&frame(&view, 100, 24))[1], "every 1 s, by pend ↓");
}

#[test]
fn names_and_reasons_with_escape_sequences_are_shown_escaped() {
    let mut view = view();
    press(
        &mut view,
        &[
            KeyCode::Char('/'),
            KeyCode::Char('R'),
            KeyCode::Char('e'),
            KeyCode::Char('p'),
            KeyCode::Enter,
        ],
    );
    let lines = seen(&frame(&view, 100, 24));
    assert!(
        lines[22].contains("not live, no driver for \\u{1b}[31mdruid"),
        "{}",
        lines[22]
    );
    assert!(
        lines[1].ends_with("only /Rep") && lines[0].contains("1 of 5 live"),
        "{lines:?}"
    );
}

#[test]
fn keys_filter_sort_move_and_end() {
    let mut view = view();
    assert_eq!(names(&view)[..2], ["orders", "shop/basket"]);
    // To the right of PEND is OLDEST, then LEASE/S; round the end is NAME.
    press(&mut view, &[KeyCode::Right, KeyCode::Right]);
    assert_eq!((view.sorted_by, names(&view)[0]), ("LEASE/S", "shop/basket"));
    press(&mut view, &[KeyCode::Right]);
    assert_eq!((view.sorted_by, names(&view)[0]), ("NAME", "orders"));
    press(&mut view, &[KeyCode::Char('r')]);
    assert_eq!(names(&view)[0], "日本語の接続");
    press(&mut view, &[KeyCode::Left, KeyCode::Left]);
    assert_eq!(view.sorted_by, "OLDEST");

    press(
        &mut view,
        &[
            KeyCode::Char('/'),
            KeyCode::Char('q'),
            KeyCode::Backspace,
            KeyCode::Char('P'),
            KeyCode::Char('O'),
            KeyCode::Char('O'),
        ],
    );
    assert_eq!(names(&view), ["orders"]);
    assert_eq!(seen(&frame(&view, 80, 24))[23], "filter: POO_");
    press(&mut view, &[KeyCode::Esc]);
    assert_eq!(names(&view).len(), 5);

    assert_eq!(press(&mut view, &[KeyCode::Char('q')]), Some(0));
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(view.key(control_c, &[]), Some(130));
}

#[test]
fn the_selected_one_stays_selected_and_seen_wherever_it_moves() {
    let mut view = view();
    press(&mut view, &[KeyCode::End]);
    let detail = |view: &View| seen(&frame(view, 80, 10))[8].clone();
    assert!(
        detail(&view).starts_with("ctor 日本語の接続: open"),
        "{}",
        detail(&view)
    );
    // Three rows fit, and it is the fifth.
    assert!(
        seen(&frame(&view, 80, 10))
            .iter()
            .any(|line| line.starts_with("日本語の接続 "))
    );
    press(&mut view, &[KeyCode::Char('r')]);
    assert!(
        detail(&view).starts_with("ctor 日本語の接続: open"),
        "{}",
        detail(&view)
    );
    press(&mut view, &[KeyCode::Up, KeyCode::PageUp, KeyCode::Down, KeyCode::Home]);
    assert!(!detail(&view).contains("日本語"), "{}", detail(&view));
}

#[test]
fn as_text_every_row_is_there_with_whole_names() {
    let text = draw::text(&view(), Instant::now(), None);
    assert_eq!(text.lines().count(), 8);
    assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    let narrow = draw::text(&view(), Instant::now(), Some(30));
    assert!(narrow.lines().all(|line| width(line) <= 30), "{narrow}");
}
