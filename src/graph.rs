//! Who feeds whom: phases by dense number, and batches as runs of items.
//!
//! Knows only names and order. A [`Course`] holds no cycle and lists every phase after those that it reads, so walking the
//! phases by number is walking the graph from its sources.

mod batches;

pub use batches::{Batches, Cohorts};

use crate::course::{Course, Feed};

/// The phases of one course as a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
}

/// One phase in the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The phase whose results are this one's items; `None` for a phase with a source of its own.
    pub feed: Option<usize>,
    /// The phase whose roots this one's items descend from: one with a source, or one of groups, which is the root of its own.
    pub source: usize,
    /// The phases that this one feeds, or that read it as a context, in order, without itself.
    pub readers: Vec<usize>,
}

impl Graph {
    /// The graph of a course.
    pub fn of(course: &Course) -> Self {
        let mut nodes: Vec<Node> = Vec::with_capacity(course.phases.len());
        for (at, phase) in course.phases.iter().enumerate() {
            let feed = match &phase.rule.feed {
                Feed::Source => None,
                Feed::Phase { phase, .. } | Feed::Groups { phase, .. } => Some(*phase),
            };
            let source = match &phase.rule.feed {
                Feed::Phase { phase, .. } => nodes[*phase].source,
                Feed::Source | Feed::Groups { .. } => at,
            };
            let read = feed.into_iter().chain(phase.rule.contexts.iter().map(|context| context.phase));
            for read in read.filter(|read| *read != at) {
                if !nodes[read].readers.contains(&at) {
                    nodes[read].readers.push(at);
                }
            }
            nodes.push(Node { feed, source, readers: Vec::new() });
        }
        Self { nodes }
    }

    /// One phase.
    pub fn node(&self, phase: usize) -> &Node {
        &self.nodes[phase]
    }
}

/// The number of the batch, from 1, that the item at a position (from 0) of its phase is in.
pub fn batch_of(position: usize, size: usize) -> usize {
    position / size.max(1) + 1
}

/// How many batches so many items make.
fn batches(items: usize, size: usize) -> usize {
    items.div_ceil(size.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_runs_of_items() {
        assert_eq!(
            (batches(0, 20), batches(1, 20), batches(20, 20), batches(21, 20), batches(668, 20)),
            (0, 1, 1, 2, 34)
        );
        assert_eq!((batch_of(0, 20), batch_of(19, 20), batch_of(20, 20)), (1, 1, 2));
    }
}
