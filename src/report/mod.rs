//! Events, plans and views → words, progress and JSON: the only room that prints.
//!
//! Every renderer is a pure function of plain data to text; only [`Out`], [`Reporter`] and [`confirm`] touch a stream. Text of
//! foreign origin is made safe here, whatever it went through before.

mod confirm;
mod cost;
mod findings;
mod json;
mod lines;
mod live;
mod log;
mod look;
mod out;
mod packs;
mod plan;
mod problem;
mod progress;
mod reporter;
mod status;
mod summary;
mod table;
mod why;
mod words;

pub use confirm::confirm;
pub use cost::{costs_json, costs_text};
pub use json::{
    event_line, log_json, packs_json, plan_json, problem_json, prompt_json, status_json, value_json, why_json,
};
pub use lines::Lines;
pub use live::Live;
pub use log::log_text;
pub use look::{Detail, Look};
pub use out::Out;
pub use packs::{PackPhases, packs_text};
pub use plan::plan_text;
pub use reporter::{Reporter, print_problem};
pub use status::status_text;
pub use summary::summary_text;
pub use why::why_text;
