//! The fault proxy itself: each fault is what its table says, takes hold at once, and heals.

mod proxy;

use proxy::{Mode, Proxy};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any answer takes on a loopback.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long silence is listened to; it cannot be long enough, and need not be: it only ever makes a test green.
const A_WHILE: Duration = Duration::from_millis(60);

/// A server that gives back what it gets, and counts who is connected.
struct Echo {
    port: u16,
    open: Arc<AtomicUsize>,
}

impl Echo {
    fn new() -> Echo {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::<AtomicUsize>::default();
        let count = open.clone();
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (mut client, count) = (client.unwrap(), count.clone());
                count.fetch_add(1, Relaxed);
                thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(bytes @ 1..) = client.read(&mut buffer) {
                        if client.write_all(&buffer[..bytes]).is_err() {
                            break;
                        }
                    }
                    count.fetch_sub(1, Relaxed);
                });
            }
        });
        Echo { port, open }
    }

    /// Waits until so many are connected.
    fn settles_at(&self, open: usize) {
        eventually("the server's count", || self.open.load(Relaxed) == open);
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn connect(proxy: &Proxy) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// What comes back of a word; the error, or how many bytes came before the end.
fn ask(stream: &mut TcpStream, word: &[u8]) -> Result<usize, ErrorKind> {
    stream.write_all(word).map_err(|error| error.kind())?;
    listen(stream, word.len())
}

fn listen(stream: &mut TcpStream, bytes: usize) -> Result<usize, ErrorKind> {
    let mut buffer = vec![0; bytes];
    let mut read = 0;
    while read < bytes {
        match stream.read(&mut buffer[read..]) {
            Ok(0) => return Ok(read),
            Ok(more) => read += more,
            Err(error) => return Err(error.kind()),
        }
    }
    Ok(read)
}

#[track_caller]
fn is_silent(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(A_WHILE)).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

#[test]
fn without_a_fault_bytes_and_closes_pass_and_are_counted() {
    let (echo, start) = (Echo::new(), Instant::now());
    let proxy = Proxy::before(echo.port);
    let mut streams = [connect(&proxy).unwrap(), connect(&proxy).unwrap()];
    for stream in &mut streams {
        assert_eq!(ask(stream, b"hello"), Ok(5));
    }
    let counts = proxy.counts();
    assert_eq!((counts.accepted(), counts.open(), counts.bytes()), (2, 2, (10, 10)));
    assert_eq!(counts.accepted_since(start), 2);
    assert_eq!(counts.buckets(start, PATIENCE), [2]);
    assert_eq!(counts.accepted_since(Instant::now()), 0);
    drop(streams);
    echo.settles_at(0);
    eventually("the proxy's count", || counts.open() == 0);
}

#[test]
fn whoever_asks_may_close_first_and_still_gets_the_answer() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut stream = connect(&proxy).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(listen(&mut stream, 6), Ok(5));
}

#[test]
fn where_the_backend_is_gone_a_newcomer_is_reset() {
    let backend = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = Proxy::before(backend.local_addr().unwrap().port());
    drop(backend);
    let mut stream = connect(&proxy).unwrap();
    assert_eq!(listen(&mut stream, 1), Err(ErrorKind::ConnectionReset));
}

#[test]
fn refuse_closes_what_is_there_and_lets_nobody_in() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut stream = connect(&proxy).unwrap();
    assert_eq!(ask(&mut stream, b"hello"), Ok(5));
    proxy.set(Mode::Refuse);
    assert_eq!((proxy.counts().open(), listen(&mut stream, 1)), (0, Ok(0)));
    for _ in 0..3 {
        assert_eq!(connect(&proxy).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    assert_eq!(proxy.counts().accepted(), 1, "who is refused is not seen");
    proxy.heal();
    assert_eq!(ask(&mut connect(&proxy).unwrap(), b"hello"), Ok(5));
    echo.settles_at(0);
}

#[test]
fn reset_resets_what_is_there_and_every_newcomer() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut stream = connect(&proxy).unwrap();
    assert_eq!(ask(&mut stream, b"hello"), Ok(5));
    proxy.set(Mode::Reset);
    assert_eq!(listen(&mut stream, 1), Err(ErrorKind::ConnectionReset));
    let reset = connect(&proxy).and_then(|mut newcomer| newcomer.read(&mut [0]));
    assert_eq!(reset.unwrap_err().kind(), ErrorKind::ConnectionReset);
    eventually("both are counted", || proxy.counts().accepted() == 2);
    echo.settles_at(0);
    proxy.heal();
    assert_eq!(ask(&mut connect(&proxy).unwrap(), b"hello"), Ok(5));
}

#[test]
fn what_stood_still_in_silence_goes_on_where_it_stood() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut streams = [connect(&proxy).unwrap(), connect(&proxy).unwrap()];
    for stream in &mut streams {
        assert_eq!(ask(stream, b"hello"), Ok(5));
    }
    proxy.set(Mode::Silent);
    let [mut old, gone] = streams;
    let mut newcomer = connect(&proxy).unwrap();
    for stream in [&mut old, &mut newcomer] {
        stream.write_all(b"hello").unwrap();
        is_silent(stream);
    }
    drop(gone);
    assert_eq!(
        echo.open.load(Relaxed),
        2,
        "the server hears of no close and of no newcomer"
    );
    proxy.heal();
    assert_eq!((listen(&mut old, 5), listen(&mut newcomer, 5)), (Ok(5), Ok(5)));
    echo.settles_at(2);
}

#[test]
fn what_was_in_a_black_hole_stays_dead_and_a_close_comes_through_at_last() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut old = connect(&proxy).unwrap();
    assert_eq!(ask(&mut old, b"hello"), Ok(5));
    let mut gone = connect(&proxy).unwrap();
    assert_eq!(ask(&mut gone, b"hello"), Ok(5));
    proxy.set(Mode::HalfOpen);
    let mut newcomer = connect(&proxy).unwrap();
    for stream in [&mut old, &mut newcomer] {
        stream.write_all(b"hello").unwrap();
        is_silent(stream);
    }
    drop(gone);
    thread::sleep(A_WHILE);
    assert_eq!(echo.open.load(Relaxed), 2, "the server hears of no close");
    proxy.heal();
    echo.settles_at(1);
    for stream in [&mut old, &mut newcomer] {
        stream.write_all(b"hello").unwrap();
        is_silent(stream);
    }
    assert_eq!(proxy.counts().bytes(), (10, 10), "what was swallowed was not passed on");
    drop((old, newcomer));
    echo.settles_at(0);
    eventually("the proxy's count", || proxy.counts().open() == 0);
    assert_eq!(ask(&mut connect(&proxy).unwrap(), b"hello"), Ok(5));
}

#[test]
fn where_nobody_answers_a_newcomer_waits_until_it_heals() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut old = connect(&proxy).unwrap();
    assert_eq!(ask(&mut old, b"hello"), Ok(5));
    proxy.set(Mode::Unreachable);
    old.write_all(b"hello").unwrap();
    is_silent(&mut old);
    let address = (Ipv4Addr::LOCALHOST, proxy.port()).into();
    let failed = TcpStream::connect_timeout(&address, A_WHILE).unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::TimedOut);
    assert_eq!(proxy.counts().accepted(), 1, "who gets no answer is not seen");
    let patient = thread::spawn(move || TcpStream::connect_timeout(&address, PATIENCE));
    thread::sleep(A_WHILE);
    proxy.heal();
    let mut newcomer = patient.join().unwrap().unwrap();
    assert_eq!(ask(&mut newcomer, b"hello"), Ok(5));
    is_silent(&mut old);
    drop((old, newcomer));
    echo.settles_at(0);
}

#[test]
fn slow_answers_come_a_few_bytes_at_a_time() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut stream = connect(&proxy).unwrap();
    assert_eq!(ask(&mut stream, b"hello"), Ok(5));
    let every = Duration::from_millis(5);
    proxy.set(Mode::Slow { bytes: 2, every });
    let since = Instant::now();
    stream.write_all(b"0123456789").unwrap();
    let mut parts = Vec::new();
    while parts.iter().sum::<usize>() < 10 {
        let mut buffer = [0; 10];
        parts.push(stream.read(&mut buffer).unwrap());
    }
    assert!(since.elapsed() >= every * 4, "four pauses between five parts");
    proxy.set(Mode::Slow {
        bytes: 1,
        every: PATIENCE,
    });
    stream.write_all(b"0123456789").unwrap();
    assert_eq!(listen(&mut stream, 1), Ok(1));
    is_silent(&mut stream);
    proxy.heal();
    assert_eq!(listen(&mut stream, 9), Ok(9), "a pause ends with its mode");
}

#[test]
fn an_answer_is_cut_after_so_many_bytes_of_each_connection() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut old = connect(&proxy).unwrap();
    assert_eq!(ask(&mut old, b"hello"), Ok(5));
    proxy.set(Mode::Cut { after: 7 });
    let mut newcomer = connect(&proxy).unwrap();
    for stream in [&mut old, &mut newcomer] {
        assert_eq!(ask(stream, b"hello"), Ok(5));
        assert_eq!(ask(stream, b"hello"), Ok(2), "closed in the middle");
    }
    echo.settles_at(0);
    proxy.heal();
    let mut stream = connect(&proxy).unwrap();
    assert_eq!((ask(&mut stream, b"hello"), ask(&mut stream, b"hello")), (Ok(5), Ok(5)));
}

#[test]
fn its_drop_resets_what_is_connected() {
    let echo = Echo::new();
    let proxy = Proxy::before(echo.port);
    let mut stream = connect(&proxy).unwrap();
    assert_eq!(ask(&mut stream, b"hello"), Ok(5));
    drop(proxy);
    assert_eq!(listen(&mut stream, 1), Err(ErrorKind::ConnectionReset));
    echo.settles_at(0);
}
