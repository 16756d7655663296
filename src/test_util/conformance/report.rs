//! What was found: for each check whether the manager passed, and if not, in a sentence, what happened and why it matters.

use std::fmt;
use std::panic::panic_any;

/// What [`Conformance::run`](crate::test_util::Conformance::run) found. Its `Display` is the whole story: failures first,
/// each with the reason why it matters, then warnings, what was skipped and for want of what, and what passed.
#[derive(Debug, Clone)]
#[must_use = "a report that nobody reads finds nothing; `assert_ok` fails the test"]
pub struct Report {
    pub(super) manager: &'static str,
    pub(super) findings: Vec<Finding>,
}

/// What one check came to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Finding {
    /// The check's short name: for [`Report::finding`] and [`Conformance::without`](crate::test_util::Conformance::without).
    pub check: &'static str,
    /// What a correct manager does, in a sentence.
    pub title: &'static str,
    /// What it would mean for the users of a pool if it did not.
    pub why: &'static str,
    /// How it went.
    pub outcome: Outcome,
}

/// How a check went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Correct, but not good: each text is something to look into.
    Warned(Vec<String>),
    /// Not: each text is a thing that happened.
    Failed(Vec<String>),
    /// It was not made, for this reason.
    Skipped(String),
}

impl Report {
    /// Fails the test with the whole report, if a check failed. Warnings and skipped checks do not fail it.
    ///
    /// # Panics
    ///
    /// A check failed.
    #[track_caller]
    pub fn assert_ok(&self) {
        if !self.is_ok() {
            panic_any(self.to_string());
        }
    }

    /// As [`assert_ok`](Report::assert_ok), and no check may have warned or been skipped either: what a manager asks of itself
    /// whose closures are all there.
    ///
    /// # Panics
    ///
    /// A check failed, warned or was skipped.
    #[track_caller]
    pub fn assert_spotless(&self) {
        if self.findings.iter().any(|finding| finding.outcome != Outcome::Passed) {
            panic_any(self.to_string());
        }
    }

    /// Whether no check failed.
    pub fn is_ok(&self) -> bool {
        self.failed().next().is_none()
    }

    /// Every check's outcome, in the order in which they were made.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The outcome of the check of this name.
    pub fn finding(&self, check: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Finding> {
        self.with(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// The checks that warned.
    pub fn warned(&self) -> impl Iterator<Item = &Finding> {
        self.with(|outcome| matches!(outcome, Outcome::Warned(_)))
    }

    /// The checks that were not made.
    pub fn skipped(&self) -> impl Iterator<Item = &Finding> {
        self.with(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    /// The checks that passed without a remark.
    pub fn passed(&self) -> impl Iterator<Item = &Finding> {
        self.with(|outcome| *outcome == Outcome::Passed)
    }

    /// Each reason for which checks were skipped, and which.
    fn reasons(&self) -> Vec<(&str, Vec<&'static str>)> {
        let mut reasons: Vec<(&str, Vec<&'static str>)> = Vec::new();
        for finding in &self.findings {
            if let Outcome::Skipped(reason) = &finding.outcome {
                match reasons.iter_mut().find(|(known, _)| known == reason) {
                    Some((_, checks)) => checks.push(finding.check),
                    None => reasons.push((reason, vec![finding.check])),
                }
            }
        }
        reasons
    }

    fn with(&self, is: impl Fn(&Outcome) -> bool) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| is(&finding.outcome))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, warned) = (self.failed().count(), self.warned().count());
        let (skipped, passed) = (self.skipped().count(), self.passed().count());
        let verdict = if failed == 0 { "keeps" } else { "does not keep" };
        writeln!(
            f,
            "{} {verdict} its part of the bargain with the pool: of {} checks {failed} failed, {warned} warned, {skipped} were skipped, {passed} passed",
            self.manager,
            self.findings.len()
        )?;
        for finding in self.failed().chain(self.warned()) {
            write!(f, "\n{finding}")?;
        }
        if skipped > 0 {
            writeln!(f, "\nskipped:")?;
            for (reason, checks) in self.reasons() {
                writeln!(f, "  {}: {reason}", checks.join(", "))?;
            }
        }
        if passed > 0 {
            writeln!(f, "\npassed:")?;
            for finding in self.passed() {
                write!(f, "{finding}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { check, title, why, .. } = self;
        let (word, texts) = match &self.outcome {
            Outcome::Passed => return writeln!(f, "  {check}: {title}"),
            Outcome::Skipped(reason) => return writeln!(f, "  {check}: {reason}"),
            Outcome::Warned(texts) => ("WARNED", texts),
            Outcome::Failed(texts) => ("FAILED", texts),
        };
        writeln!(f, "{word} {check}: {title}")?;
        for text in texts {
            writeln!(f, "  what happened: {text}")?;
        }
        writeln!(f, "  why it matters: {why}")
    }
}
