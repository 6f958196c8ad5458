//! Edit, build, expect: the tool as its users meet it, through the binary.

mod cli;
mod supervisor;
