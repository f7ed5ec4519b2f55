//! The help: every command and every option says what it does, what it is when left out, and stays within a screen's width.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use clap::{Arg, ArgAction, Command, CommandFactory};
use gf_cli::arguments::Arguments;
use support::Bench;

/// Columns of the help, and of the tables.
const WIDTH: usize = 100;

fn commands() -> Vec<Command> {
    let mut root = Arguments::command();
    root.build();
    let own = root.get_subcommands().filter(|command| command.get_name() != "help").cloned().collect::<Vec<_>>();
    std::iter::once(root).chain(own).collect()
}

/// Whether a default can be seen, or none is needed.
fn says_its_default(argument: &Arg, help: &str) -> bool {
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    !takes_value
        || !argument.get_default_values().is_empty()
        || help.contains("[default: ")
        || argument.is_required_set()
}

#[test]
fn every_option_says_what_it_does_and_what_it_is_when_left_out() {
    let mut count = 0;
    for command in commands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        assert!(command.get_after_help().is_some() || command.get_arguments().count() <= 2, "{}", command.get_name());
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let place = format!("gf {} {}", command.get_name(), argument.get_id());
            assert!(help.len() > 8, "{place}: '{help}'");
            assert!(says_its_default(argument, &help), "{place}: '{help}'");
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
}

#[test]
fn help_fits_the_screen_and_leads_on() {
    let bench = Bench::new();
    let (out, _) = bench.expect(0, &["--help"]);
    for piece in
        ["Exit codes:", "130  interrupted", "laboratory for gradient flow", "gf schema", "gf init", "--print-config"]
    {
        assert!(out.contains(piece), "{piece} in\n{out}");
    }
    for command in commands() {
        let name = command.get_name();
        let arguments: &[&str] = if name == "gf" { &["--help"] } else { &[name, "--help"] };
        let (out, _) = bench.expect(0, arguments);
        for line in out.lines() {
            assert!(line.chars().count() <= WIDTH, "gf {name} --help: {line}");
        }
    }
}

/// The words of an example, up to what the shell does with it.
fn words(example: &str) -> Vec<&str> {
    example.split_whitespace().take_while(|word| !matches!(*word, ">" | "&&")).collect()
}

#[test]
fn the_examples_of_the_help_are_commands() {
    let mut count = 0;
    for command in commands() {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for example in text.lines().filter(|line| line.starts_with("  gf ")) {
            let parsed = Arguments::command().try_get_matches_from(words(example));
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            count += 1;
        }
    }
    assert!(count >= 15, "{count}");
}

#[test]
fn shells_get_their_completions() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (out, _) = bench.expect(0, &["completions", shell]);
        for piece in ["lr-range", "print-config", "completions"] {
            assert!(out.contains(piece), "{shell}: {piece}");
        }
    }
    let (_, err) = bench.expect(2, &["completions", "tcsh"]);
    assert!(err.contains("bash"), "{err}");
}
