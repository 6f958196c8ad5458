//! Questions on a terminal: before a costly plan is carried out, and what a new course is to be.

use super::reporter::print_error;
use super::words::{count_between, price};
use crate::diag::{Kind, Problem, Result, escape};
use crate::event::Canary;
use crate::plan::Plan;

/// Asks on the terminal; true for `y` or `yes`. No answer is a no.
pub fn confirm(plan: &Plan) -> bool {
    print_error(&question(plan));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && agreed(&answer)
}

/// Asks on the terminal whether what a canary leaves is to be bought; true for `y` or `yes`.
pub fn confirm_rest(canary: &Canary) -> bool {
    print_error(&format!("go on with the other {}? [y/N] ", count_between(canary.rest.calls, "call")));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && agreed(&answer)
}

/// Asks on the terminal for some text; an empty line means `otherwise`. Errors when there is nobody to answer.
pub fn ask(question: &str, otherwise: &str) -> Result<String> {
    let offered = if otherwise.is_empty() { String::new() } else { format!(" [{}]", escape(otherwise)) };
    print_error(&format!("{question}{offered} "));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if !matches!(read, Ok(n) if n > 0) {
        return Err(Problem::new(Kind::Interrupted, "no answer came; nothing was written"));
    }
    let answer = answer.trim();
    Ok(if answer.is_empty() { otherwise } else { answer }.to_owned())
}

fn question(plan: &Plan) -> String {
    let items = count_between(plan.items, "item");
    let price = price(&plan.expected).map(|price| format!(", {price}")).unwrap_or_default();
    let cost = if plan.expected.usd.is_some() { "" } else { "; what they cost is not known" };
    format!("this build makes {} for {items}{price}{cost}; go on? [y/N] ", count_between(plan.calls, "call"))
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
            "this build makes 3..7 calls for 41..237 items, about $1.20..$6.90, at least 3m 05s; go on? [y/N] "
        );
        let mut plan = super::super::plan::example();
        plan.expected = crate::plan::Expected::default();
        assert_eq!(
            question(&plan),
            "this build makes 3..7 calls for 41..237 items; what they cost is not known; go on? [y/N] "
        );
        for (answer, yes) in [("y\n", true), (" Yes ", true), ("", false), ("n", false), ("yep", false)] {
            assert_eq!(agreed(answer), yes, "{answer:?}");
        }
    }
}
