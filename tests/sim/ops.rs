//! What can happen in a simulated world, and how it is read from bytes: six bytes are one operation.
//!
//! Every source (a seed, proptest, the fuzzer) yields bytes, so each can replay, shrink or mutate what another one found.
//! No bytes are invalid; all zeros is the plainest operation.

/// The bytes of one operation.
pub(crate) type Raw = [u8; 6];

/// How a guard goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Plain,
    Dirty,
    Broken,
    Detach,
    Panic,
    Thread,
    PanicOnThread,
    Teardown,
}

/// A call of the manager's (or a hook) whose next outcomes can be scripted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Connect,
    Validate,
    Reset,
    /// The part of `reset` before its future: on the thread that drops the guard.
    AskReset,
    IsBroken,
    Close,
    Drop,
    AfterConnect,
    BeforeAcquire,
    AfterRelease,
}

pub(crate) const CALLS: [Call; 10] = [
    Call::Connect,
    Call::Validate,
    Call::Reset,
    Call::AskReset,
    Call::IsBroken,
    Call::Close,
    Call::Drop,
    Call::AfterConnect,
    Call::BeforeAcquire,
    Call::AfterRelease,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    Well,
    Badly,
    /// A permanent error; elsewhere as `Badly`.
    Fatally,
    Panicking,
    Never,
}

/// What a call comes to, and after how many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) after: u64,
    pub(crate) ends: Ends,
}

impl Outcome {
    pub(crate) const FINE: Outcome = Outcome {
        after: 0,
        ends: Ends::Well,
    };
}

/// An option of the pool's with its new value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Knob {
    MinIdle(u32),
    QueueLimit(Option<u32>),
    MaxConnecting(u32),
    AcquireTimeout(Option<u64>),
    IdleTimeout(Option<u64>),
    MaxLifetime(Option<u64>),
    ValidateAfterIdle(Option<u64>),
}

/// `side` says on which runtime: the second one, if there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// Makes a request; `unpolled` leaves its first poll to a later `Poll`.
    Acquire {
        within: Option<u64>,
        side: bool,
        unpolled: bool,
    },
    Poll {
        which: u8,
        side: bool,
        new_waker: bool,
    },
    PollWoken {
        backwards: bool,
        side: bool,
    },
    Cancel {
        which: u8,
    },
    Release {
        which: u8,
        how: How,
    },
    TryAcquire,
    Clear,
    SetLimit(u32),
    Set(Knob),
    Pause,
    Resume,
    Invalidate,
    WarmUp(u32),
    ForgetWarmUp,
    /// Time passes, timer by timer.
    Advance(u64),
    /// Time jumps, as for a runtime that was held up.
    Stall(u64),
    /// Time passes on one runtime while nobody drives the supervisor's.
    Neglect(u64),
    /// The same, while those who wait elsewhere are polled.
    Forsake(u64),
    Script {
        call: Call,
        outcome: Outcome,
        times: u8,
    },
    /// Drops a runtime with everything on it.
    Kill {
        side: bool,
        repoll: bool,
    },
    SecondRuntime,
    /// Everything comes back, then exactly `limit` connections can be had.
    Census,
    Drain(u64),
    Close,
}

/// How a world begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) limit: u32,
    pub(crate) min_idle: u32,
    pub(crate) queue_limit: Option<u32>,
    pub(crate) max_connecting: u32,
    pub(crate) acquire_timeout: Option<u64>,
    pub(crate) idle_timeout: Option<u64>,
    pub(crate) max_lifetime: Option<u64>,
    pub(crate) validate_after_idle: Option<u64>,
    pub(crate) jitter: bool,
    pub(crate) hooks: bool,
    pub(crate) observed: bool,
    /// The builder names a runtime.
    pub(crate) at_home: bool,
    /// Woken requests are polled after each step.
    pub(crate) prompt: bool,
}

impl Setup {
    pub(crate) fn read(a: Raw, b: Raw) -> Setup {
        Setup {
            limit: limit(a[0]),
            min_idle: [0, 0, 0, 1, 2, 9][usize::from(a[1]) % 6],
            queue_limit: [None, None, None, None, Some(0), Some(3), Some(10)][usize::from(a[2]) % 7],
            max_connecting: [4, 1, 2, 16][usize::from(a[3]) % 4],
            acquire_timeout: [Some(60), Some(200), Some(15), None][usize::from(a[4]) % 4],
            idle_timeout: idle(a[5]),
            max_lifetime: lifetime(b[0]),
            validate_after_idle: validation(b[1]),
            jitter: b[2] % 2 == 1,
            hooks: b[3] % 4 == 1,
            observed: b[3] % 8 < 5,
            at_home: b[4] % 4 == 1,
            prompt: b[5] % 3 != 1,
        }
    }
}

impl Op {
    pub(crate) fn read(raw: Raw) -> Op {
        let [kind, a, b, c, d, _] = raw;
        let side = d % 4 == 1;
        match kind {
            0..=49 => Op::Acquire {
                within: [None, None, Some(1 + u64::from(c) % 8), Some(20 + u64::from(c)), Some(0)][usize::from(b) % 5],
                side,
                unpolled: a % 16 == 15,
            },
            50..=61 => Op::Poll {
                which: a,
                side,
                new_waker: b % 2 == 1,
            },
            62..=77 => Op::PollWoken {
                backwards: a % 4 == 1,
                side,
            },
            78..=91 => Op::Cancel { which: a },
            92..=133 => Op::Release { which: a, how: how(b) },
            134..=139 => Op::TryAcquire,
            140..=142 => Op::Clear,
            143..=149 => Op::SetLimit(if b % 32 == 31 { 0 } else { limit(a) }),
            150..=157 => Op::Set(knob(a, b)),
            158..=159 => Op::Pause,
            160 => Op::Forsake(300 + 8 * u64::from(b)),
            161..=165 => Op::Resume,
            166..=169 => Op::Invalidate,
            170..=171 => Op::WarmUp(u32::from(a) % 10),
            172 => Op::ForgetWarmUp,
            173..=212 => Op::Advance(time(a, b)),
            213..=214 => Op::Stall(time(a, b)),
            215 => Op::Neglect(time(a, b)),
            216..=244 => Op::Script {
                call: call(a),
                outcome: outcome(b, c),
                times: [1, 1, 2, 5][usize::from(d) % 4],
            },
            245..=247 => Op::Kill {
                side,
                repoll: a % 3 != 1,
            },
            248..=250 => Op::SecondRuntime,
            251..=252 => Op::Census,
            _ if a % 8 < 3 => Op::Drain(time(b, c) + 1),
            _ if a % 8 == 3 => Op::Close,
            _ => Op::PollWoken { backwards: false, side },
        }
    }

    /// Whether the next operation follows before the runtimes have come to rest.
    pub(crate) fn hasty(raw: Raw) -> bool {
        raw[5] % 16 == 15
    }
}

fn limit(a: u8) -> u32 {
    match a % 16 {
        15 => 30 + u32::from(a) % 50,
        n => 1 + u32::from(n) % 6,
    }
}

fn idle(a: u8) -> Option<u64> {
    [Some(200), Some(40), Some(1_000), Some(20_000), None][usize::from(a) % 5]
}

fn lifetime(a: u8) -> Option<u64> {
    [Some(500), Some(100), Some(3_000), Some(60_000), None][usize::from(a) % 5]
}

fn validation(a: u8) -> Option<u64> {
    [Some(20), Some(100), None, Some(0), Some(1_000)][usize::from(a) % 5]
}

fn knob(a: u8, b: u8) -> Knob {
    match a % 8 {
        0 => Knob::MinIdle(u32::from(b) % 5),
        1 => Knob::QueueLimit([None, None, None, Some(0), Some(2), Some(8)][usize::from(b) % 6]),
        2 => Knob::MaxConnecting(u32::from(b) % 5),
        3 => Knob::AcquireTimeout([Some(60), Some(7), None, Some(300)][usize::from(b) % 4]),
        4 => Knob::IdleTimeout(idle(b)),
        5 => Knob::MaxLifetime(lifetime(b)),
        _ => Knob::ValidateAfterIdle(validation(b)),
    }
}

/// Mostly a few milliseconds, now and then long enough for everything to age.
fn time(a: u8, b: u8) -> u64 {
    match a % 16 {
        0..=9 => u64::from(b) % 4,
        10..=13 => 5 + u64::from(b) % 60,
        14 => 100 + 3 * u64::from(b),
        _ => 500 + 20 * u64::from(b),
    }
}

fn how(b: u8) -> How {
    match b % 32 {
        0..=11 => How::Plain,
        12..=19 => How::Dirty,
        20..=21 => How::Broken,
        22 => How::Detach,
        23..=24 => How::Panic,
        25..=27 => How::Thread,
        28 => How::PanicOnThread,
        29 => How::Teardown,
        _ => How::Plain,
    }
}

fn call(a: u8) -> Call {
    match a % 24 {
        0..=8 => Call::Connect,
        n => CALLS[1 + usize::from(n - 9) % 9],
    }
}

fn outcome(b: u8, c: u8) -> Outcome {
    let after = match c % 4 {
        0 | 1 => 0,
        2 => 1 + u64::from(c / 4) % 8,
        _ => 5 + u64::from(c / 4),
    };
    let ends = match b % 16 {
        0..=5 => Ends::Well,
        6..=8 => Ends::Badly,
        9..=10 => Ends::Fatally,
        11..=12 => Ends::Panicking,
        13..=14 => Ends::Never,
        _ => Ends::Well,
    };
    Outcome { after, ends }
}
