//! What stands below the options in the help: examples, exit codes, where to read on.

pub(super) const GF: &str = "\
Begin with `gf experiment --list`, or with `gf init` for a study of your own. `gf schema` has all \
keys of a study for editors, with meaning, default and unit; `gf run STUDY.toml --print-config` shows \
a study with all defaults filled in. Each command has its own --help.

Exit codes:
  0    done
  1    a run failed, a check or a verification did not pass, or numbers were not finite
  2    misuse, with nothing written; or a full disk: `gf resume` goes on
  130  interrupted: `gf resume` goes on";

pub(super) const RUN: &str = "\
Examples:
  gf run study.toml
  gf run study.toml --out out --set run.steps=1000 --set arm.0.method.explicit.h=0.05
  gf run study.toml --print-config > resolved.toml";

pub(super) const EXPERIMENT: &str = "\
Examples:
  gf experiment --list
  gf experiment digits --scale smoke
  gf experiment edge-of-stability --print > mine.toml && gf run mine.toml";

pub(super) const RESUME: &str = "\
Example:
  gf resume runs/digits";

pub(super) const SWEEP: &str = "\
Examples:
  gf sweep study.toml --jobs 4
  gf sweep study.toml --out sweep --shard 2/8
  gf sweep study.toml --slurm=8 --threads 4 > sweep.sh

Exit code 1 where an arm could not be run, or its process died; a method that diverges is a result.";

pub(super) const SWEEP_WORKER: &str = "Nobody calls it by hand: what it reads and writes are lines of JSON.";

pub(super) const EVAL: &str = "\
Example:
  gf eval study.toml --theta T.npy --gradient G.npy --hessian H.npy --step implicit:h=0.05 S.npy";

pub(super) const SPECTRUM: &str = "\
Examples:
  gf spectrum study.toml --top 5 --bottom 2
  gf spectrum study.toml --theta runs/digits/theta-adam-0-final.npy --full --per-layer
  gf spectrum study.toml --density --figure density.svg";

pub(super) const CHECK: &str = "\
Example:
  gf check study.toml --set loss.kind=huber";

pub(super) const REPORT: &str = "\
Example:
  gf report runs/digits runs/digits-2 --out comparison";

pub(super) const STABILITY: &str = "\
Example:
  gf stability --eigenvalues=-1,0.1,10 --h 0.15 --figure map.svg";

pub(super) const SCHEDULE: &str = "\
Examples:
  gf schedule --list
  gf schedule study.toml --figure schedules.svg";

pub(super) const LR_RANGE: &str = "\
Example:
  gf lr-range study.toml --method heavy-ball:momentum=0.95 --to 10 --figure range.svg";

pub(super) const PREDICT: &str = "\
Examples:
  gf predict runs/my-study/model-implicit-0.gfmodel --data new.csv --out predictions.csv
  gf predict runs/my-study/model-implicit-0.gfmodel --data test.csv --target species";

pub(super) const EXPORT: &str = "\
Example:
  gf export runs/my-study/model-implicit-0.gfmodel --safetensors model.safetensors --npy arrays";

pub(super) const VERIFY: &str = "\
Examples:
  gf verify Misra1a Thurber
  gf verify --method lbfgs,newton-cg";

pub(super) const SCHEMA: &str = "\
Example:
  gf schema --out gf-study.schema.json
and as the first line of a study beside it, for Taplo and Even Better TOML:
  #:schema ./gf-study.schema.json";

pub(super) const COMPLETIONS: &str = "\
Example:
  gf completions bash > ~/.local/share/bash-completion/completions/gf";
