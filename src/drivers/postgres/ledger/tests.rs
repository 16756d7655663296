//! The ledger over conversations that are made up at random and cut up at random: however the bytes come, it knows the same, and
//! what a count of the messages would say.

use super::super::link::{CLOSES, DUE, FORGOTTEN, OVER, STALE, STUCK};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// What a client asks for, and how the server answers.
#[derive(Debug, Clone)]
enum Exchange {
    Simple {
        tag: &'static str,
        status: u8,
    },
    Extended {
        tag: &'static str,
        status: u8,
    },
    Close,
    Failed {
        code: &'static str,
        routine: &'static str,
        simple: bool,
    },
    Told(u8),
}

/// Bytes in one direction.
#[derive(Debug, Clone)]
enum Piece {
    Sent(Vec<u8>),
    Received(Vec<u8>),
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short");
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

fn messages(all: &[(u8, &[u8])]) -> Vec<u8> {
    all.iter().flat_map(|(tag, body)| message(*tag, body)).collect()
}

/// What a session begins with.
fn greeting() -> [Piece; 2] {
    let startup = [&16u32.to_be_bytes()[..], &[0, 3, 0, 0], b"user\0\0\0\0"].concat();
    let hello = messages(&[
        (b'R', &[0; 4]),
        (b'S', b"TimeZone\0UTC\0"),
        (b'K', &[0, 0, 0, 9, 1, 2, 3, 4]),
        (b'Z', b"I"),
    ]);
    [Piece::Sent(startup), Piece::Received(hello)]
}

impl Exchange {
    fn request(&self) -> Vec<u8> {
        match self {
            Exchange::Simple { .. } | Exchange::Failed { simple: true, .. } => messages(&[(b'Q', b"SELECT 1\0")]),
            Exchange::Extended { .. } | Exchange::Failed { .. } => messages(&[
                (b'P', b"s1\0SELECT 1\0\0\0"),
                (b'B', b"\0s1\0"),
                (b'E', &[0; 5]),
                (b'S', b""),
            ]),
            Exchange::Close => messages(&[(b'C', b"Ss1\0"), (b'S', b"")]),
            Exchange::Told(_) => Vec::new(),
        }
    }

    fn answer(&self) -> Vec<u8> {
        let tagged = |tag: &str| [tag.as_bytes(), b"\0"].concat();
        match self {
            Exchange::Simple { tag, status } => messages(&[
                (b'T', &[0; 40]),
                (b'D', &[b'Z'; 300]),
                (b'C', &tagged(tag)),
                (b'Z', &[*status]),
            ]),
            Exchange::Extended { tag, status } => messages(&[
                (b'1', b""),
                (b'2', b""),
                (b'D', b"EFATAL\0"),
                (b'C', &tagged(tag)),
                (b'Z', &[*status]),
            ]),
            Exchange::Close => messages(&[(b'3', b""), (b'Z', b"I")]),
            Exchange::Failed { code, routine, .. } => {
                let text = "x".repeat(60);
                let error = format!("SFEHLER\0VERROR\0C{code}\0M{text}\0R{routine}\0\0");
                messages(&[(b'E', error.as_bytes()), (b'Z', b"E")])
            }
            Exchange::Told(b'S') => messages(&[(b'S', b"TimeZone\0Asia/Tokyo\0")]),
            Exchange::Told(_) => messages(&[(b'N', b"SNOTICE\0VFATAL\0\0"), (b'A', b"\0\0\0\0news\0hello\0")]),
        }
    }

    /// What outlasts it.
    fn leaves(&self) -> u64 {
        let asked = if matches!(self, Exchange::Close | Exchange::Told(_)) {
            0
        } else {
            SENT
        };
        asked
            | match self {
                Exchange::Simple {
                    tag: "SET" | "CREATE TABLE" | "LISTEN",
                    ..
                }
                | Exchange::Extended {
                    tag: "SET" | "CREATE TABLE" | "LISTEN",
                    ..
                }
                | Exchange::Told(b'S') => ALTERED,
                Exchange::Simple { tag: "DISCARD ALL", .. } | Exchange::Extended { tag: "DISCARD ALL", .. } => {
                    ALTERED | FORGOTTEN
                }
                Exchange::Failed {
                    code: "26000",
                    simple: false,
                    ..
                } => FORGOTTEN,
                Exchange::Failed {
                    code: "0A000",
                    routine: "RevalidateCachedQuery",
                    ..
                } => STALE,
                _ => 0,
            }
    }
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let tags = [
        "SELECT 1",
        "INSERT 0 1",
        "BEGIN",
        "SET",
        "CREATE TABLE",
        "LISTEN",
        "DISCARD ALL",
        "COPY 7",
    ];
    let tag = proptest::sample::select(tags.to_vec());
    let status = proptest::sample::select(b"ITE".to_vec());
    let codes = vec![
        ("26000", "FetchPreparedStatement"),
        ("0A000", "RevalidateCachedQuery"),
        ("0A000", "other"),
        ("22012", "x"),
    ];
    let failure = (proptest::sample::select(codes), any::<bool>());
    prop_oneof![
        (tag.clone(), status.clone()).prop_map(|(tag, status)| Exchange::Simple { tag, status }),
        (tag, status).prop_map(|(tag, status)| Exchange::Extended { tag, status }),
        Just(Exchange::Close),
        failure.prop_map(|((code, routine), simple)| Exchange::Failed { code, routine, simple }),
        proptest::sample::select(b"SN".to_vec()).prop_map(Exchange::Told),
    ]
}

/// Feeds it cut up: `cuts` says how many bytes come at once, over and over.
fn feed(ledger: &mut Ledger, piece: &Piece, cuts: &mut impl Iterator<Item = usize>) {
    let (mut bytes, is_sent) = match piece {
        Piece::Sent(bytes) => (&bytes[..], true),
        Piece::Received(bytes) => (&bytes[..], false),
    };
    while !bytes.is_empty() {
        let (now, later) = bytes.split_at(cuts.next().unwrap_or(usize::MAX).clamp(1, bytes.len()));
        match is_sent {
            true => ledger.sent(now),
            false => ledger.received(now),
        }
        bytes = later;
    }
}

/// A ledger of a session that has begun.
fn begun(cuts: &mut impl Iterator<Item = usize>) -> (Ledger, Arc<Link>) {
    let link = Arc::new(Link::default());
    let mut ledger = Ledger::new(link.clone());
    for piece in greeting() {
        feed(&mut ledger, &piece, cuts);
    }
    assert_eq!((link.now().status(), link.process_id()), (IDLE, 9));
    assert!(!link.now().has(SENT | ALTERED | OVER | STUCK | DUE));
    (ledger, link)
}

proptest! {
    #[test]
    fn a_ledger_knows_the_same_however_the_bytes_come(
        rounds in vec(vec(exchange(), 1..5), 1..8),
        cuts in vec(1usize..40, 1..20),
    ) {
        let mut cuts = cuts.into_iter().cycle();
        let (mut ledger, link) = begun(&mut cuts);
        let mut leaves = 0;
        for round in rounds {
            // Each round is a pipeline: first all requests, then all answers.
            for exchange in &round {
                feed(&mut ledger, &Piece::Sent(exchange.request()), &mut cuts);
            }
            let mut due: usize = round.iter().filter(|exchange| exchange.leaves() & SENT != 0).count();
            let mut closes = round.iter().filter(|exchange| matches!(exchange, Exchange::Close)).count();
            for exchange in &round {
                prop_assert_eq!(link.now().0 & (DUE | CLOSES), counts(due, closes));
                feed(&mut ledger, &Piece::Received(exchange.answer()), &mut cuts);
                due -= usize::from(exchange.leaves() & SENT != 0);
                closes -= usize::from(matches!(exchange, Exchange::Close));
                leaves |= exchange.leaves();
                let now = link.now();
                prop_assert_eq!(now.0 & (DUE | CLOSES), counts(due, closes));
                let lasting = now.0 & (SENT | ALTERED | FORGOTTEN | STALE | OVER | STUCK);
                prop_assert_eq!(lasting & !SENT, leaves & !SENT, "{:?}", exchange);
                match exchange {
                    Exchange::Simple { status, .. } | Exchange::Extended { status, .. } => {
                        prop_assert_eq!(now.status(), match status { b'I' => IDLE, b'T' => OPEN, _ => FAILED });
                    }
                    Exchange::Failed { .. } => prop_assert_eq!(now.status(), FAILED),
                    Exchange::Close => prop_assert_eq!(now.status(), IDLE),
                    Exchange::Told(_) => {}
                }
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_forget_that_it_is_over(
        pieces in vec((any::<bool>(), vec(any::<u8>(), 0..60)), 0..20),
    ) {
        let link = Arc::new(Link::default());
        let mut ledger = Ledger::new(link.clone());
        for (is_sent, bytes) in pieces {
            match is_sent {
                true => ledger.sent(&bytes),
                false => ledger.received(&bytes),
            }
        }
        ledger.received(&[]);
        prop_assert!(link.now().has(OVER));
    }

    #[test]
    fn a_copy_is_open_until_it_ends_and_its_first_sync_is_not_due(cuts in vec(1usize..9, 1..9), fails in any::<bool>()) {
        let mut cuts = cuts.into_iter().cycle();
        let (mut ledger, link) = begun(&mut cuts);
        let asked = messages(&[(b'B', b"\0s1\0"), (b'E', &[0; 5]), (b'S', b"")]);
        feed(&mut ledger, &Piece::Sent(asked), &mut cuts);
        feed(&mut ledger, &Piece::Received(messages(&[(b'2', b""), (b'G', &[0; 3])])), &mut cuts);
        prop_assert_eq!(link.now().0 & (COPY_IN | DUE | CLOSES), COPY_IN);
        feed(&mut ledger, &Piece::Sent(messages(&[(b'd', b"1\tc\nS")])), &mut cuts);
        prop_assert_eq!(link.now().0 & (COPY_IN | DUE | CLOSES), COPY_IN);
        feed(&mut ledger, &Piece::Sent(messages(&[(if fails { b'f' } else { b'c' }, b""), (b'S', b"")])), &mut cuts);
        prop_assert_eq!(link.now().0 & (COPY_IN | DUE | CLOSES), counts(1, 0));
        feed(&mut ledger, &Piece::Received(messages(&[(b'C', b"COPY 1\0"), (b'Z', b"I")])), &mut cuts);
        prop_assert_eq!(link.now().0 & (COPY_IN | DUE | CLOSES | STUCK), 0);
    }
}

#[test]
fn what_tokio_postgres_cannot_answer_is_stuck_and_what_is_fatal_is_over() {
    let whole = &mut std::iter::repeat(usize::MAX);
    let (mut ledger, link) = begun(whole);
    ledger.sent(&messages(&[(b'Q', b"COPY t FROM STDIN\0")]));
    ledger.received(&messages(&[(b'G', &[0; 3])]));
    assert!(link.now().has(STUCK) && link.now().is_broken());
    let (mut ledger, link) = begun(whole);
    ledger.received(&messages(&[(b'E', b"SFATAL\0VFATAL\0C57P01\0Mterminating\0\0")]));
    assert!(link.now().has(OVER) && link.now().is_broken());
    let (mut ledger, link) = begun(whole);
    ledger.received(&[b'Z', 0, 0, 0, 3]);
    assert!(link.now().has(STUCK), "a length that cannot be");
}
