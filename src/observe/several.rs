//! Several observers as one. A panic in one of them is kept from the others.

use super::event::Event;
use super::observer::{Activity, Ending, Interest, Observer, Scope};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// One observer that tells all of these; none for none.
pub(crate) fn as_one(mut observers: Vec<Arc<dyn Observer>>) -> Option<Arc<dyn Observer>> {
    if observers.len() > 1 {
        return Some(Arc::new(Several(observers)));
    }
    observers.pop()
}

struct Several(Vec<Arc<dyn Observer>>);

impl Observer for Several {
    fn on(&self, event: &Event) {
        for observer in &self.0 {
            apart(|| observer.on(event));
        }
    }

    fn interest(&self) -> Interest {
        let interests = self.0.iter().map(|observer| observer.interest());
        interests.fold(Interest::RARE, Interest::and)
    }

    fn scope(&self, activity: Activity) -> Option<Box<dyn Scope>> {
        let wanted = self.0.iter().filter(|observer| observer.interest().scopes);
        let mut scopes: Vec<_> = wanted
            .filter_map(|observer| apart(|| observer.scope(activity)).flatten())
            .collect();
        match scopes.len() {
            0 | 1 => scopes.pop(),
            _ => Some(Box::new(Nested(scopes))),
        }
    }
}

/// Scopes inside each other, the first one outermost.
struct Nested(Vec<Box<dyn Scope>>);

impl Scope for Nested {
    fn within(&self, poll: &mut dyn FnMut()) {
        enter(&self.0, poll);
    }

    fn ended(&self, ending: Ending) {
        for scope in &self.0 {
            apart(|| scope.ended(ending));
        }
    }
}

fn enter(scopes: &[Box<dyn Scope>], poll: &mut dyn FnMut()) {
    match scopes {
        [] => poll(),
        [first, rest @ ..] => first.within(&mut || enter(rest, poll)),
    }
}

fn apart<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);

    struct Named(&'static str, Arc<Log>);

    impl Log {
        fn push(&self, said: String) {
            self.0.lock().unwrap().push(said);
        }
    }

    impl Observer for Named {
        fn on(&self, event: &Event) {
            assert!(self.0 != "nervous", "{event:?} is too much");
            self.1.push(format!("{} {event:?}", self.0));
        }

        fn interest(&self) -> Interest {
            Interest::RARE.with_scopes()
        }

        fn scope(&self, _: Activity) -> Option<Box<dyn Scope>> {
            Some(Box::new(Named(self.0, self.1.clone())))
        }
    }

    impl Scope for Named {
        fn within(&self, poll: &mut dyn FnMut()) {
            self.1.push(format!("{} begins", self.0));
            poll();
            self.1.push(format!("{} ends", self.0));
        }
    }

    #[test]
    fn each_is_told_even_where_one_panics_and_scopes_nest() {
        let log = Arc::new(Log::default());
        let observer = |name| Arc::new(Named(name, log.clone())) as Arc<dyn Observer>;
        let all = as_one(vec![observer("first"), observer("nervous"), observer("last")]).unwrap();
        assert!(all.interest().scopes);
        all.on(&Event::Queued);
        let scope = all.scope(Activity::Connect).unwrap();
        scope.within(&mut || log.push("poll".to_owned()));
        let expected = [
            "first Queued",
            "last Queued",
            "first begins",
            "nervous begins",
            "last begins",
            "poll",
            "last ends",
            "nervous ends",
            "first ends",
        ];
        assert_eq!(*log.0.lock().unwrap(), expected);
        assert!(as_one(Vec::new()).is_none());
    }
}
