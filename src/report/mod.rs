//! Events, plans and views → words, progress and JSON: the only room that prints.
//!
//! Every renderer is a pure function of plain data to text; only [`Out`], [`Reporter`] and [`confirm`] touch a stream. Text of
//! foreign origin is made safe here, whatever it went through before.

mod check;
mod cache;
mod canary;
mod accepted;
mod ci;
mod confirm;
mod cost;
mod diff;
mod doctor;
mod adopt;
mod build_junit;
mod decisions;
mod findings;
mod graph;
mod html;
mod json;
mod junit;
mod lines;
mod live;
mod log;
mod look;
mod merging;
mod out;
mod outlook;
mod packs;
mod plain;
mod plan;
mod problem;
mod progress;
mod proposal;
mod reporter;
mod status;
mod submissions;
mod summary;
mod table;
mod text_diff;
mod why;
mod words;

pub use accepted::{
    decisions_json, edits_text, effect_json, effect_text, outstanding_json, outstanding_text, pins_text,
    waivers_text,
};
pub use adopt::{adoption_json, adoption_text};
pub use cache::{
    blame_text, cache_json, checked_json, checked_text, collected_text, examined_text, packed_json,
    packed_text, pulled_text, pushed_json, pushed_text, stats_text, unpacked_json, unpacked_text,
};
pub use check::{check_json, check_text};
pub use ci::Notable;
pub use confirm::{ask, confirm, confirm_rest};
pub use cost::{costs_json, costs_text};
pub use decisions::{decidable_json, decidable_text, generations_text, resolved_json, resolved_text};
pub use diff::{diff_text, dropped_text, kept_text};
pub use doctor::{doctor_json, doctor_text};
pub use graph::{graph_dot, graph_mermaid};
pub use html::account_html;
pub use json::{
    account_json, diff_json, dropped_json, event_line, graph_json, kept_json, log_json, packs_json,
    plan_json, problem_json, prompt_json, status_json, value_json, why_json,
};
pub use junit::check_junit;
pub use lines::Lines;
pub use live::Live;
pub use log::log_text;
pub use look::{Detail, Look};
pub use merging::{installed_text, merging_text};
pub use out::Out;
pub use packs::{PackPhases, packs_text};
pub use plain::Plain;
pub use plan::plan_text;
pub use proposal::{Wrote, proposal_json, proposal_text};
pub use reporter::{Reporter, print_problem};
pub use status::status_text;
pub use summary::summary_text;
pub use why::why_text;
