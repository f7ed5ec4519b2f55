//! What the numbers of an arm on a seed depend on, and nothing else: its hash names the file of what it came to.
//!
//! | part of it | not |
//! |---|---|
//! | version and commit of gf: another build may round differently | the machine |
//! | the arm with its defaults | its name and group, its place, other arms |
//! | the seed; whether it is the study's first, where that one has more to do | other seeds |
//! | network, loss, problem, validation, run, spectrum, basins with their defaults | names, texts, claims, checkpoints, `on_failure` |
//! | the samples of the seed, and how they are read | the paths of their files |
//! | | `first_steps`, `depth` and `lr_range`, which are no arms' and are computed when a sweep is merged |

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::path::PathBuf;

use miette::Report;
use siphasher::sip128::{Hasher128, SipHasher24};
use toml::{Table, Value};

use crate::folder::resolved;
use crate::runner::Piece;
use crate::study::{Problem, Subject, misuse};
use crate::summary::version;

/// Keys of a study that change no arm's numbers. A key that is not here changes the hash: better run again than taken for another.
const WITHOUT: [&str; 8] = ["name", "title", "about", "checkpoint", "claim", "first_steps", "lr_range", "depth"];

/// The specifications of a study's arms on its seeds.
pub(super) struct Specifications {
    /// What all arms share.
    shared: Table,
    arms: Vec<Table>,
    /// What tells the samples of each seed from others.
    data: BTreeMap<u64, u32>,
    /// The seed that has more to do than others.
    first: Option<u64>,
}

impl Specifications {
    /// Of a study.
    ///
    /// # Errors
    /// When the samples of a seed cannot be had.
    pub(super) fn new(problem: &Problem) -> Result<Self, Report> {
        let study = resolved(problem);
        let mut shared = Table::try_from(&study).map_err(misuse)?;
        let mut arms = Vec::new();
        if let Some(Value::Array(found)) = shared.remove("arm") {
            arms = found
                .into_iter()
                .filter_map(|arm| if let Value::Table(arm) = arm { Some(arm) } else { None })
                .collect();
        }
        for arm in &mut arms {
            remove(arm, &["name", "group"]);
        }
        remove(&mut shared, &WITHOUT);
        if let Some(Value::Table(run)) = shared.get_mut("run") {
            remove(run, &["seeds", "on_failure"]);
        }
        if let Some(Value::Table(data)) = shared.get_mut("data") {
            remove(data, &["x", "y", "csv"]);
        }
        shared.insert("version".into(), version().into());
        let mut data = BTreeMap::new();
        for seed in &study.run.seeds {
            let of_seed = match problem.subject {
                Subject::Network(_) => problem.fingerprint(*seed)?,
                Subject::Function(_) => 0,
            };
            data.insert(*seed, of_seed);
        }
        // Predictions and basins are those of the first seed.
        let first = (study.network.is_some() || study.basins.is_some()).then_some(study.run.seeds[0]);
        Ok(Self { shared, arms, data, first })
    }

    /// The piece of an arm on a seed of the study.
    pub(super) fn piece(&self, problem: &Problem, (arm, seed): (usize, u64), folder: PathBuf) -> Piece {
        let (data, text) = (self.data[&seed], self.text(arm, seed));
        let mut hasher = SipHasher24::new();
        hasher.write(text.as_bytes());
        let name = format!("{:032x}", hasher.finish128().as_u128());
        Piece::new(problem, (arm, seed), (name, &text), data, folder)
    }

    /// Sorted by key, so that it does not depend on the order in a file.
    fn text(&self, arm: usize, seed: u64) -> String {
        let mut table = self.shared.clone();
        table.insert("arm".into(), Value::Table(self.arms[arm].clone()));
        table.insert("seed".into(), seed.to_string().into());
        table.insert("is_first_seed".into(), (self.first == Some(seed)).into());
        table.insert("samples".into(), i64::from(self.data[&seed]).into());
        Value::Table(table).to_string()
    }
}

fn remove(table: &mut Table, keys: &[&str]) {
    for key in keys {
        table.remove(*key);
    }
}
