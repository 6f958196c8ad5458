//! The question before a costly plan is carried out.

use super::reporter::print_error;
use super::words::{count_between, money};
use crate::plan::Plan;

/// Asks on the terminal; true for `y` or `yes`. No answer is a no.
pub fn confirm(plan: &Plan) -> bool {
    print_error(&question(plan));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && agreed(&answer)
}

fn question(plan: &Plan) -> String {
    let items = count_between(plan.items, "item");
    let usd = plan.expected.usd.filter(|usd| *usd > 0.0);
    let usd = usd.map_or_else(String::new, |usd| format!(", for about {}", money(usd)));
    format!("this build makes {} for {items}{usd}; go on? [y/N] ", count_between(plan.calls, "call"))
}

fn agreed(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert_eq!(
            question(&super::super::plan::example()),
            "this build makes 3..7 calls for 41..237 items; go on? [y/N] "
        );
        for (answer, yes) in [("y\n", true), (" Yes ", true), ("", false), ("n", false), ("yep", false)] {
            assert_eq!(agreed(answer), yes, "{answer:?}");
        }
    }
}
