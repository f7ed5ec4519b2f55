//! A job script for Slurm.

use std::path::Path;

use miette::Report;

use crate::study::misuse;

/// What the script says.
#[derive(Debug)]
pub(crate) struct JobScript<'a> {
    pub(crate) study: &'a Path,
    pub(crate) out: &'a Path,
    /// The study's.
    pub(crate) name: &'a str,
    pub(crate) shards: usize,
    pub(crate) threads: usize,
    /// Processes a shard.
    pub(crate) jobs: usize,
    pub(crate) set: &'a [String],
}

/// A script for bash that submits itself as a job array, and a job behind it that merges. The number of shards stands in it, as
/// `SLURM_ARRAY_TASK_COUNT` is another one where a part of the array is submitted again.
///
/// # Errors
/// When a path is no text that a script could hold.
pub(crate) fn job_script(script: &JobScript<'_>) -> Result<String, Report> {
    let JobScript { name, shards, threads, jobs, .. } = script;
    let (study, out) = (quoted_path(script.study)?, quoted_path(script.out)?);
    let mut options = String::new();
    if *jobs > 1 {
        options += &format!(" --jobs {jobs}");
    }
    for assignment in script.set {
        options += &format!(" --set {}", quoted(assignment));
    }
    let merge = quoted(&format!("gf report {out}"));
    Ok(format!(
        r#"#!/bin/bash
# A sweep in shards, for Slurm; `gf sweep --slurm` wrote it.
#   bash THIS      submits the shards, and a job that merges them into one report when they have ended
#   sbatch THIS    submits the shards alone; `sbatch --array=2 THIS` submits the second one again
# Finished arms are skipped whenever a shard runs again. Edit resources, time and the lines below to fit the cluster: a shard that
# runs out of time is told a minute before, saves where its arms stand, and goes on from there when it is submitted again.
#SBATCH --job-name=gf-{name}
#SBATCH --array=1-{shards}
#SBATCH --cpus-per-task={threads}
#SBATCH --time=01:00:00
#SBATCH --signal=B:TERM@60
set -euo pipefail

# Here: what makes `gf` known on the nodes, such as `module load` or a PATH.

if [ -z "${{SLURM_ARRAY_TASK_ID:-}}" ]; then
    shards=$(sbatch --parsable "$0")
    sbatch --dependency="afterany:${{shards%%;*}}" --job-name=gf-{name}-merge --cpus-per-task={threads} \
        --time=00:30:00 --wrap={merge}
    exit
fi

# exec: the signal reaches gf itself.
exec gf sweep {study} --out {out} --shard "$SLURM_ARRAY_TASK_ID/{shards}" \
    --threads "${{SLURM_CPUS_PER_TASK:-{threads}}}"{options} --quiet
"#
    ))
}

fn quoted_path(path: &Path) -> Result<String, Report> {
    let text = path.to_str().ok_or_else(|| misuse(format!("{}: expected a path in UTF-8", path.display())))?;
    Ok(quoted(text))
}

/// A word as bash reads it back.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_by_the_shell() {
        assert_eq!(quoted("runs/a-1.toml"), "runs/a-1.toml");
        assert_eq!(quoted("my study.toml"), "'my study.toml'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
