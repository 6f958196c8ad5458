//! What was spent, put together by phase, model, reason and day.

use super::clock::day_of;
use super::log::log;
use super::options::Options;
use super::views::LogLine;
use crate::diag::Result;
use crate::generate::Meters;
use crate::store::{Ended, Provenance};
use serde::Serialize;
use std::collections::BTreeMap;

/// What was spent. A call whose cost is not known is counted and adds nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Costs {
    /// In all.
    pub total: Cost,
    /// By `COURSE/PHASE`.
    pub phases: Vec<Cost>,
    /// By model.
    pub models: Vec<Cost>,
    /// By reason: `first attempt`, `attempt 2`, …, and what came of no use.
    pub reasons: Vec<Cost>,
    /// By day, in UTC.
    pub days: Vec<Cost>,
}

/// The calls of one name together.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cost {
    /// What they have in common; empty for all.
    pub name: String,
    /// How many.
    pub calls: usize,
    /// How many of them nobody knows the cost of.
    pub unknown: usize,
    /// What the others cost, in US dollars.
    pub usd: f64,
    /// Tokens, as far as they are known.
    pub usage: Meters,
}

/// What the calls that asked for the selected targets' items cost.
pub fn cost(options: &Options) -> Result<Costs> {
    let calls: Vec<LogLine> =
        log(options)?.into_iter().filter(|call| call.provenance == Provenance::Generated).collect();
    let by = |name: &dyn Fn(&LogLine) -> String| {
        let mut sums: BTreeMap<String, Cost> = BTreeMap::new();
        for call in &calls {
            let name = name(call);
            let sum = sums.entry(name.clone()).or_default();
            sum.name = name;
            sum.add(call);
        }
        sums.into_values().collect::<Vec<_>>()
    };
    let mut total = Cost::default();
    calls.iter().for_each(|call| total.add(call));
    Ok(Costs {
        total,
        phases: by(&|call| format!("{}/{}", call.course, call.phase)),
        models: by(&|call| call.model.clone().unwrap_or_else(|| call.generator.clone())),
        reasons: by(&reason),
        days: by(&|call| day_of(call.asked_ms)),
    })
}

fn reason(call: &LogLine) -> String {
    match (&call.ended, call.attempt) {
        (Ended::Answered | Ended::Truncated(_) | Ended::Filed, 1) => "first attempt".to_owned(),
        (Ended::Answered | Ended::Truncated(_) | Ended::Filed, attempt) => format!("attempt {attempt}"),
        (Ended::Unreadable(_) | Ended::TimedOut(_) | Ended::Failed(_), _) => "brought nothing".to_owned(),
    }
}

impl Cost {
    fn add(&mut self, call: &LogLine) {
        self.calls += 1;
        self.usage.and_tried(&call.usage);
        match call.money_usd {
            Some(usd) => self.usd += usd,
            None => self.unknown += 1,
        }
    }
}
