//! The command line of gf: studies, experiments, evaluation and reports.
