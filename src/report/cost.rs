//! `log --cost`: what was spent, as text and as JSON.

use super::look::Look;
use super::words::{count, flat, money, tokens};
use crate::diag::{Problem, Result};
use crate::run::{Cost, Costs};

/// As one JSON object.
pub fn costs_json(costs: &Costs) -> Result<String> {
    let mut value =
        serde_json::to_value(costs).map_err(|e| Problem::internal("costs cannot be printed").because(e))?;
    value["version"] = 1.into();
    Ok(format!("{value:#}\n"))
}

/// As text.
pub fn costs_text(costs: &Costs, look: Look) -> String {
    let mut out = format!("{}\n", line(&costs.total));
    for (title, list) in [
        ("by phase", &costs.phases),
        ("by model", &costs.models),
        ("by reason", &costs.reasons),
        ("by day", &costs.days),
    ] {
        let width = list.iter().map(|cost| flat(&cost.name).chars().count()).max().unwrap_or_default();
        if !list.is_empty() {
            out += &format!("\n{}\n", look.dim(title));
        }
        for cost in list {
            out += &format!("  {:width$}  {}\n", flat(&cost.name), line(cost));
        }
    }
    out
}

/// `$1.25 in 34 calls (of 2 of them the cost is not known), 1,200 tokens in (1,000 from cache), 300 out`
fn line(cost: &Cost) -> String {
    let calls = count(cost.calls, "call");
    let mut line = match cost.unknown {
        0 => format!("{} in {calls}", money(cost.usd)),
        all if all == cost.calls => format!("unknown cost of {calls}"),
        some => format!("{} in {calls}, of {some} of which the cost is not known", money(cost.usd)),
    };
    if let Some(tokens) = tokens(&cost.usage) {
        line += &format!(", {tokens}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Meters;

    #[test]
    fn unknown_costs_are_told_and_not_added() {
        let cost = |name: &str, calls, unknown, usd| Cost {
            name: name.into(),
            calls,
            unknown,
            usd,
            usage: Meters::default(),
        };
        let costs = Costs {
            total: cost("", 3, 1, 1.5),
            phases: vec![cost("c/first", 2, 0, 1.5), cost("c/b", 1, 1, 0.0)],
            models: Vec::new(),
            reasons: Vec::new(),
            days: Vec::new(),
        };
        assert_eq!(
            costs_text(&costs, Look::default()),
            "$1.50 in 3 calls, of 1 of which the cost is not known\n\nby phase\n  c/first  $1.50 in 2 calls\n  c/b      unknown cost of 1 call\n"
        );
    }
}
