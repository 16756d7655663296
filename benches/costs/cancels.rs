//! The cost of a cancel against the length of the line, and the place in it.
//!
//! The one connection is out. Requests wait in places of their own, polled once each with a waker that does nothing;
//! a cancel is the drop of such a request. Where it was is then filled with a new request, which is not timed.

use super::entry::{Entry, runtime};
use crate::report::{median, number, table};
use crate::subjects::subject::Subject;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Instant;

const LENGTHS: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// Cancels in a row, timed together.
const CANCELS: usize = 64;

#[derive(Clone, Copy)]
pub(crate) enum Place {
    Newest,
    Oldest,
    Any,
}

const PLACES: [(Place, &str); 3] = [
    (Place::Newest, "newest"),
    (Place::Oldest, "oldest"),
    (Place::Any, "any"),
];

/// A line that stands, of one subject.
pub(crate) trait Cancels {
    /// Nanoseconds a cancel in one place.
    fn cancel(&mut self, place: Place) -> f64;
}

/// Builds a line of `waiting` requests.
pub(super) fn line<S: Subject>(waiting: usize) -> Box<dyn Cancels> {
    let runtime = runtime();
    // Leaked: requests and lease borrow the pool. A run has a few dozen of them, and their memory has to stay anyway.
    let pool: &'static S = Box::leak(Box::new(runtime.block_on(S::open(1))));
    let lease = runtime.block_on(pool.request());
    std::mem::forget(lease);
    let mut line = Line {
        seats: VecDeque::new(),
        request: || pool.request(),
        spare: Vec::new(),
        runtime,
    };
    line.fill(waiting);
    Box::new(line)
}

type Seat<F> = Pin<Box<Option<F>>>;

struct Line<F, R> {
    seats: VecDeque<Seat<F>>,
    request: R,
    spare: Vec<Seat<F>>,
    runtime: tokio::runtime::Runtime,
}

impl<F: Future, R: Fn() -> F> Line<F, R> {
    /// So many more requests at the end of the line.
    fn fill(&mut self, number: usize) {
        let _context = self.runtime.enter();
        for _ in 0..number {
            let mut seat = self.spare.pop().unwrap_or_else(|| Box::pin(None));
            seat.set(Some((self.request)()));
            let request = seat.as_mut().as_pin_mut().expect("it is seated");
            // One that manages no line at all, the floor, is ready; then the drop of nothing is measured.
            let _ = request.poll(&mut Context::from_waker(Waker::noop()));
            self.seats.push_back(seat);
        }
    }
}

impl<F: Future, R: Fn() -> F> Cancels for Line<F, R> {
    fn cancel(&mut self, place: Place) -> f64 {
        let mut chosen: Vec<Seat<F>> = match place {
            Place::Newest => self.seats.drain(self.seats.len() - CANCELS..).collect(),
            Place::Oldest => self.seats.drain(..CANCELS).collect(),
            Place::Any => {
                let length = self.seats.len();
                for at in 0..CANCELS {
                    self.seats.swap(at, fastrand::usize(at..length));
                }
                self.seats.drain(..CANCELS).collect()
            }
        };
        // The last to come are not always the first to go.
        fastrand::shuffle(&mut chosen);
        let context = self.runtime.enter();
        let begin = Instant::now();
        chosen.iter_mut().for_each(|seat| seat.set(None));
        let took = begin.elapsed();
        drop(context);
        self.spare.append(&mut chosen);
        self.fill(CANCELS);
        took.as_nanos() as f64 / CANCELS as f64
    }
}

pub(crate) fn compare(subjects: &[Entry], rounds: usize, measuring: bool) -> (String, Value) {
    let lengths = if measuring { &LENGTHS[..] } else { &LENGTHS[..1] };
    // By length, place and subject.
    let mut figures = vec![vec![vec![f64::NAN; subjects.len()]; PLACES.len()]; lengths.len()];
    for (of_length, &length) in figures.iter_mut().zip(lengths) {
        println!("cancels: {length} in line");
        let mut lines: Vec<_> = subjects.iter().map(|entry| (entry.cancels)(length)).collect();
        let mut samples = vec![[const { Vec::new() }; PLACES.len()]; subjects.len()];
        // One place after the other: cancels of any mix up the order in which the seats stand, so they come last.
        for (place, _) in PLACES {
            for _ in 0..rounds * 4 {
                for (line, samples) in lines.iter_mut().zip(&mut samples) {
                    samples[place as usize].push(line.cancel(place));
                }
            }
        }
        for (subject, samples) in samples.into_iter().enumerate() {
            for (place, samples) in samples.into_iter().enumerate() {
                of_length[place][subject] = median(samples);
            }
        }
    }
    let mut markdown = format!(
        "Cancels: medians of {} rounds of {CANCELS}, the subjects in turns.\n",
        rounds * 4
    );
    let mut json = json!({ "lengths": lengths });
    for (place, (_, name)) in PLACES.iter().enumerate() {
        let mut head = vec!["ns a cancel".to_owned()];
        head.extend(lengths.iter().map(|length| format!("{length} in line")));
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let rows = subjects.iter().enumerate().map(|(subject, entry)| {
            let costs = figures.iter().map(|of_length| number(of_length[place][subject]));
            std::iter::once(entry.name.to_owned()).chain(costs).collect()
        });
        markdown += &format!("\n## Cancels: {name}\n\n{}", table(&head, rows.collect()));
        json[*name] = subjects
            .iter()
            .enumerate()
            .map(|(subject, entry)| {
                let costs: Vec<f64> = figures.iter().map(|of_length| of_length[place][subject]).collect();
                (entry.name.to_owned(), json!(costs))
            })
            .collect();
    }
    (markdown, json)
}
