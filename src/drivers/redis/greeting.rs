//! The sign-on: who we are, which protocol, database and name. The same for a new connection and for one that was reset; one
//! round trip in either case.

use super::error::{Error, Stage};
use super::settings::Settings;
use redis::{Cmd, Pipeline, ServerError, Value, cmd, pipe};

/// A question whose answer cannot be guessed, so that the answer of an earlier one is never taken for it.
pub(super) struct Token(String);

/// The commands of a sign-on, and how their answers are judged.
pub(super) struct Greeting {
    steps: Vec<(Step, Cmd)>,
}

/// What a command of the sign-on is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Reset,
    SignOn,
    Select,
    Name,
    /// The server may not know it; its answer does not matter.
    Library,
    Ping,
}

impl Token {
    pub(super) fn new() -> Self {
        Token(format!("{:016x}", fastrand::u64(..)))
    }

    pub(super) fn ping(&self) -> Cmd {
        let mut ping = cmd("PING");
        ping.arg(&self.0);
        ping
    }

    pub(super) fn is_in(&self, answer: &Value) -> bool {
        matches!(answer, Value::BulkString(bytes) if bytes == self.0.as_bytes())
    }
}

impl Greeting {
    /// For a new connection, or after `RESET`, which is then the first command.
    pub(super) fn new(settings: &Settings, after_reset: bool, token: &Token) -> Self {
        let mut steps = Vec::with_capacity(7);
        if after_reset {
            steps.push((Step::Reset, cmd("RESET")));
        }
        // Servers before 6.0 know only the default user, and one word after AUTH.
        let username = settings.username.as_deref().filter(|name| *name != "default");
        let password = settings.password.as_ref().map(|password| &password.0);
        if settings.resp3 {
            let mut hello = cmd("HELLO");
            hello.arg(3);
            if let Some(password) = password {
                hello.arg("AUTH").arg(username.unwrap_or("default")).arg(password);
            }
            steps.push((Step::SignOn, hello));
        } else if let Some(password) = password {
            let mut auth = cmd("AUTH");
            if let Some(username) = username {
                auth.arg(username);
            }
            auth.arg(password);
            steps.push((Step::SignOn, auth));
        }
        if settings.database != 0 {
            let mut select = cmd("SELECT");
            select.arg(settings.database);
            steps.push((Step::Select, select));
        }
        if let Some(name) = &settings.client_name {
            let mut client = cmd("CLIENT");
            client.arg("SETNAME").arg(name);
            steps.push((Step::Name, client));
        }
        // RESET leaves these as they are.
        if let (Some((name, version)), false) = (&settings.library, after_reset) {
            for (field, value) in [("LIB-NAME", name), ("LIB-VER", version)] {
                let mut client = cmd("CLIENT");
                client.arg("SETINFO").arg(field).arg(value);
                steps.push((Step::Library, client));
            }
        }
        steps.push((Step::Ping, token.ping()));
        Greeting { steps }
    }

    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn pipeline(&self) -> Pipeline {
        let mut pipeline = pipe();
        for (_, command) in &self.steps {
            pipeline.add_command(command.clone());
        }
        pipeline
    }

    /// Judges the answer to the command at `index`; whether it was as good as it can be.
    ///
    /// The last one, the ping, may be forbidden, or refused because the server cannot write to its disk: the connection is
    /// sound all the same, but `false`.
    pub(super) fn judge(
        &self,
        index: usize,
        answer: &Value,
        settings: &Settings,
        stage: Stage,
        token: &Token,
    ) -> Result<bool, Error> {
        let step = self.steps[index].0;
        match (step, answer) {
            (Step::Library, _) => Ok(true),
            (Step::Ping, answer) if token.is_in(answer) => Ok(true),
            // A new connection to a server that runs a script is of no use yet.
            (Step::Ping, Value::ServerError(error)) if is_sound(error) && error.code() != "BUSY" => Ok(false),
            (step, Value::ServerError(error)) => Err(refusal(settings, stage, step, error)),
            (Step::Ping, _) => Err(out_of_step(settings, stage)),
            (Step::Reset, Value::SimpleString(word)) if word == "RESET" => Ok(true),
            (Step::Reset, _) => Err(out_of_step(settings, stage)),
            _ => Ok(true),
        }
    }
}

/// Whether a ping that was answered like this shows a connection that can be lent.
pub(super) fn is_sound(error: &ServerError) -> bool {
    matches!(error.code(), "NOPERM" | "MISCONF" | "BUSY")
}

/// A ping was answered by something else.
pub(super) fn out_of_step(settings: &Settings, stage: Stage) -> Error {
    Error::OutOfStep {
        server: settings.server.clone(),
        stage,
        reason: "something else came than what was asked for".to_owned(),
    }
}

/// The server said no to a ping.
pub(super) fn ping_refused(settings: &Settings, stage: Stage, error: &ServerError) -> Error {
    refusal(settings, stage, Step::Ping, error)
}

fn refusal(settings: &Settings, stage: Stage, step: Step, error: &ServerError) -> Error {
    let code = error.code().to_owned();
    let mut message = error.details().unwrap_or_default().to_owned();
    let is_full = message.contains("max number of clients") || message.contains("max clients");
    let permanent = match &*code {
        "WRONGPASS" | "NOAUTH" | "NOPERM" | "NOPROTO" | "DENIED" => true,
        // Of what has no word of its own, whatever we asked for ourselves is for somebody to change.
        "ERR" => step != Step::Ping && !is_full,
        _ => false,
    };
    // A server that does not know a command repeats its words.
    let secret = settings
        .password
        .as_ref()
        .is_some_and(|password| !password.0.is_empty() && message.contains(&password.0));
    if step == Step::SignOn && (secret || message.contains("unknown command")) {
        message = if settings.resp3 {
            "it does not know HELLO, which protocol=resp3 needs".to_owned()
        } else {
            "it does not take AUTH".to_owned()
        };
    }
    if step == Step::Select {
        message = format!("{message} (the database's number)");
    }
    Error::Refused {
        server: settings.server.clone(),
        stage,
        code,
        message,
        permanent,
    }
}
