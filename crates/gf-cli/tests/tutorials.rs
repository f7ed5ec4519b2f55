//! The tutorial on one's own data, run as it stands.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::Bench;

const PAGE: &str = include_str!("../../../docs/tutorials/own-data.md");

/// The blocks of code in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    PAGE.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_tutorial_on_own_data_leads_to_predictions() {
    let bench = Bench::new();
    let (csv, toml) = (blocks("csv"), blocks("toml"));
    assert_eq!((csv.len(), toml.len()), (2, 1));
    bench.write("pendulum.csv", csv[0]).write("new.csv", csv[1]).write("study.toml", toml[0]);
    let commands: Vec<&str> = blocks("text").into_iter().flat_map(str::lines).collect();
    let mut out = String::new();
    for command in &commands {
        let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
        (out, _) = bench.expect(0, &arguments);
    }
    assert_eq!(commands.len(), 3);
    assert_eq!(bench.read("predicted.csv").lines().count(), 5);
    // What the page says of the last command's output.
    let error: f64 =
        out.lines().find(|line| line.contains("mae")).unwrap().split_whitespace().last().unwrap().parse().unwrap();
    assert!(error < 0.03, "{out}");
}
