//! The built binary as a server: started on a free port, asked over HTTP, sent signals, and what it writes.
#![allow(dead_code)] // each test uses its part

use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// So long that reaching it means failure.
pub(crate) const NEVER: Duration = Duration::from_secs(60);
pub(crate) const KEY: &str = "5c0f41d2e9b7a836-admin";

/// A folder for a server's files, and how the server is started in it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// A server that runs. It is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
    log: PathBuf,
}

/// An answer: status, head and body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Home { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// The command, in this folder and without this process's variables.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairpool"));
        command.arg("serve").args(arguments).current_dir(&self.folder);
        command.env_clear().stdin(Stdio::null());
        command
    }

    /// A server on a free port, with these arguments besides.
    pub(crate) fn start(&self, arguments: &[&str]) -> Server {
        let mut command = self.command(&["--listen", "127.0.0.1:0"]);
        command.args(arguments);
        self.spawn(command)
    }

    /// The same with the one key that everybody has here.
    pub(crate) fn start_with_key(&self, arguments: &[&str]) -> Server {
        self.start(&[&["--api-key", KEY], arguments].concat())
    }

    pub(crate) fn spawn(&self, mut command: Command) -> Server {
        let log = self.path("log");
        command.stdout(Stdio::piped());
        command.stderr(File::create(&log).expect("a log"));
        let mut child = command.spawn().expect("the binary runs");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("UTF-8");
        let Some(address) = line.trim_end().strip_prefix("listening on http://") else {
            panic!("{line:?} {}", fs::read_to_string(&log).unwrap_or_default());
        };
        Server {
            address: address.to_owned(),
            child,
            log,
        }
    }

    /// A start that is refused: the exit code and the one line that says why.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let begun = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            if begun.elapsed() >= NEVER {
                let _ = child.kill();
                panic!("it is not refused: {arguments:?}");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().expect("the binary runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        let line = said.lines().last().unwrap_or_default().to_owned();
        (output.status.code(), line)
    }
}

impl Server {
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// Waits until the log says this.
    pub(crate) fn told(&self, what: &str) {
        self.told_after(0, what);
    }

    /// The same of the lines after so many.
    pub(crate) fn told_after(&self, lines: usize, what: &str) {
        let begun = Instant::now();
        // A line that is whole.
        let is_there = |line: &str| line.ends_with('\n') && line.contains(what);
        while !self.log().split_inclusive('\n').skip(lines).any(is_there) {
            assert!(begun.elapsed() < NEVER, "no {what:?} in: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    pub(crate) fn end(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.wait()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(begun.elapsed() < NEVER, "it goes on: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks with the key; the body makes it a request with one.
    pub(crate) fn ask(&self, request: &str, body: &str) -> Answer {
        self.ask_as(KEY, request, body)
    }

    /// A key stands in every header in which a family looks for one.
    pub(crate) fn ask_as(&self, key: &str, request: &str, body: &str) -> Answer {
        let asked = try_ask(&self.address, key, request, body);
        asked.unwrap_or_else(|error| panic!("{request}: {error}: {}", self.log()))
    }

    pub(crate) fn json(&self, request: &str) -> Value {
        let answer = self.ask(request, "");
        assert_eq!(answer.status, 200, "{request}: {answer:?}");
        answer.json()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// One request on a connection of its own.
pub(crate) fn try_ask(address: &str, key: &str, request: &str, body: &str) -> std::io::Result<Answer> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(NEVER))?;
    socket.write_all(request_text(key, request, body).as_bytes())?;
    answer(&mut socket)
}

/// `POST /path` with this body, and the wish that the connection ends with the answer.
pub(crate) fn request_text(key: &str, request: &str, body: &str) -> String {
    let keys = match key {
        "" => String::new(),
        key => format!("authorization: Bearer {key}\r\nx-imply-api-token: {key}\r\n"),
    };
    let length = body.len();
    format!(
        "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{keys}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

pub(crate) fn answer(socket: &mut TcpStream) -> std::io::Result<Answer> {
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    let broken = || std::io::Error::other(format!("no answer: {text:?}"));
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer {
        status: status.ok_or_else(broken)?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}
