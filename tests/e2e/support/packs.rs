//! The pack of `Space::digests`: two phases without a checking rule of their own, a document, two hints, and marks around the
//! four things that are sent and not in a key.

use super::Space;

const FIRST: &str = r#"name = "first"
title = "Digests of seeds"
source = "seeds"
input = { text = "/source" }
batch = { size = 4 }

[prompt]
intelligence = [{ path = "docs/first.md", without = ["Version History"] }]
system = "prompts/system.md.j2"
batch = "prompts/first.md.j2"
retry = "prompts/retry.md.j2"

[output]
file = "first.json"
shape = { collection = "object" }
schema = "schemas/digest.json"
ids = ["/parts/*/id"]

[[context]]
name = "earlier"
from = "first"
role = "hint"
window = { before = 3 }
show = { digest = "/digest" }

[[context]]
name = "words"
registry = "one_translation"
text = "/text"
role = "hint"
window = "whole phase"

[[check]]
use = "one_translation"
severity = "warning"
known = "input:/text"
target = "/parts/0/id"
concepts = [{ concept = "the first part", known = ".", accepted = [["S0001P01"], ["S0002P01"], ["S0003P01"]] }]
"#;

const SECOND: &str = r#"name = "second"
title = "Digests of parts"
after = "first"
explode = { at = "/parts", id = "/id", min = 1, max = 3 }
input = { id = "/id", text = "/text" }
input_ids = ["/id"]
batch = { size = 6 }

[prompt]
intelligence = [{ path = "docs/second.md" }]
system = "prompts/system.md.j2"
batch = "prompts/second.md.j2"
retry = "prompts/retry.md.j2"

[output]
file = "second.json"
shape = { collection = "object" }
schema = "schemas/digest.json"
ids = ["/parts/*/id"]
"#;

const SYSTEM: &str = "You write digests in {{ course.known }}.

{{ intelligence }}
An item looks so: {{ schema }}
";
const FIRST_BATCH: &str = "{{ phase.title }}.
<<exception>>{{ label }}, {{ scope }}, {{ batch }}, {{ output_file }}<<end>>
{% for item in items %}
<<item {{ item.id }}>>{{ item.id }}: {{ item.input | tojson }}<<end>>
{% endfor %}
<<exception>>{{ context.earlier }}{{ context.words }}<<end>>
";
const SECOND_BATCH: &str = "{{ phase.title }}.
<<exception>>{{ label }}, {{ scope }}<<end>>
{% for item in items %}
<<item {{ item.id }}>>{{ item.id }}: {{ item.input | tojson }}<<end>>
{% endfor %}
";
const RETRY: &str = "<<exception>>Attempt {{ attempt }}: {% for finding in findings %}{{ finding.message }}; {% endfor %}<<end>>\n";

const SCHEMA: &str = r#"{
  "type": "object",
  "required": ["digest", "parts"],
  "properties": {
    "digest": {"type": "string", "minLength": 32},
    "parts": {"type": "array", "items": {"type": "object", "required": ["id", "text"]}}
  }
}
"#;

const FIRST_DOCUMENT: &str = "# First

What is for all.

## Care

Take care.

## Only for some
<!-- coursebuild: items=S0003-S0006 -->

Take more care.

## Version History

- begun
";
const SECOND_DOCUMENT: &str = "# Second

What is for all parts.
";

/// Writes the pack and its documents.
pub(super) fn write_digests(space: &Space) {
    for (path, text) in [
        ("rules/first.toml", FIRST),
        ("rules/second.toml", SECOND),
        ("rules/prompts/system.md.j2", SYSTEM),
        ("rules/prompts/first.md.j2", FIRST_BATCH),
        ("rules/prompts/second.md.j2", SECOND_BATCH),
        ("rules/prompts/retry.md.j2", RETRY),
        ("rules/schemas/digest.json", SCHEMA),
        ("docs/first.md", FIRST_DOCUMENT),
        ("docs/second.md", SECOND_DOCUMENT),
    ] {
        space.write(path, text);
    }
}
