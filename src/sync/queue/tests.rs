//! The queue and its deadlines against a plain list, under random operations: who is in line, who expires first, whose waker
//! comes back, and that nodes are used again. An ordinary test, without loom.

use super::{Failure, NEVER, Outcome, Queue, Ticket};
use crate::sync::slips::Slips;
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;
use std::task::{Wake, Waker};

#[derive(Debug, Clone)]
enum Step {
    /// Joins with a deadline.
    Push(u64),
    /// Joins with a deadline so much after the latest one: the usual case, one timeout for all.
    PushLater(u64),
    Grant,
    FailHead,
    Expire(u64),
    /// The request leaves, waiting or settled.
    Leave(usize),
    /// The request reads its outcome off the slip, if it has one.
    Read(usize),
    Rewake(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..4u64).prop_map(Step::PushLater),
        3 => (0..100u64).prop_map(Step::Push),
        1 => Just(Step::Push(NEVER)),
        3 => Just(Step::Grant),
        1 => Just(Step::FailHead),
        1 => (0..120u64).prop_map(Step::Expire),
        3 => any::<usize>().prop_map(Step::Leave),
        2 => any::<usize>().prop_map(Step::Read),
        1 => any::<usize>().prop_map(Step::Rewake),
    ];
    vec(step, 1..300)
}

struct Silent;

impl Wake for Silent {
    fn wake(self: Arc<Self>) {}
}

/// A waker like no other.
fn waker() -> Waker {
    Waker::from(Arc::new(Silent))
}

/// A request as the model sees it.
struct Request {
    ticket: Ticket,
    deadline: u64,
    waker: Waker,
    outcome: Outcome,
}

#[derive(Default)]
struct Model {
    /// By ticket: those in line and those settled but not read yet.
    requests: Vec<Request>,
    drawn: u64,
    granted: u32,
    latest: u64,
}

impl Model {
    fn waiting(&self) -> impl Iterator<Item = &Request> {
        self.requests
            .iter()
            .filter(|request| request.outcome == Outcome::Queued)
    }

    fn push(&mut self, queue: &mut Queue, slips: &Slips, deadline: u64) {
        let waker = waker();
        self.drawn += 1;
        let ticket = queue.push(slips, waker.clone(), self.drawn * 10, deadline);
        assert_eq!(ticket.number(), self.drawn);
        assert!(
            self.requests.iter().all(|other| other.ticket.index() != ticket.index()),
            "a node was used again before its request had read the slip"
        );
        self.requests.push(Request {
            ticket,
            deadline,
            waker,
            outcome: Outcome::Queued,
        });
    }

    /// The first in line that fits has come to this, and its waker came back.
    fn settle(&mut self, outcome: Outcome, fits: impl Fn(&Request) -> bool, came: Option<Waker>) {
        let request = self
            .requests
            .iter_mut()
            .find(|request| request.outcome == Outcome::Queued && fits(request))
            .expect("the queue settled somebody, and nobody fits");
        assert!(
            came.is_some_and(|waker| waker.will_wake(&request.waker)),
            "another's waker"
        );
        request.outcome = outcome;
    }

    fn step(&mut self, queue: &mut Queue, slips: &Slips, step: &Step) {
        let pick = |at: &usize| (!self.requests.is_empty()).then(|| at % self.requests.len());
        match step {
            Step::Push(deadline) => self.push(queue, slips, *deadline),
            Step::PushLater(by) => {
                self.latest += by;
                self.push(queue, slips, self.latest);
            }
            Step::Grant | Step::FailHead if queue.is_empty() => {}
            Step::Grant => {
                self.granted += 1;
                let (waker, overtook) = queue.grant(slips, self.granted);
                assert!(!overtook);
                self.settle(Outcome::Granted(self.granted), |_| true, waker);
            }
            Step::FailHead => {
                let waker = queue.fail_head(slips, Failure::Cleared);
                self.settle(Outcome::Failed(Failure::Cleared), |_| true, waker);
            }
            Step::Expire(now) => {
                while let Some(at) = self
                    .waiting()
                    .map(|request| request.deadline)
                    .min()
                    .filter(|at| at <= now)
                {
                    let waker = queue.expire(slips, *now).expect("somebody is due");
                    // Of several with one deadline any may be first: the waker says who it was.
                    let known = waker.clone().expect("it waits");
                    let is = |request: &Request| request.deadline == at && request.waker.will_wake(&known);
                    self.settle(Outcome::Failed(Failure::Expired), is, waker);
                }
                assert!(queue.expire(slips, *now).is_none(), "expired before its time");
            }
            Step::Leave(at) => {
                let Some(at) = pick(at) else { return };
                let request = self.requests.remove(at);
                let (outcome, waker) = queue.remove(slips, request.ticket);
                assert_eq!(outcome, request.outcome);
                assert_eq!(waker.is_some(), outcome == Outcome::Queued);
            }
            Step::Read(at) => {
                let Some(at) = pick(at) else { return };
                if self.requests[at].outcome != Outcome::Queued {
                    slips.free(self.requests.remove(at).ticket.index());
                }
            }
            Step::Rewake(at) => {
                let Some(request) = pick(at).map(|at| &mut self.requests[at]) else {
                    return;
                };
                if request.outcome == Outcome::Queued {
                    let index = request.ticket.index();
                    assert!(queue.knows(index, &request.waker));
                    let old = queue.rewake(index, std::mem::replace(&mut request.waker, waker()));
                    assert!(old.is_some());
                    let _ = queue.rewake(index, request.waker.clone());
                }
            }
        }
    }

    fn agrees(&self, queue: &mut Queue, slips: &Slips) {
        let first = self.waiting().next();
        let next = self.waiting().map(|request| request.deadline).min();
        assert_eq!(queue.len() as usize, self.waiting().count());
        assert_eq!(queue.first(), first.map(|request| request.ticket.number()));
        assert_eq!(queue.oldest(), first.map(|request| request.ticket.number() * 10));
        assert_eq!(
            queue.next_deadline(),
            next.filter(|&at| at != NEVER),
            "another expires first"
        );
        assert_eq!(queue.drawn(), self.drawn);
        for request in &self.requests {
            assert_eq!(slips.read(request.ticket.index()), request.outcome);
        }
        if let Some(request) = first {
            let deadline = request.deadline;
            assert!(deadline == NEVER || queue.head_expired(|| deadline));
            assert!(deadline == 0 || !queue.head_expired(|| deadline - 1));
        }
    }
}

proptest! {
    #[test]
    fn the_queue_does_what_a_plain_list_would_do(steps in steps()) {
        let (mut queue, slips, mut model) = (Queue::new(), Slips::new(), Model::default());
        for step in &steps {
            model.step(&mut queue, &slips, step);
            model.agrees(&mut queue, &slips);
        }
    }
}

#[test]
fn a_line_that_has_been_this_long_before_makes_no_new_nodes() {
    let (mut queue, slips) = (Queue::new(), Slips::new());
    for round in 0..50 {
        let tickets: Vec<_> = (0..200).map(|_| queue.push(&slips, waker(), 0, NEVER)).collect();
        let top = tickets.iter().map(Ticket::index).max().expect("there are 200");
        assert!(top < 256, "node {top} in round {round}: 200 fit into four chunks");
        for (at, ticket) in tickets.into_iter().enumerate() {
            // Half are served and read their slips, half give up.
            if at % 2 == 0 {
                let _ = queue.grant(&slips, 1);
                slips.free(ticket.index());
            } else {
                let _ = queue.remove(&slips, ticket);
            }
        }
    }
}
