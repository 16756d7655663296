//! The live view on a pseudo-terminal: it draws, hears keys and signals, outlives its server, and gives the terminal back.

use crate::kit::Served;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// No test waits so long for anything that comes.
const NEVER: Duration = Duration::from_secs(60);

/// A terminal of 24 lines with the binary on it.
struct Terminal {
    child: Child,
    master: File,
    slave: File,
    output: Receiver<Vec<u8>>,
    written: Vec<u8>,
}

impl Terminal {
    fn top(served: &Served) -> Self {
        Terminal::start(served, &["top", "--interval", "0.1"], 80)
    }

    fn start(served: &Served, arguments: &[&str], columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("ours");
        unlockpt(&master).expect("ours");
        let name = ptsname(&master, Vec::new())
            .expect("a name")
            .into_string()
            .expect("UTF-8");
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name)
            .expect("a terminal");
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&slave, size).expect("a size");
        let side = || slave.try_clone().expect("a descriptor");
        let mut command = served.command(arguments);
        command.env("TERM", "xterm-256color");
        let child = command
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("the binary runs");
        let master = File::from(master);
        let mut reader = master.try_clone().expect("a descriptor");
        let (tell, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if tell.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            child,
            master,
            slave,
            output,
            written: Vec::new(),
        }
    }

    /// All that was written, with moves of the cursor as blanks and without colours.
    fn text(&self) -> String {
        let written = String::from_utf8_lossy(&self.written);
        let mut text = String::new();
        for (at, part) in written.split("\x1b[").enumerate() {
            let end = part.find(|c: char| c.is_ascii_alphabetic());
            match end.filter(|_| at > 0) {
                Some(end) if part[end..].starts_with('H') => text = text + " " + &part[end + 1..],
                Some(end) => text += &part[end + 1..],
                None => text += part,
            }
        }
        text
    }

    #[track_caller]
    fn shows(&mut self, wanted: &str) {
        let began = Instant::now();
        while !self.text().contains(wanted) {
            assert!(began.elapsed() < NEVER, "no {wanted:?} in {:?}", self.text());
            match self.output.recv_timeout(Duration::from_millis(100)) {
                Ok(more) => self.written.extend(more),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("it ended: {:?}", self.text()),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("a terminal");
    }

    fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.slave).expect("a terminal").local_modes;
        !modes.contains(LocalModes::ICANON)
    }

    /// The exit code, once the terminal is as it was.
    #[track_caller]
    fn end(mut self) -> Option<i32> {
        let began = Instant::now();
        let status = loop {
            while let Ok(more) = self.output.try_recv() {
                self.written.extend(more);
            }
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(began.elapsed() < NEVER, "it does not end: {:?}", self.text());
            thread::sleep(Duration::from_millis(10));
        };
        assert!(!self.is_raw(), "the terminal is left raw");
        while let Ok(more) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.written.extend(more);
        }
        let text = String::from_utf8_lossy(&self.written);
        assert!(text.contains("\x1b[?1049h") && text.contains("\x1b[?1049l"), "{text:?}");
        status.code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_draws_filters_and_quits_by_a_key() {
    let served = Served::start();
    served.says(&["pools", "set", "orders", "--limit", "20"]);
    let mut terminal = Terminal::top(&served);
    terminal.shows("shop/basket ctor 1024");
    terminal.shows("every 0.1 s, by pend");
    assert!(terminal.is_raw());
    // What changes on the server is seen.
    served.says(&["pools", "set", "orders", "--limit", "7777"]);
    terminal.shows("7777");
    terminal.press("/bas\r");
    // Only what has changed is written anew.
    terminal.shows("shop/basket: open");
    terminal.press("q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_server_that_goes_is_waited_for_and_a_signal_gives_the_terminal_back() {
    let served = Served::start();
    let mut terminal = Terminal::top(&served);
    terminal.shows("backend");
    drop(served);
    terminal.shows("server gone for");
    terminal.shows("cannot reach http://127.0.0.1:");
    let pid = terminal.child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
    assert!(killed.success());
    assert_eq!(terminal.end(), Some(143));
}

#[test]
fn ctrl_c_is_an_interrupt() {
    let served = Served::start();
    let mut terminal = Terminal::top(&served);
    terminal.shows("backend");
    terminal.press("\x03");
    assert_eq!(terminal.end(), Some(130));
}

#[test]
fn a_table_is_cut_to_the_terminal_on_which_it_is_seen() {
    let served = Served::start();
    let name = "n".repeat(100);
    served.says(&["pools", "set", &name, "--limit", "20"]);
    for columns in [40, 60] {
        let mut terminal = Terminal::start(&served, &["pools", "list"], columns);
        terminal.shows("\u{2026}");
        terminal.shows("  20  ");
        let text = terminal.text();
        assert!(
            text.lines().all(|line| line.chars().count() <= columns.into()),
            "{text}"
        );
        assert!(!text.contains('\x1b'), "{text}");
    }
    assert!(served.says(&["pools", "list"]).contains(&name));
}
