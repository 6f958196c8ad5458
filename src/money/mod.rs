//! What calls cost: meters, and prices that turn them into US dollars.
//!
//! Unknown is unknown, never 0: where a meter or a price is missing there is no sum. Prices have a date and may depend on the
//! length of the prompt; the built-in table is `rules/prices.toml`, and a manifest's `[prices]` go before it. Knows no call.

mod meters;
mod ratios;

pub use meters::Meters;
pub use ratios::{Estimate, Ratio, Ratios, Work, bytes_as_tokens};

use crate::diag::{Problem, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

const BUILTIN: &str = include_str!("../../rules/prices.toml");
/// Prices are for so many tokens.
const PER: f64 = 1_000_000.0;

/// What a model's tokens cost, in US dollars for a million of them.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The first day of the price: `2026-10-07`. Without it: since ever.
    pub from: Option<String>,
    /// For calls whose prompt has more tokens than this.
    pub above: Option<u64>,
    /// Input that no cache served.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Input written to the provider's cache for five minutes, or for as long as the provider says.
    pub cache_write: Option<f64>,
    /// Input written to the cache for an hour.
    pub cache_write_1h: Option<f64>,
    /// Input read from the cache.
    pub cache_read: Option<f64>,
    /// What a request of a batch costs of all this: 0.5 is half. Without it: as the provider has it.
    pub batch: Option<f64>,
}

/// One price, or several: by date, by length of the prompt.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(Price),
    /// Several.
    More(Vec<Price>),
}

/// On what terms a call is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms<'p> {
    /// Cache entries are written for an hour.
    pub hour: bool,
    /// It is a request of a batch, at this provider.
    pub batch: Option<&'p str>,
}

/// Prices by model, as they are written; a `*` at the end of a name stands for any rest.
pub type Table = BTreeMap<String, OneOrMore>;

/// The prices that hold for a workspace.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// The manifest's before the built-in ones.
    tables: Vec<Vec<(String, Vec<Price>)>>,
    /// What requests of batches cost of the price, by provider.
    batch: BTreeMap<String, f64>,
}

/// The file of built-in prices.
#[derive(Deserialize)]
struct Builtin {
    batch: BTreeMap<String, f64>,
    #[serde(flatten)]
    prices: Table,
}

impl Prices {
    /// The manifest's prices, and behind them the built-in ones. The error says which model's price is none.
    pub fn new(own: Table) -> Result<Self> {
        let builtin: Builtin = toml::from_str(BUILTIN)
            .map_err(|e| Problem::internal("the built-in prices cannot be read").because(e.message()))?;
        Ok(Self { tables: vec![listed(own)?, listed(builtin.prices)?], batch: builtin.batch })
    }

    /// What a call cost. `day`: when (`2026-11-22`). `None` where the model has no price, or a meter or the price of one is not known.
    pub fn cost(&self, model: &str, meters: &Meters, day: &str, terms: Terms<'_>) -> Option<f64> {
        let (input, output) = (meters.input?, meters.output?);
        // A provider without a cache has no such meters.
        let (write, read) = (meters.cache_write.unwrap_or(0), meters.cache_read.unwrap_or(0));
        let price = self.price(model, day, input + write + read)?;
        let of_write = if terms.hour { price.cache_write_1h } else { price.cache_write };
        let part = |tokens: u64, price: Option<f64>| match tokens {
            0 => Some(0.0),
            #[expect(clippy::cast_precision_loss, reason = "no call has 2^53 tokens")]
            _ => Some(tokens as f64 * price? / PER),
        };
        let parts = [
            part(input, Some(price.input)),
            part(output, Some(price.output)),
            part(write, of_write),
            part(read, price.cache_read),
        ];
        let whole: f64 = parts.into_iter().sum::<Option<f64>>()?;
        Some(match terms.batch {
            Some(provider) => whole * price.batch.or_else(|| self.batch.get(provider).copied())?,
            None => whole,
        })
    }

    /// Whether anything is known of a model's price.
    pub fn knows(&self, model: &str) -> bool {
        self.tables.iter().any(|table| best(table, model).is_some())
    }

    fn price(&self, model: &str, day: &str, prompt: u64) -> Option<&Price> {
        let of_model = self.tables.iter().find_map(|table| best(table, model))?;
        let holds = |price: &&Price| {
            price.from.as_deref().is_none_or(|from| from <= day)
                && price.above.is_none_or(|above| prompt > above)
        };
        of_model.iter().filter(holds).max_by(|a, b| (&a.from, a.above).cmp(&(&b.from, b.above)))
    }
}

/// The prices of a model: those of its own name, else of the longest beginning that fits.
fn best<'t>(table: &'t [(String, Vec<Price>)], model: &str) -> Option<&'t [Price]> {
    let fits = |name: &str| name.strip_suffix('*').map_or(name == model, |start| model.starts_with(start));
    let length = |name: &str| if name.ends_with('*') { name.len() - 1 } else { usize::MAX };
    let found = table.iter().filter(|(name, _)| fits(name)).max_by_key(|(name, _)| length(name))?;
    Some(&found.1)
}

fn listed(table: Table) -> Result<Vec<(String, Vec<Price>)>> {
    let mut all = Vec::new();
    for (model, prices) in table {
        let prices = match prices {
            OneOrMore::One(price) => vec![price],
            OneOrMore::More(prices) => prices,
        };
        for price in &prices {
            let amounts = [
                Some(price.input),
                Some(price.output),
                price.cache_write,
                price.cache_write_1h,
                price.cache_read,
                price.batch,
            ];
            if amounts.into_iter().flatten().any(|amount| !amount.is_finite() || amount < 0.0) {
                return Err(Problem::author(format!("a price of `{model}` is no amount of money"))
                    .hint("write US dollars for a million tokens, 0 or more: `input = 3.0`"));
            }
            if price.from.as_deref().is_some_and(|from| !is_day(from)) {
                return Err(Problem::author(format!(
                    "the day from which a price of `{model}` holds is none"
                ))
                .hint("write it as `from = \"2026-10-07\"`"));
            }
        }
        all.push((model, prices));
    }
    Ok(all)
}

fn is_day(text: &str) -> bool {
    let pattern =
        |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meters(input: u64, write: u64, read: u64, output: u64) -> Meters {
        Meters { input: Some(input), cache_write: Some(write), cache_read: Some(read), output: Some(output) }
    }

    fn close(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-9)
    }

    const PLAIN: Terms<'static> = Terms { hour: false, batch: None };

    #[test]
    fn prices_have_dates_tiers_and_beginnings() {
        let prices = Prices::new(Table::new()).unwrap();
        let sonnet = |day| prices.cost("claude-sonnet-5-5", &meters(0, 0, 1_000_000, 0), day, PLAIN);
        assert!(close(sonnet("2026-10-06"), 0.20));
        assert!(close(sonnet("2026-10-07"), 0.10));
        let haiku = |input| prices.cost("claude-haiku-5-5", &meters(input, 0, 0, 0), "2026-11-22", PLAIN);
        assert!(close(haiku(100_000), 0.01));
        assert!(close(haiku(200_000), 0.10));
        let dated = prices.cost("claude-opus-4-5-20251101", &meters(1_000_000, 0, 0, 0), "2026-11-22", PLAIN);
        assert!(close(dated, 5.0));
        let hour = |hour| {
            let terms = Terms { hour, ..PLAIN };
            prices.cost("claude-opus-5-5", &meters(0, 1_000_000, 0, 0), "2026-11-22", terms)
        };
        assert!(close(hour(false), 5.0) && close(hour(true), 8.0));
    }

    #[test]
    fn a_batch_costs_what_its_provider_or_its_model_says() {
        let own = "m = { input = 2.0, output = 2.0 }\ndear = { input = 2.0, output = 2.0, batch = 0.75 }";
        let prices = Prices::new(toml::from_str(own).unwrap()).unwrap();
        let cost = |model, provider| {
            let terms = Terms { batch: Some(provider), ..PLAIN };
            prices.cost(model, &meters(1_000_000, 0, 0, 0), "2026-11-22", terms)
        };
        assert!(close(cost("m", "anthropic"), 1.0) && close(cost("m", "openai"), 1.0));
        assert!(close(cost("claude-opus-5-5", "anthropic"), 2.0) && close(cost("dear", "openai"), 1.5));
        assert_eq!(cost("m", "somebody"), None);
    }

    #[test]
    fn unknown_is_unknown() {
        let prices = Prices::new(Table::new()).unwrap();
        assert_eq!(prices.cost("nobody", &meters(1, 0, 0, 1), "2026-11-22", PLAIN), None);
        assert!(!prices.knows("nobody") && prices.knows("claude-opus-5-5"));
        let no_output = Meters { output: None, ..meters(1, 0, 0, 0) };
        assert_eq!(prices.cost("claude-opus-5-5", &no_output, "2026-11-22", PLAIN), None);
        // An hour's price is not known for this one.
        let hour = Terms { hour: true, ..PLAIN };
        assert_eq!(prices.cost("claude-fable-5-2", &meters(1, 1, 0, 1), "2026-11-22", hour), None);
    }

    #[test]
    fn a_manifests_prices_go_before() {
        let own = |text: &str| Prices::new(toml::from_str::<Table>(text).unwrap());
        let prices = own("\"claude-opus-5-5\" = { input = 1.0, output = 2.0 }\n\"mine-*\" = [{ input = 3.0, output = 3.0 }, { above = 10, input = 9.0, output = 9.0 }]\n").unwrap();
        assert!(close(prices.cost("claude-opus-5-5", &meters(1_000_000, 0, 0, 0), "x", PLAIN), 1.0));
        assert!(close(prices.cost("mine-7", &meters(1_000_000, 0, 0, 0), "x", PLAIN), 9.0));
        assert!(own("m = { input = -1.0, output = 2.0 }").unwrap_err().to_string().contains("`m`"));
        assert!(
            own("m = { from = \"soon\", input = 1.0, output = 2.0 }")
                .unwrap_err()
                .to_string()
                .contains("day")
        );
    }
}
