//! `coursebuild` alone is `coursebuild build`: finds the command among the arguments, wherever options stand, as make and git
//! users expect.

use clap::Command;
use std::ffi::{OsStr, OsString};

/// The arguments with the command first; `build` where none was typed.
///
/// Errors with the command that was probably meant when a bare first word is nearly one, for `biuld` is a slip and no target.
pub(super) fn with_command(typed: Vec<OsString>, grammar: &Command) -> Result<Vec<OsString>, Slip> {
    let mut at = 0;
    while let Some(argument) = typed.get(at) {
        match kind(argument, grammar) {
            Kind::Option { values } => at += 1 + values,
            // `--help` and `--version` before any command are about the program as a whole.
            Kind::About(alone) => return Ok(vec![alone.into()]),
            Kind::End => break,
            Kind::Word(word) if is_command(word, grammar) => {
                let mut arguments = typed;
                arguments[..=at].rotate_right(1);
                return Ok(arguments);
            }
            Kind::Word(word) => {
                if let Some(meant) = nearest(word, grammar) {
                    return Err(Slip { typed: word.to_owned(), meant });
                }
                break;
            }
            Kind::Foreign => break,
        }
    }
    let mut arguments = vec![OsString::from("build")];
    arguments.extend(typed);
    Ok(arguments)
}

/// A first word that is nearly a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slip {
    /// What was typed.
    pub(super) typed: String,
    /// The command that was probably meant.
    pub(super) meant: String,
}

enum Kind<'a> {
    /// An option, and how many further arguments are its values.
    Option {
        values: usize,
    },
    /// `--help`, `--version` or the letter of one.
    About(&'static str),
    /// `--`.
    End,
    Word(&'a str),
    /// Not UTF-8: no option and no command.
    Foreign,
}

fn kind<'a>(argument: &'a OsStr, grammar: &Command) -> Kind<'a> {
    let Some(text) = argument.to_str() else { return Kind::Foreign };
    match text.strip_prefix("--") {
        Some("") => Kind::End,
        Some("help") => Kind::About("--help"),
        Some("version") => Kind::About("--version"),
        Some(long) if long.contains('=') => Kind::Option { values: 0 },
        Some(long) => Kind::Option { values: usize::from(long_takes_value(long, grammar)) },
        None => match text.strip_prefix('-') {
            None | Some("") => Kind::Word(text),
            Some(letters) => letters_kind(letters, grammar),
        },
    }
}

/// `-kj4`: the first letter that takes a value takes the rest, or else the next argument.
fn letters_kind<'a>(letters: &str, grammar: &Command) -> Kind<'a> {
    for (at, letter) in letters.char_indices() {
        match letter {
            'h' => return Kind::About("-h"),
            'V' => return Kind::About("-V"),
            _ if letter_takes_value(letter, grammar) => {
                return Kind::Option { values: usize::from(at + letter.len_utf8() == letters.len()) };
            }
            _ => {}
        }
    }
    Kind::Option { values: 0 }
}

/// The options that may stand before the command: those of every command, and those of `build`.
fn early(grammar: &Command) -> impl Iterator<Item = &clap::Arg> {
    let build = grammar.find_subcommand("build").into_iter().flat_map(Command::get_arguments);
    grammar.get_arguments().chain(build).filter(|option| option.get_action().takes_values())
}

fn long_takes_value(long: &str, grammar: &Command) -> bool {
    early(grammar).any(|option| {
        option.get_long() == Some(long)
            || option.get_visible_aliases().is_some_and(|aliases| aliases.contains(&long))
    })
}

fn letter_takes_value(letter: char, grammar: &Command) -> bool {
    early(grammar).any(|option| option.get_short() == Some(letter))
}

fn is_command(word: &str, grammar: &Command) -> bool {
    word == "help" || grammar.find_subcommand(word).is_some()
}

/// The command that a word of letters is one slip away from: a letter too many, too few, wrong, or two swapped.
fn nearest(word: &str, grammar: &Command) -> Option<String> {
    let plain = word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let mut names = grammar.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name);
    names.find(|name| plain && one_slip(word.as_bytes(), name.as_bytes())).map(str::to_owned)
}

fn one_slip(a: &[u8], b: &[u8]) -> bool {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a, b) {
        ([], []) => false,
        ([_, rest @ ..], other) | (other, [_, rest @ ..]) if rest == other => true,
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        ([a1, a2, a @ ..], [b1, b2, b @ ..]) => a1 == b2 && a2 == b1 && a == b,
        (a, [_, b @ ..]) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::args::Typed;
    use super::*;
    use clap::CommandFactory;

    fn after(line: &str) -> Result<String, Slip> {
        let typed = line.split_whitespace().map(OsString::from).collect();
        let arguments = with_command(typed, &Typed::command())?;
        Ok(arguments.iter().map(|argument| argument.to_str().unwrap()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_command_comes_first_and_build_is_the_default() {
        for (typed, meant) in [
            ("", "build"),
            ("spa_for_eng/phase3", "build spa_for_eng/phase3"),
            ("-C dir", "build -C dir"),
            ("-C plan", "build -C plan"),
            ("-C dir plan x", "plan -C dir x"),
            ("-Cdir plan", "plan -Cdir"),
            ("-kj 4 plan", "plan -kj 4"),
            ("-kj4 status", "status -kj4"),
            ("--format json status", "status --format json"),
            ("--format=json status", "status --format=json"),
            ("--seeds plan", "build --seeds plan"),
            ("--items S0001 -k x", "build --items S0001 -k x"),
            ("-k -- plan", "build -k -- plan"),
            ("build plan", "build plan"),
            ("x plan", "build x plan"),
            ("-k --help", "--help"),
            ("-kh plan", "-h"),
            ("-V", "-V"),
            ("help plan", "help plan"),
            ("build --help", "build --help"),
        ] {
            assert_eq!(after(typed).unwrap(), meant, "{typed}");
        }
    }

    #[test]
    fn a_slip_is_not_a_target() {
        for (typed, meant) in
            [("biuld", "build"), ("plna", "plan"), ("statu", "status"), ("buildd", "build"), ("lug", "log")]
        {
            let slip = Slip { typed: typed.into(), meant: meant.into() };
            assert_eq!(after(&format!("-k {typed}")), Err(slip));
        }
        for target in ["spa", "spa_for_eng", "phase3", "plan9", "x/plna", "supervis"] {
            assert_eq!(after(target).unwrap(), format!("build {target}"));
        }
    }
}
