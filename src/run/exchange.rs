//! The shared store by itself, without a build: tried out, pulled from, pushed to.

use super::flush;
use super::options::Options;
use super::session::Session;
use super::sharing::{Pushed, Sharing, gather, out_of_reach, push};
use crate::diag::{Problem, Result};
use crate::event::Event;
use crate::plan::Selection;

/// What a workspace's shared store answered to a first question.
#[derive(Debug, serde::Serialize)]
pub struct Examined {
    /// Its address.
    pub shared: Option<String>,
    /// It can be used.
    pub usable: bool,
    /// What was found, in words.
    pub found: String,
    /// Entries with results that it may not have yet.
    pub unpushed: usize,
}

/// Tries the shared store out.
pub fn examine(options: &Options) -> Result<Examined> {
    let mut session = Session::open(options, None)?;
    session.share(options)?;
    let Some(sharing) = &session.sharing else {
        let found = "no shared store is declared, or it is switched off".to_owned();
        return Ok(Examined { shared: None, usable: true, found, unpushed: 0 });
    };
    let (usable, found) = match sharing.examine() {
        Ok(found) => (true, found.to_owned()),
        Err(why) => (false, why),
    };
    Ok(Examined {
        shared: Some(sharing.name().to_owned()),
        usable,
        found,
        unpushed: session.unpushed()?.len(),
    })
}

/// What `cache pull` brought.
#[derive(Debug, serde::Serialize)]
pub struct Pulled {
    /// Results that were fetched.
    pub fetched: usize,
    /// Items of which nobody can say whether the shared store has them.
    pub out_of_reach: usize,
    /// What people should know.
    pub warnings: Vec<String>,
}

/// Fetches what the shared store has of what a build would buy, and buys nothing.
pub fn pull(options: &Options) -> Result<Pulled> {
    let mut session = shared_session(options)?;
    gather(&mut session, options, true)?;
    let out_of_reach = {
        let memories = session.memories();
        let boards = session.boards(options, &Selection::default(), &memories)?;
        out_of_reach(&boards, &session)?
    };
    let sharing = session.sharing.as_ref();
    let fetched = sharing.map_or(0, |sharing| sharing.fetched);
    let mut warnings = warnings_of(&session);
    warnings.extend(sharing.and_then(|sharing| sharing.trouble(&out_of_reach)));
    flush(&mut session)?;
    Ok(Pulled { fetched, out_of_reach: out_of_reach.items, warnings })
}

/// Offers to the shared store what was bought and is not known to be there.
pub fn push_all(options: &Options) -> Result<(Pushed, Vec<String>)> {
    let mut session = shared_session(options)?;
    let pushed = push(&mut session)?;
    let warnings = warnings_of(&session);
    flush(&mut session)?;
    Ok((pushed, warnings))
}

fn warnings_of(session: &Session) -> Vec<String> {
    let told = session.sharing.as_ref().map(Sharing::warnings).unwrap_or_default();
    let words = told.into_iter().filter_map(|event| match event {
        Event::Warning { message } => Some(message),
        _ => None,
    });
    words.collect()
}

fn shared_session(options: &Options) -> Result<Session> {
    let mut session = Session::open(options, None)?;
    session.share(options)?;
    if session.sharing.is_none() {
        return Err(Problem::author("no shared store is declared, or it is switched off")
            .hint("write `[shared]` with its `url` into the manifest"));
    }
    Ok(session)
}
