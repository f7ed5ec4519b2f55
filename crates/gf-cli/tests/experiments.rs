//! Every built-in study is valid at every scale.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

use gf_cli::arguments::Scale;
use gf_cli::experiments::EXPERIMENTS;
use gf_cli::study::Problem;

#[test]
fn every_experiment_loads_at_every_scale() {
    for experiment in EXPERIMENTS {
        let arms = [Scale::Smoke, Scale::Standard, Scale::Full].map(|scale| {
            let problem = Problem::load(experiment.document(scale).unwrap()).unwrap();
            assert_eq!(problem.study.name, experiment.name);
            assert!(!problem.study.about.trim().is_empty());
            problem.study.arms.len()
        });
        assert!(arms[0] == arms[1] && arms[2] >= arms[1], "full scale may add a grid: {arms:?}");
    }
}
