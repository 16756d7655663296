//! Random operations on a limit, beside a model of a few lines that says what each must do.

mod common;

use common::poll;
use fairpool::{AdmissionOwned, Limit, OwnedPermit};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

/// What the limit should do, in the plainest terms.
#[derive(Default)]
struct Model {
    limit: u32,
    held: u32,
    paused: bool,
    /// Their numbers, in order.
    line: VecDeque<usize>,
}

impl Model {
    fn serve(&mut self, served: &mut Vec<usize>) {
        while !self.paused && self.held < self.limit && !self.line.is_empty() {
            self.held += 1;
            served.extend(self.line.pop_front());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_sequence_of_operations_does_what_a_plain_model_does() {
    for seed in 0..200 {
        follow_the_model(seed);
    }
}

fn follow_the_model(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let limit = Limit::new(2).expect("in range");
    let mut model = Model {
        limit: 2,
        ..Model::default()
    };
    let mut waiting: Vec<(usize, Pin<Box<AdmissionOwned>>)> = Vec::new();
    let mut held: Vec<OwnedPermit> = Vec::new();
    for step in 0..300 {
        let (mut served, mut cleared) = (Vec::new(), 0);
        match random.u8(0..12) {
            0..=3 => {
                waiting.push((step, Box::pin(limit.acquire_owned())));
                model.line.push_back(step);
                // It joins the line now.
                if let Poll::Ready(outcome) = poll(waiting.last_mut().unwrap().1.as_mut()) {
                    held.push(outcome.unwrap());
                    waiting.pop();
                    assert_eq!(model.line.pop_back(), Some(step));
                    model.held += 1;
                    assert!(
                        model.line.is_empty() && model.held <= model.limit && !model.paused,
                        "seed {seed}"
                    );
                }
            }
            4..=6 if !held.is_empty() => {
                drop(held.swap_remove(random.usize(0..held.len())));
                model.held -= 1;
            }
            7 if !waiting.is_empty() => {
                let (number, _) = waiting.swap_remove(random.usize(0..waiting.len()));
                model.line.retain(|&waits| waits != number);
            }
            8 => {
                model.limit = random.u32(1..5);
                limit.set_limit(model.limit).unwrap();
            }
            9 => {
                limit.pause();
                model.paused = true;
            }
            10 => {
                limit.resume();
                model.paused = false;
            }
            11 if random.bool() => cleared = limit.clear(),
            _ => {}
        }
        if cleared > 0 {
            assert_eq!(cleared, model.line.len(), "seed {seed}");
            model.line.clear();
            waiting.retain_mut(|(_, request)| poll(request.as_mut()).is_pending());
        }
        model.serve(&mut served);
        for number in served {
            let at = waiting.iter().position(|(waits, _)| *waits == number).unwrap();
            let (_, mut request) = waiting.swap_remove(at);
            match poll(request.as_mut()) {
                Poll::Ready(Ok(permit)) => held.push(permit),
                other => panic!("seed {seed}: {other:?} instead of a permit"),
            }
        }
        let status = limit.status();
        assert_eq!(
            (status.in_flight, status.pending as usize),
            (model.held, model.line.len()),
            "seed {seed}"
        );
        assert_eq!(
            (status.in_flight as usize, waiting.len()),
            (held.len(), model.line.len()),
            "seed {seed}"
        );
    }
}
