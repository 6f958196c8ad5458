//! Words that options take: one of a few.

use clap::ValueEnum;

/// Who the output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    Human,
    Json,
}

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum When {
    Auto,
    Always,
    Never,
}

/// What is done with items when the shared store cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RemoteDown {
    /// Hold them, and exit with 6
    Hold,
    /// Buy them
    Generate,
}

/// A language of graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Drawn {
    /// Graphviz
    Dot,
    /// Mermaid, for Markdown
    Mermaid,
}

/// Whose annotations are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Annotations {
    #[default]
    Auto,
    Github,
    Off,
}

/// A kind of file that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchemaOf {
    /// coursebuild.toml
    Manifest,
    /// A rule of a pack
    Rule,
}
