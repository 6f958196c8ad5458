//! Who feeds whom, as data: documents and sources, phases with what is to be done, main files.

use super::look::{phases_of, targets, with_boards};
use super::options::Options;
use crate::course::{Feed, Role};
use crate::diag::Result;
use crate::plan::{Board, Counts};
use serde::Serialize;
use std::collections::BTreeSet;

/// Nodes and edges; every edge's ends are nodes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GraphView {
    /// What there is, what feeds before what is fed.
    pub nodes: Vec<GraphNode>,
    /// Who goes into whom.
    pub edges: Vec<GraphEdge>,
}

/// One thing in the graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphNode {
    /// Unique in the graph: `phase:spa_for_eng/phase3`.
    pub id: String,
    /// What it is.
    pub kind: NodeKind,
    /// Its path, or a phase as a target.
    pub name: String,
    /// A phase's title, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How a phase's items stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Counts>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A document that prompts are made of.
    Document,
    /// Where a course's items come from.
    Source,
    /// A phase.
    Phase,
    /// What a phase is linked into.
    MainFile,
}

/// One thing goes into another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GraphEdge {
    /// The node that goes in.
    pub from: String,
    /// The node that it goes into.
    pub to: String,
    /// As what.
    pub role: EdgeRole,
    /// A context's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// As what something goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeRole {
    /// A change makes items stale: sent with every call.
    Prompt,
    /// A change makes those items stale that it changes: they are made of it.
    Items,
    /// A context in the key: a change makes stale.
    Key,
    /// A context of checks: a change checks again.
    Check,
    /// A context that is sent, and whose change makes nothing stale.
    Hint,
    /// Results are linked into a main file.
    Linked,
}

/// The graph of the selected courses or phases. Changes nothing.
pub fn graph(options: &Options) -> Result<GraphView> {
    with_boards(options, |_, boards, _| {
        let targets = targets(options, boards)?;
        let mut view = GraphView::default();
        for (number, board) in boards.iter().enumerate() {
            let named = targets.iter().filter(|target| target.course == number);
            let mut phases: BTreeSet<usize> = named.flat_map(|target| phases_of(board, target)).collect();
            if targets.is_empty() {
                phases = (0..board.phases.len()).collect();
            }
            phases.iter().for_each(|&phase| view.add_phase(board, phase));
        }
        view.edges.sort();
        view.edges.dedup();
        let known: BTreeSet<&str> = view.nodes.iter().map(|node| node.id.as_str()).collect();
        let edges = view.edges.iter().filter(|edge| known.contains(&*edge.from)).cloned().collect();
        Ok(GraphView { edges, nodes: view.nodes })
    })
}

impl GraphView {
    fn add_phase(&mut self, board: &Board<'_>, phase: usize) {
        let rule = board.rule(phase);
        let me = phase_id(board, phase);
        for section in rule.prompt.sections.iter().chain(&rule.prompt.scoped) {
            let document = format!("document:{}", section.document);
            self.add(&document, NodeKind::Document, &section.document);
            self.edge(document, &me, EdgeRole::Prompt, None);
        }
        match &rule.feed {
            Feed::Source => {
                let name = format!("{}'s items", board.course.code);
                let source = format!("source:{}/{}", board.course.code, rule.name);
                self.add(&source, NodeKind::Source, &name);
                self.edge(source, &me, EdgeRole::Items, None);
            }
            Feed::Phase { phase: feed, .. } | Feed::Groups { phase: feed, .. } => {
                self.edge(phase_id(board, *feed), &me, EdgeRole::Items, None);
            }
        }
        for context in rule.contexts.iter().filter(|context| context.phase != phase) {
            let role = match context.role {
                Role::Key => EdgeRole::Key,
                Role::Check => EdgeRole::Check,
                Role::Hint => EdgeRole::Hint,
            };
            self.edge(phase_id(board, context.phase), &me, role, Some(context.name.clone()));
        }
        let mut counts = Counts::default();
        board.cells(phase).for_each(|(.., cell)| counts.add(&cell.decision.verdict));
        self.nodes.push(GraphNode {
            id: me.clone(),
            kind: NodeKind::Phase,
            name: format!("{}/{}", board.course.code, rule.name),
            title: Some(rule.title.clone()),
            items: Some(counts),
        });
        let path = format!("{}/{}", board.course.dir_text.trim_end_matches('/'), rule.output.file);
        let file = format!("main_file:{path}");
        self.add(&file, NodeKind::MainFile, &path);
        self.edge(me, &file, EdgeRole::Linked, None);
    }

    fn add(&mut self, id: &str, kind: NodeKind, name: &str) {
        if self.nodes.iter().all(|node| node.id != id) {
            self.nodes.push(GraphNode {
                id: id.to_owned(),
                kind,
                name: name.to_owned(),
                title: None,
                items: None,
            });
        }
    }

    fn edge(&mut self, from: String, to: &str, role: EdgeRole, context: Option<String>) {
        self.edges.push(GraphEdge { from, to: to.to_owned(), role, context });
    }
}

fn phase_id(board: &Board<'_>, phase: usize) -> String {
    format!("phase:{}/{}", board.course.code, board.rule(phase).name)
}
