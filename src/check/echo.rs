//! `echo`: what an output repeats of its input is the input's text.

use super::fields::Fields;
use super::found::{Found, quote};
use super::source::Source;
use super::text::Fold;
use super::{Check, Definition, Scope, Subject};
use crate::diag::Result;

pub(super) const DEFINITION: Definition = Definition {
    name: "echo",
    version: 1,
    scope: Scope::Item,
    fields: &["pairs", "fold"],
    finds: &["echo"],
    compile: |fields| Echo::compile(fields).map(Check::Echo),
};

#[derive(Debug)]
pub(super) struct Echo {
    pairs: Vec<(Source, Source)>,
    fold: Fold,
}

impl Echo {
    fn compile(fields: &Fields<'_>) -> Result<Self> {
        let wrong = || fields.wrong("wants a list of `{ output = POINTER, input = POINTER }` in `pairs`");
        let list = fields.value("pairs")?.as_array().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
        let mut pairs = Vec::new();
        for pair in list {
            let text = |name: &str| pair.get(name).and_then(|text| text.as_str());
            match (text("output"), text("input"), pair.as_object().map(|pair| pair.len())) {
                (Some(output), Some(input), Some(2)) => {
                    pairs.push((fields.output_text("pairs", output)?, fields.input_text("pairs", input)?));
                }
                _ => return Err(wrong()),
            }
        }
        Ok(Self { pairs, fold: fields.fold()? })
    }

    pub(super) fn judge(&self, subject: &Subject<'_>, found: &mut Found<'_>) {
        for (output, input) in &self.pairs {
            match (output.text(subject), input.text(subject)) {
                (_, Err(why)) => found.add("echo", &why),
                (Err(why), Ok(wanted)) => {
                    found.suggest("echo", &why, &format!("put {} there", quote(wanted)));
                }
                (Ok(got), Ok(wanted)) if self.fold.apply(got) != self.fold.apply(wanted) => found.suggest(
                    "echo",
                    &format!("the text at {output} is {}, but {input} is {}", quote(got), quote(wanted)),
                    &format!("copy {input} as it is: {}", quote(wanted)),
                ),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::needless_pass_by_value,
        reason = "a test reads best with its `json!` values in the call"
    )]

    use super::super::Finding;
    use super::super::tests::judge;
    use serde_json::{Value, json};

    fn echo(output: Value, input: Value) -> Vec<Finding> {
        let pairs =
            json!([{"output": "/1/0", "input": "/target"}, {"output": "/1/1", "input": "input:/known"}]);
        judge(json!({"use": "echo", "pairs": pairs}), &input, &json!(["S0001", output]))
    }

    #[test]
    fn copies_pass() {
        let long = "palabra ".repeat(1 << 14);
        for (got, wanted) in [
            ("Quiero hablar.", "Quiero hablar."),
            ("cafe\u{301}", "café"),
            ("perche\u{300} no?", "perché no?".replace('é', "è").as_str()),
            (" Quiero  hablar ", "Quiero hablar"),
            ("a\r\nb", "a b"),
            ("l’homme", "l’homme"),
            ("où\u{a0}?", "où ?"),
            ("你好，世界。", "你好，世界。"),
            ("", ""),
            ("", " \n"),
            (&long, long.trim()),
        ] {
            let findings = echo(json!([got, "k"]), json!({"target": wanted, "known": "k"}));
            assert!(findings.is_empty(), "{findings:#?}");
        }
    }

    #[test]
    fn what_differs_is_refused_with_both_texts() {
        let long = "palabra ".repeat(1 << 14);
        for (got, wanted) in [
            ("Quiero hablar", "Quiero hablar."),
            ("quiero", "Quiero"),
            ("cafe", "café"),
            ("perché", "perchè"),
            ("porfavor", "por favor"),
            ("l'homme", "l’homme"),
            ("Où?", "Où ?"),
            ("你好世界", "你好，世界"),
            ("说话", "說話"),
            ("", "a"),
            ("a", ""),
            (&long, "palabra"),
        ] {
            let findings = echo(json!([got, "k"]), json!({"target": wanted, "known": "k"}));
            assert_eq!(findings.len(), 1, "{got}");
            assert_eq!(findings[0].kind, "echo");
            assert!(findings[0].message.contains("`/1/0`") && findings[0].message.len() < 800);
        }
        let findings = echo(json!(["a", "b"]), json!({"target": "c", "known": "d"}));
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[1].message, "the text at `/1/1` is `b`, but `/known` of the input is `d`");
        assert_eq!(findings[1].suggestion.as_deref(), Some("copy `/known` of the input as it is: `d`"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let input = || json!({"target": "t", "known": "k"});
        let first = |findings: Vec<Finding>| findings[0].message.clone();
        assert_eq!(first(echo(json!([]), input())), "nothing stands at `/1/0`, where a text is wanted");
        assert_eq!(first(echo(json!([7, "k"]), input())), "at `/1/0` stands `7` and not a text");
        assert_eq!(
            first(echo(json!(["t", "k"]), json!({"target": null, "known": "k"}))),
            "at `/target` of the input stands null and not a text"
        );
    }
}
