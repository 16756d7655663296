//! One server as a process: started, stopped, frozen and killed by order; gone, with its files, when its test is gone.
//!
//! The process stands under `keep.sh`, which sees the end of a pipe whatever ends the test. Knows no kind of server.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take until it says that it is ready.
const READY: Duration = Duration::from_secs(60);

/// How a kind of server is run.
pub(crate) struct Plan {
    /// The command and its arguments.
    pub(crate) command: Vec<String>,
    /// What it writes into its log when it is ready.
    pub(crate) ready: &'static str,
    /// The signal that ends it in good order: `TERM`, `INT`.
    pub(crate) stop: &'static str,
}

/// A server that runs, or can be started again.
pub(crate) struct Keeper {
    dir: PathBuf,
    ready: &'static str,
    stop: &'static str,
    pid: String,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
}

impl Keeper {
    /// Starts it, and waits until it is ready. The directory is its own from now on.
    pub(crate) fn start(dir: PathBuf, plan: Plan) -> Keeper {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/keep.sh");
        let mut child = Command::new(script)
            .arg(&dir)
            .arg(plan.stop)
            .args(&plan.command)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let mut keeper = Keeper {
            dir,
            ready: plan.ready,
            stop: plan.stop,
            pid: String::new(),
            orders: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().expect("piped")),
            child,
        };
        keeper.begin();
        keeper
    }

    /// Its directory: data, sockets and log.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// All that it has written.
    pub(crate) fn log(&self) -> String {
        fs::read(self.dir.join("log")).map_or(String::new(), |log| String::from_utf8_lossy(&log).into_owned())
    }

    /// Starts it again on the same port and data, after [`stop`](Keeper::stop) or [`kill`](Keeper::kill).
    pub(crate) fn begin(&mut self) {
        let before = self.log().len();
        let orders = self.orders.as_mut().expect("open until the drop");
        writeln!(orders, "start").expect("its keeper listens");
        self.pid.clear();
        self.answers.read_line(&mut self.pid).expect("its keeper answers");
        self.pid.truncate(self.pid.trim_end().len());
        let since = Instant::now();
        while !self.log().get(before..).is_some_and(|log| log.contains(self.ready)) {
            let alive = is_alive(&self.pid);
            assert!(alive && since.elapsed() < READY, "it does not start:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it in good order, and waits for that.
    pub(crate) fn stop(&self) {
        self.signal(self.stop);
        self.wait();
    }

    /// Kills it with all that it has forked, as a power cut does, and waits until they are gone.
    pub(crate) fn kill(&self) {
        // Still, it forks no more, and cleans nothing up.
        let forked = self.freeze();
        self.signal("KILL");
        for pid in &forked {
            signal(pid, "KILL");
        }
        self.wait();
        while forked.iter().any(|pid| is_alive(pid)) {
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Holds it still, with all that it has forked, and waits until they are; those are told.
    pub(crate) fn freeze(&self) -> Vec<String> {
        // First itself, so that it forks no more.
        self.signal("STOP");
        while !is_still(&self.pid) {
            thread::sleep(Duration::from_millis(2));
        }
        let forked = self.forked();
        for pid in &forked {
            signal(pid, "STOP");
        }
        while forked.iter().any(|pid| is_alive(pid) && !is_still(pid)) {
            thread::sleep(Duration::from_millis(2));
        }
        forked
    }

    /// Ends [`freeze`](Keeper::freeze).
    pub(crate) fn thaw(&self) {
        for pid in self.forked() {
            signal(&pid, "CONT");
        }
        self.signal("CONT");
    }

    /// Whether its main process runs.
    pub(crate) fn is_alive(&self) -> bool {
        is_alive(&self.pid)
    }

    /// The id of its main process.
    pub(crate) fn pid(&self) -> &str {
        &self.pid
    }

    /// The processes that it has forked: a session each, where the server works like that.
    fn forked(&self) -> Vec<String> {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid));
        let children = children.unwrap_or_default();
        children.split_whitespace().map(str::to_owned).collect()
    }

    fn wait(&self) {
        while is_alive(&self.pid) {
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn signal(&self, name: &str) {
        assert!(signal(&self.pid, name), "no process {}", self.pid);
    }
}

fn is_alive(pid: &str) -> bool {
    // A zombie is one that its keeper has not waited for.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn is_still(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| stat.contains(") T "))
}

/// False when there is no such process any more.
fn signal(pid: &str, name: &str) -> bool {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid)
        .stderr(Stdio::null())
        .status();
    sent.is_ok_and(|status| status.success())
}

/// Ends the server and removes its directory; waits for both.
impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

/// A port of the loopback that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// An empty directory that the user `name` owns, if this process may give it away.
pub(crate) fn directory(name: &str) -> PathBuf {
    let dir = tempfile::Builder::new()
        .prefix("fairpool-")
        .tempdir()
        .expect("a temporary directory")
        .keep();
    if is_root() {
        run(Command::new("chown").arg(name).arg(&dir));
    }
    dir
}

/// Whether this process may do everything; some servers refuse to run like that.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The beginning of a command that runs as the user `name`, if this process is root.
pub(crate) fn demoted(name: &str) -> Vec<String> {
    if is_root() {
        ["setpriv", "--clear-groups", "--reuid", name, "--regid", name]
            .map(String::from)
            .into()
    } else {
        Vec::new()
    }
}

/// Runs a command to its end; if it fails, so does the test, with what it wrote.
pub(crate) fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Where a program is: on the path, or in one of these directories.
pub(crate) fn find(program: &str, elsewhere: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let dirs = elsewhere
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .chain(sbin);
    dirs.map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// What a test does without its server: a developer is told, and under `CI=true` it fails.
pub(crate) fn missing(server: &str) {
    let said = format!("{server} is not installed; tests/run.sh --setup installs it");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{said}");
    eprintln!("skipped: {said}");
}
