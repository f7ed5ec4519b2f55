//! What an arm is continued from: a checkpoint while it runs, its results once it has ended.

use std::path::{Path, PathBuf};

use gf_core::Communicator;
use gf_optim::Start;
use gf_utils::envelope::{self, EnvelopeError};
use gf_utils::history::{Best, Table};
use miette::Report;
use serde::{Deserialize, Serialize};

use super::Done;
use super::first_version::FirstVersion;
use super::path::ArmPath;
use super::watches::Watched;
use crate::ranks::Ranks;
use crate::study::{CheckpointSpec, misuse};

/// Where a run of an arm stood after a step: all that the steps to come, and the files at the end, depend on.
#[derive(Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// θ, the counts, and the states of method and step control.
    pub(super) start: Start,
    pub(super) history: Table,
    pub(super) best: Option<Best>,
    pub(super) watched: Watched,
    /// Where the study has `[landscape]`.
    pub(super) path: Option<ArmPath>,
}

/// A file of this store: what it belongs to, and what it holds.
#[derive(Serialize, Deserialize)]
struct Labelled<T> {
    /// CRC-32 of study.toml.
    study: u32,
    /// What tells the samples of the seed from others.
    data: u32,
    /// The arm's name, or that of another task.
    name: String,
    seed: u64,
    content: T,
}

/// The checkpoints of a run folder.
#[derive(Debug, Clone)]
pub struct CheckpointStore {
    folder: PathBuf,
    study: u32,
    spec: CheckpointSpec,
    /// Rank 0 writes and reads; the others learn from it what it has read.
    ranks: Ranks,
}

const KIND: [u8; 8] = *b"gf-check";
const KIND_OF_RESULTS: [u8; 8] = *b"gf-ended";
/// The version of both formats; version 1 is read too.
const VERSION: u32 = 2;
const EXTENSION: &str = "gfcheckpoint";

impl CheckpointStore {
    /// In `folder`, of the study in the file `study`.
    ///
    /// # Errors
    /// When the study cannot be read.
    pub fn new(folder: PathBuf, study: &Path, spec: CheckpointSpec) -> Result<Self, Report> {
        let text = std::fs::read(study).map_err(|error| misuse(format!("{}: {error}", study.display())))?;
        Ok(Self::of_text(folder, &text, spec))
    }

    /// In `folder`, of what `text` describes.
    pub(crate) fn of_text(folder: PathBuf, text: &[u8], spec: CheckpointSpec) -> Self {
        Self { folder, study: crc32fast::hash(text), spec, ranks: Ranks::default() }
    }

    /// For several ranks, of which the first has the folder.
    pub(crate) fn shared_by(self, ranks: &Ranks) -> Self {
        Self { ranks: ranks.clone(), ..self }
    }

    /// When checkpoints are written.
    pub(super) fn spec(&self) -> &CheckpointSpec {
        &self.spec
    }

    /// Saves `checkpoint` and removes the oldest ones.
    ///
    /// # Errors
    /// When it cannot be written; the earlier ones are then still there.
    pub(super) fn save(&self, of: &Task<'_>, checkpoint: &Checkpoint) -> Result<(), EnvelopeError> {
        if !self.ranks.is_first() {
            return Ok(());
        }
        let path = self.folder.join(format!("{}-{:012}.{EXTENSION}", of.stem(), checkpoint.start.step));
        self.write(&path, KIND, of, checkpoint)?;
        for old in self.all(of).into_iter().skip(self.spec.keep) {
            // One that stays is older than those that count.
            let _ = std::fs::remove_file(old);
        }
        Ok(())
    }

    /// The newest checkpoint that is sound; tells `warn` of those that are not.
    pub(super) fn newest(&self, of: &Task<'_>, mut warn: impl FnMut(String)) -> Option<Checkpoint> {
        let found = self.all(of).into_iter().find_map(|path| match self.read(&path, KIND, of) {
            Ok(checkpoint) => Some((path, checkpoint)),
            Err(message) => {
                warn(format!("{message}; going on from an earlier one, or from the start"));
                None
            }
        });
        self.shared(KIND, found)
    }

    /// On all ranks what rank 0 has found.
    fn shared<T: FirstVersion>(&self, kind: [u8; 8], found: Option<(PathBuf, T)>) -> Option<T> {
        if self.ranks.is_alone() {
            return found.map(|(_, content)| content);
        }
        let (path, content) = found.unzip();
        let bytes = path.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        let bytes = self.ranks.bytes_of_rank_0(bytes);
        match content {
            _ if bytes.is_empty() => None,
            Some(content) => Some(content),
            None => {
                let (found, _) = decode::<T>(Path::new("rank 0"), &bytes, kind).expect("rank 0 has read it");
                Some(found.content)
            }
        }
    }

    /// Saves what a task came to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn save_results(&self, of: &Task<'_>, results: &Done) -> Result<(), EnvelopeError> {
        if !self.ranks.is_first() {
            return Ok(());
        }
        self.write(&self.results(of), KIND_OF_RESULTS, of, results)?;
        for checkpoint in self.all(of) {
            let _ = std::fs::remove_file(checkpoint);
        }
        Ok(())
    }

    /// What a task came to, where it has ended; tells `warn` where that cannot be read.
    pub(super) fn ended(&self, of: &Task<'_>, warn: impl FnOnce(String)) -> Option<Done> {
        let path = self.results(of);
        let found = if self.ranks.is_first() && path.exists() {
            self.read(&path, KIND_OF_RESULTS, of).map_err(warn).ok().map(|done| (path, done))
        } else {
            None
        };
        self.shared(KIND_OF_RESULTS, found)
    }

    /// The file of what a task came to.
    pub(super) fn results(&self, of: &Task<'_>) -> PathBuf {
        self.folder.join(format!("{}.gfended", of.stem()))
    }

    /// The checkpoints of a task, newest first.
    fn all(&self, of: &Task<'_>) -> Vec<PathBuf> {
        let prefix = format!("{}-", of.stem());
        if !self.ranks.is_first() {
            return Vec::new();
        }
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Vec::new() };
        let step = |path: &PathBuf| -> Option<u64> {
            let name = path.file_name()?.to_str()?;
            // Digits only: `a-1-7` is a checkpoint of `a`, seed 1, not of `a-1`.
            name.strip_prefix(&prefix)?.strip_suffix(EXTENSION)?.strip_suffix('.')?.parse().ok()
        };
        let mut found: Vec<(u64, PathBuf)> =
            entries.flatten().filter_map(|entry| Some((step(&entry.path())?, entry.path()))).collect();
        found.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
        found.into_iter().map(|(_, path)| path).collect()
    }

    fn write<T: Serialize>(&self, path: &Path, kind: [u8; 8], of: &Task<'_>, content: &T) -> Result<(), EnvelopeError> {
        // Made when it is first needed; where it cannot be, writing says why.
        let _ = std::fs::create_dir_all(&self.folder);
        let name = of.name.to_owned();
        let labelled = Labelled { study: self.study, data: of.data, name, seed: of.seed, content };
        envelope::write(path, kind, VERSION, &labelled)
    }

    /// What is in a file of this study, this data and this task; a reason in words where it is not that.
    fn read<T: FirstVersion>(&self, path: &Path, kind: [u8; 8], of: &Task<'_>) -> Result<T, String> {
        let bytes = envelope::content(path);
        let (found, version) =
            bytes.and_then(|bytes| decode::<T>(path, &bytes, kind)).map_err(|error| error.to_string())?;
        let data = if version == 1 { (of.data_of_first_version)() } else { Some(of.data) };
        let reason = if found.study != self.study {
            "belongs to another study, or study.toml was changed since"
        } else if Some(found.data) != data {
            "belongs to other data: the samples have changed since"
        } else if (found.name.as_str(), found.seed) != (of.name, of.seed) {
            "belongs to another arm or seed"
        } else {
            return Ok(found.content);
        };
        Err(format!("{}: {reason}", path.display()))
    }
}

/// The content of a file of either version, and which.
fn decode<T: FirstVersion>(path: &Path, bytes: &[u8], kind: [u8; 8]) -> Result<(Labelled<T>, u32), EnvelopeError> {
    let opened = envelope::open(path, bytes, kind, 1..=VERSION)?;
    if opened.version() == VERSION {
        return Ok((opened.decode()?, VERSION));
    }
    let Labelled { study, data, name, seed, content } = opened.decode::<Labelled<T::Was>>()?;
    Ok((Labelled { study, data, name, seed, content: T::from(content) }, 1))
}

/// What a file belongs to.
pub(super) struct Task<'a> {
    /// The arm's name, or that of another task.
    pub(super) name: &'a str,
    pub(super) seed: u64,
    /// [`crate::study::Problem::fingerprint`] of its samples.
    pub(super) data: u32,
    /// What version 1 had in its place; none where that cannot be known.
    pub(super) data_of_first_version: &'a dyn Fn() -> Option<u32>,
}

impl Task<'_> {
    fn stem(&self) -> String {
        format!("{}-{}", self.name, self.seed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

    use gf_core::Streams;
    use gf_testing::CountingAllocator;
    use gf_testing::mutation::survive;
    use rand::Rng;

    use super::*;

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;

    fn checkpoint(step: u64) -> Checkpoint {
        let theta: Vec<f64> = (0..9).map(|k| (step as f64 + 0.1 * f64::from(k)).sin()).collect();
        let best = Some(Best { step, val_loss: 0.25, theta: theta.clone() });
        Checkpoint {
            start: Start { theta, step, time: 0.5, control: vec![1.0], ..Start::default() },
            history: Table::new(vec!["val_mae".into()], 0),
            best,
            watched: Watched {
                layers: Vec::new(),
                epochs: Vec::new(),
                flow: Some(None),
                spectrum: None,
                central_flow: None,
            },
            path: None,
        }
    }

    fn store(folder: &Path) -> CheckpointStore {
        CheckpointStore::of_text(folder.to_path_buf(), b"a study", CheckpointSpec::default())
    }

    const OF: Task<'static> = Task { name: "arm", seed: 3, data: 5, data_of_first_version: &|| None };

    /// Any 1,000 damages of the newest file: it is refused with a message that names it and the one before is taken, or it is what was saved.
    #[test]
    fn a_damaged_checkpoint_is_never_taken_for_a_sound_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        store.save(&OF, &checkpoint(20)).unwrap();
        store.save(&OF, &checkpoint(30)).unwrap();
        let newest = store.all(&OF).remove(0);
        let sound = std::fs::read(&newest).unwrap();
        let mut rng = Streams::new(11).data();
        let mut below = |limit: usize| (rng.next_u64() % limit as u64) as usize;
        for round in 0..1000 {
            let mut bytes = sound.clone();
            match round % 4 {
                0 => bytes[below(sound.len())] ^= 1 << below(8),
                1 => bytes.truncate(below(sound.len())),
                2 => bytes.insert(below(sound.len()), below(256) as u8),
                // A block of another place, or of zeros, as a disk may leave.
                _ => {
                    let (from, to, len) = (below(sound.len()), below(sound.len()), 1 + below(64));
                    for k in 0..len {
                        let byte = if round % 8 == 3 { 0 } else { sound[(from + k) % sound.len()] };
                        bytes[(to + k) % sound.len()] = byte;
                    }
                }
            }
            std::fs::write(&newest, &bytes).unwrap();
            let mut warnings = Vec::new();
            let found = store.newest(&OF, |message| warnings.push(message)).unwrap();
            if bytes == sound {
                assert_eq!((found.start.step, warnings.len()), (30, 0), "round {round}");
            } else {
                assert_eq!((found.start, found.best), (checkpoint(20).start, checkpoint(20).best), "round {round}");
                let names_it = warnings.len() == 1 && warnings[0].contains("arm-3-000000000030.gfcheckpoint");
                assert!(names_it, "round {round}: {warnings:?}");
            }
        }
    }

    /// As all readers of files are tested: see gf-utils, `tests/any_input.rs`.
    #[test]
    fn no_input_breaks_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        store.save(&OF, &checkpoint(20)).unwrap();
        let path = store.all(&OF).remove(0);
        let valid = std::fs::read(&path).unwrap();
        survive("checkpoints", 20_000, std::slice::from_ref(&valid), [40, 100_000], |bytes| {
            let found = decode::<Checkpoint>(&path, bytes, KIND);
            assert!(found.is_err() || bytes == valid, "a damaged checkpoint was read");
        });
        // Damage that keeps the checksum, as only another program leaves it, decodes or does not.
        let payload = valid[32..].to_vec();
        survive("checkpoint payload", 10_000, &[payload], [40, 1 << 21], |payload| {
            let mut bytes = valid[..20].to_vec();
            bytes.extend((payload.len() as u64).to_le_bytes());
            bytes.extend(crc32fast::hash(payload).to_le_bytes());
            bytes.extend(payload);
            let _ = decode::<Checkpoint>(&path, &bytes, KIND);
        });
    }

    #[test]
    fn the_checkpoints_of_others_are_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let warning = |of: &Task<'_>, store: &CheckpointStore| {
            let mut warnings = Vec::new();
            assert!(store.newest(of, |message| warnings.push(message)).is_none());
            warnings.join("\n")
        };
        store.save(&OF, &checkpoint(20)).unwrap();
        assert!(warning(&Task { data: 6, ..OF }, &store).contains("other data"));
        assert!(warning(&OF, &CheckpointStore { study: 8, ..store.clone() }).contains("another study"));
        std::fs::rename(store.all(&OF).remove(0), folder.path().join("b-3-000000000020.gfcheckpoint")).unwrap();
        assert!(warning(&Task { name: "b", ..OF }, &store).contains("another arm or seed"));
        // A file of another kind: the results of an arm.
        store.write(&folder.path().join("c-3-000000000020.gfcheckpoint"), KIND_OF_RESULTS, &OF, &1u8).unwrap();
        assert!(warning(&Task { name: "c", ..OF }, &store).contains("expected a file of kind"));
    }

    #[test]
    fn the_newest_are_kept_and_names_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let other = Task { name: "arm-3", seed: 1, ..OF };
        [10, 20, 30, 1_000_000_000_000].into_iter().for_each(|step| store.save(&OF, &checkpoint(step)).unwrap());
        store.save(&other, &checkpoint(40)).unwrap();
        let names: Vec<String> =
            store.all(&OF).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["arm-3-1000000000000.gfcheckpoint", "arm-3-000000000030.gfcheckpoint"]);
        assert_eq!(store.newest(&other, |warning| panic!("{warning}")).unwrap().start.step, 40);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named_and_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints");
        std::fs::write(&path, "a file in the folder's place").unwrap();
        let error = store(&path).save(&OF, &checkpoint(20)).unwrap_err().to_string();
        assert!(error.contains("checkpoints") && error.contains("cannot write"), "{error}");
    }
}
