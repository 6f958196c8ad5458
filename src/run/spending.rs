//! What a run has spent, what is under way, and whether the next call may still leave.

use super::clock::day_of;
use super::options::Options;
use super::request::kind_name;
use crate::course::Generate;
use crate::course::Rule;
use crate::diag::Result;
use crate::money::{Prices, Ratios, Terms, Work};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The money of a run.
pub(super) struct Spending {
    pub(super) prices: Arc<Prices>,
    pub(super) ratios: Ratios,
    budget: Option<f64>,
    spent: f64,
    /// Expected of calls in flight.
    open: f64,
    today: String,
}

/// A call that is about to leave.
pub(super) struct Next<'r> {
    pub(super) rule: &'r Rule,
    pub(super) course: &'r str,
    /// Bytes of the prefix that a cache serves; 0 where none does.
    pub(super) shared: usize,
    /// It writes that prefix to the cache.
    pub(super) leads: bool,
    /// Bytes of prefix and body.
    pub(super) prefix: usize,
    pub(super) body: usize,
    pub(super) items: usize,
    pub(super) terms: Terms<'static>,
}

/// On what terms a phase's calls are made; `gathered`: it is one of a batch.
pub(super) fn terms(generate: &Generate, gathered: bool) -> Terms<'static> {
    Terms { hour: generate.keeps_an_hour(), batch: gathered.then(|| kind_name(generate.kind)) }
}

fn path(state: &Path) -> PathBuf {
    state.join("tables/ratios.json")
}

/// What earlier runs learned; nothing where that cannot be read.
pub(super) fn learned(state: &Path) -> Ratios {
    let read = crate::fs::read(&path(state)).ok().flatten();
    read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

impl Spending {
    /// Before anything is spent. `now_ms` says which prices hold.
    pub(super) fn new(prices: Prices, state: &Path, options: &Options, now_ms: u64) -> Self {
        let (budget, prices) = (options.budget_usd, Arc::new(prices));
        Self { prices, ratios: learned(state), budget, spent: 0.0, open: 0.0, today: day_of(now_ms) }
    }

    /// What a call is expected to cost; `None` where no price is known.
    pub(super) fn expects(&self, next: &Next<'_>) -> Option<f64> {
        let generate = &next.rule.generate;
        if generate.kind.is_free() {
            return Some(0.0);
        }
        let name = Ratios::name(next.course, &next.rule.name, generate.model.as_deref());
        let whole = next.prefix + next.body;
        let estimate = self.ratios.expect(&name, whole, next.body, next.items);
        #[expect(clippy::cast_precision_loss, reason = "no prompt has 2^53 bytes")]
        let shared = if whole == 0 { 0.0 } else { next.shared as f64 / whole as f64 };
        let meters = estimate.meters(shared, next.leads);
        self.prices.cost(generate.model.as_deref()?, &meters, &self.today, next.terms)
    }

    /// Whether a call that is expected to cost so much would pass the budget, with what is under way. Where nothing is known of
    /// its price, the budget stops what follows once it is spent.
    pub(super) fn passes(&self, expected: Option<f64>) -> bool {
        self.budget.is_some_and(|most| match expected {
            Some(expected) => expected > 0.0 && self.spent + self.open + expected > most,
            None => self.spent >= most,
        })
    }

    /// Why a call that would pass the budget does not leave.
    pub(super) fn told(&self, label: &str, expected: Option<f64>) -> String {
        let of_it = expected.map_or_else(String::new, |usd| format!(" is expected to cost ${usd:.4} and"));
        format!(
            "`{label}`{of_it} does not leave: ${:.4} are spent and ${:.4} under way of a budget of ${:.2}",
            self.spent,
            self.open,
            self.budget.unwrap_or_default()
        )
    }

    pub(super) fn left(&mut self, expected: Option<f64>) {
        self.open += expected.unwrap_or_default();
    }

    /// A call has come back.
    pub(super) fn came(&mut self, expected: Option<f64>, cost: Option<f64>) {
        self.open = (self.open - expected.unwrap_or_default()).max(0.0);
        self.spent += cost.unwrap_or_default();
    }

    pub(super) fn learn(&mut self, course: &str, rule: &Rule, work: &Work) {
        let name = Ratios::name(course, &rule.name, rule.generate.model.as_deref());
        self.ratios.learn(&name, work);
    }

    /// Keeps what was learned for the next run.
    pub(super) fn keep(&self, state: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.ratios).unwrap_or_default();
        crate::fs::write_whole(&path(state), &text, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Table;

    #[test]
    fn what_is_under_way_counts() {
        let prices = Arc::new(Prices::new(Table::new()).unwrap());
        let mut spending = Spending {
            prices,
            ratios: Ratios::default(),
            budget: Some(1.0),
            spent: 0.0,
            open: 0.0,
            today: String::new(),
        };
        assert!(!spending.passes(Some(0.6)));
        spending.left(Some(0.6));
        assert!(spending.passes(Some(0.6)), "two of them would pass it");
        assert!(!spending.passes(Some(0.0)) && !spending.passes(None));
        spending.came(Some(0.6), Some(0.2));
        assert!(!spending.passes(Some(0.6)));
        spending.came(None, Some(0.9));
        assert!(spending.passes(None) && !spending.passes(Some(0.0)));
    }
}
