//! The graph as text that other programs draw: dot of Graphviz, flowcharts of Mermaid.

use super::words::partition;
use crate::diag::escape;
use crate::run::{EdgeRole, GraphEdge, GraphNode, GraphView, NodeKind};
use std::collections::HashMap;

/// For `dot -Tsvg`: documents as notes, phases as boxes, main files as folders; what makes nothing stale is dashed.
pub fn graph_dot(graph: &GraphView) -> String {
    let mut out = "digraph coursebuild {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n".to_owned();
    for node in &graph.nodes {
        let shape = match node.kind {
            NodeKind::Document => "note",
            NodeKind::Source => "cylinder",
            NodeKind::Phase => "box",
            NodeKind::MainFile => "folder",
        };
        let label = lines(node).iter().map(|line| quoted(line)).collect::<Vec<_>>().join("\\n");
        out += &format!("  \"{}\" [shape={shape}, label=\"{label}\"];\n", quoted(&node.id));
    }
    for edge in &graph.edges {
        let style = if is_weak(edge) { ", style=dashed" } else { "" };
        let label = quoted(&label(edge));
        out += &format!(
            "  \"{}\" -> \"{}\" [label=\"{label}\"{style}];\n",
            quoted(&edge.from),
            quoted(&edge.to)
        );
    }
    out + "}\n"
}

/// For Mermaid, as Markdown renderers draw it.
pub fn graph_mermaid(graph: &GraphView) -> String {
    let names: HashMap<&str, String> =
        graph.nodes.iter().zip(1..).map(|(node, number)| (node.id.as_str(), format!("n{number}"))).collect();
    let mut out = "flowchart LR\n".to_owned();
    for node in &graph.nodes {
        let label = lines(node).iter().map(|line| entities(line)).collect::<Vec<_>>().join("<br>");
        let (open, close) = match node.kind {
            NodeKind::Document => ("[/", "/]"),
            NodeKind::Source => ("[(", ")]"),
            NodeKind::Phase => ("[", "]"),
            NodeKind::MainFile => ("([", "])"),
        };
        out += &format!("  {}{open}\"{label}\"{close}\n", names[&*node.id]);
    }
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (names.get(&*edge.from), names.get(&*edge.to)) else { continue };
        let line = if is_weak(edge) { "-.->" } else { "-->" };
        out += &match label(edge) {
            none if none.is_empty() => format!("  {from} {line} {to}\n"),
            label => format!("  {from} {line}|\"{}\"| {to}\n", entities(&label)),
        };
    }
    out
}

fn lines(node: &GraphNode) -> Vec<String> {
    let mut lines = vec![node.name.clone()];
    lines.extend(node.title.clone());
    lines.extend(node.items.as_ref().map(partition).filter(|counts| !counts.is_empty()));
    lines
}

/// What makes nothing stale.
fn is_weak(edge: &GraphEdge) -> bool {
    matches!(edge.role, EdgeRole::Check | EdgeRole::Hint)
}

fn label(edge: &GraphEdge) -> String {
    let role = match edge.role {
        EdgeRole::Prompt | EdgeRole::Linked => return String::new(),
        EdgeRole::Items => "items",
        EdgeRole::Key => "key",
        EdgeRole::Check => "check",
        EdgeRole::Hint => "hint",
    };
    edge.context.as_ref().map_or_else(|| role.to_owned(), |name| format!("{name} ({role})"))
}

fn quoted(text: &str) -> String {
    escape(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// Text inside quotes of Mermaid, which reads HTML entities.
fn entities(text: &str) -> String {
    escape(text).replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Counts;

    fn example() -> GraphView {
        let node = |id: &str, kind, name: &str| GraphNode {
            id: id.into(),
            kind,
            name: name.into(),
            title: None,
            items: None,
        };
        let phase = GraphNode {
            title: Some("Baskets \"5\"".into()),
            items: Some(Counts { fresh: 2, stale: 1, ..Counts::default() }),
            ..node("phase:c/p5", NodeKind::Phase, "c/p5")
        };
        let edge = |from: &str, to: &str, role, context: Option<&str>| GraphEdge {
            from: from.into(),
            to: to.into(),
            role,
            context: context.map(str::to_owned),
        };
        GraphView {
            nodes: vec![
                node("phase:c/p3", NodeKind::Phase, "c/p3"),
                phase,
                node("main_file:o/<b>.json", NodeKind::MainFile, "o/<b>.json"),
            ],
            edges: vec![
                edge("phase:c/p3", "phase:c/p5", EdgeRole::Hint, Some("words")),
                edge("phase:c/p5", "main_file:o/<b>.json", EdgeRole::Linked, None),
            ],
        }
    }

    #[test]
    fn dot_names_shapes_counts_and_weak_edges() {
        assert_eq!(
            graph_dot(&example()),
            r#"digraph coursebuild {
  rankdir=LR;
  node [fontname="sans-serif"];
  "phase:c/p3" [shape=box, label="c/p3"];
  "phase:c/p5" [shape=box, label="c/p5\nBaskets \"5\"\n2 fresh, 1 stale"];
  "main_file:o/<b>.json" [shape=folder, label="o/<b>.json"];
  "phase:c/p3" -> "phase:c/p5" [label="words (hint)", style=dashed];
  "phase:c/p5" -> "main_file:o/<b>.json" [label=""];
}
"#
        );
    }

    #[test]
    fn mermaid_reads_no_markup_out_of_names() {
        assert_eq!(
            graph_mermaid(&example()),
            "flowchart LR\n  n1[\"c/p3\"]\n  n2[\"c/p5<br>Baskets &quot;5&quot;<br>2 fresh, 1 stale\"]\n  \
             n3([\"o/&lt;b&gt;.json\"])\n  n1 -.->|\"words (hint)\"| n2\n  n2 --> n3\n"
        );
    }
}
