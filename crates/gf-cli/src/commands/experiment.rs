//! `gf experiment`: the built-in studies.

use miette::Report;

use super::print;
use super::run::{Ended, apply, print_config, run_document};
use crate::arguments::{Common, ExperimentArguments};
use crate::experiments::{EXPERIMENTS, Experiment};
use crate::ranks::Ranks;
use crate::study::misuse;

pub(super) fn execute(arguments: &ExperimentArguments) -> Result<u8, Report> {
    if arguments.list {
        let width = EXPERIMENTS.iter().map(|experiment| experiment.name.len()).max().unwrap_or(0);
        for experiment in EXPERIMENTS {
            print(&format!("{:width$}  {}", experiment.name, experiment.about));
        }
        return Ok(0);
    }
    let chosen: Vec<&Experiment> = match arguments.all {
        true => EXPERIMENTS.iter().collect(),
        false => vec![find(&arguments.name)?],
    };
    if arguments.print {
        let mut document = chosen[0].document(arguments.scale)?;
        apply(&mut document, &arguments.common)?;
        print(document.text.trim_end());
        return Ok(0);
    }
    if arguments.print_config {
        return print_config(chosen[0].document(arguments.scale)?, &arguments.common);
    }
    for experiment in chosen {
        let mut common: Common = arguments.common.clone();
        if arguments.all {
            common.out = common.out.map(|out| out.join(experiment.name));
        }
        if !common.quiet && !common.json {
            print(&format!("{}: {}", experiment.name, experiment.about));
        }
        // Divergence of an arm is data here.
        match run_document(experiment.document(arguments.scale)?, &common, &Ranks::default())? {
            Ended::Complete { folder, .. } if common.quiet && !common.json => {
                print(&format!("{}: {}", experiment.name, folder.display()));
            }
            Ended::Complete { .. } | Ended::OnRank0 => {}
            interrupted @ Ended::Interrupted => return Ok(interrupted.exit_code()),
        }
    }
    Ok(0)
}

fn find(name: &str) -> Result<&'static Experiment, Report> {
    EXPERIMENTS.iter().find(|experiment| experiment.name == name).ok_or_else(|| {
        let names: Vec<&str> = EXPERIMENTS.iter().map(|experiment| experiment.name).collect();
        let near = gf_utils::suggest(name, names.iter().copied());
        let hint = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        misuse(format!("experiment: expected one of {}, found \"{name}\"{hint}", names.join(", ")))
    })
}
