//! The loop of a worker: requests as JSON lines in, replies as JSON lines out. `peers/protocol.py` is the same for the Python peers.
//!
//! | request | reply |
//! |---|---|
//! | `{"command": "load", "case": "A"}` (`A` to `E`, `original`, `machine`) | `versions`, and `operations`: the variants of each, with counted `flops` |
//! | `{"command": "prepare", "operation": …, "variant": …, "save": FILE}` | seconds of the `first` and the `second` call, model `flops`, the `residual` and the `work` of a step or of eigenpairs |
//! | `{"command": "time", "operation": …, "variant": …, "warm_up": 1, "calls": 7}` | `seconds` of each call |
//! | `{"command": "quit"}` | none |
//!
//! Every reply has `ok`; where it is false, `error` says why, and the worker goes on.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gf_core::Work;
use gf_spectrum::Eigenpairs;
use gf_utils::npy::write_npy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cases::read_below;
use crate::operations::{counted_flops, timed};
use crate::rate::matrix_multiplication_of;
use crate::{Bench, Case, CaseName, Operation, Original, OriginalMethod};

/// Steps of a run of the original experiment, whose time is given per step, unless a request says otherwise.
const ORIGINAL_STEPS: u64 = 10;
/// The time between a request and the first call, the same for all systems.
const SETTLE: Duration = Duration::from_millis(5);
/// The order of the matrices whose product gives the machine's rate.
const RATE_ORDER: usize = 2048;
/// The operation of the case `machine`.
const MATRIX_MULTIPLICATION: &str = "matrix-multiplication";
/// gf has one variant of everything.
const VARIANT: &str = "gf";

/// Where a worker takes its numbers from.
#[derive(Debug, Clone)]
pub enum Inputs {
    /// The folder that `peers/cases.py` filled.
    Folder(PathBuf),
    /// [`Case::synthetic`] and [`Original::synthetic`].
    Synthetic,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
enum Request {
    Load {
        case: String,
        #[serde(default = "original_steps")]
        steps: u64,
    },
    Prepare {
        operation: String,
        #[serde(default)]
        save: Option<PathBuf>,
    },
    Time {
        operation: String,
        warm_up: usize,
        calls: usize,
    },
    Quit,
}

fn original_steps() -> u64 {
    ORIGINAL_STEPS
}

/// An operation that a loaded case offers.
#[derive(Debug, Serialize)]
struct Offer {
    variants: [&'static str; 1],
    flops: Option<f64>,
}

/// Answers requests until `quit` or the end of the input.
///
/// # Errors
/// Input or output that broke. What goes wrong with a request is a reply.
pub fn serve(inputs: &Inputs, requests: impl BufRead, mut replies: impl Write) -> Result<()> {
    let mut loaded = Loaded::Nothing;
    for line in requests.lines() {
        let line = line.context("reading a request")?;
        let reply = match serde_json::from_str(&line) {
            Ok(Request::Quit) => return Ok(()),
            Ok(request) => answer(inputs, &mut loaded, request),
            Err(error) => Err(anyhow::anyhow!("not a request: {error}: {line}")),
        };
        let reply = reply.unwrap_or_else(|error| json!({ "ok": false, "error": format!("{error:#}") }));
        writeln!(replies, "{reply}").and_then(|()| replies.flush()).context("writing a reply")?;
    }
    Ok(())
}

fn answer(inputs: &Inputs, loaded: &mut Loaded, request: Request) -> Result<Value> {
    match request {
        Request::Load { case, steps } => {
            *loaded = Loaded::Nothing;
            *loaded = Loaded::new(inputs, &case, steps)?;
            let operations: BTreeMap<&str, Offer> = loaded
                .operations()?
                .into_iter()
                .map(|(name, flops)| (name, Offer { variants: [VARIANT], flops }))
                .collect();
            let versions = json!({ "gf": env!("CARGO_PKG_VERSION") });
            Ok(json!({
                "ok": true, "system": "gf", "versions": versions, "operations": operations,
                "threads": rayon::current_num_threads(),
            }))
        }
        Request::Prepare { operation, save } => loaded.prepare(&operation, save.as_deref()),
        Request::Time { operation, warm_up, calls } => {
            // Who asked falls asleep meanwhile, and its processor is free for a second thread when that wakes up.
            std::thread::sleep(SETTLE);
            Ok(json!({ "ok": true, "seconds": loaded.seconds(&operation, warm_up, calls)? }))
        }
        Request::Quit => Ok(Value::Null),
    }
}

/// What is being measured.
enum Loaded {
    Nothing,
    Case(Box<Bench>),
    Original(Box<Original>, u64),
    Machine,
}

impl Loaded {
    fn new(inputs: &Inputs, case: &str, steps: u64) -> Result<Self> {
        Ok(match (case, inputs) {
            ("machine", _) => Self::Machine,
            ("original", Inputs::Folder(folder)) => {
                Self::Original(Box::new(Original::read(&folder.join("original"))?), steps.max(1))
            }
            ("original", Inputs::Synthetic) => Self::Original(Box::new(Original::synthetic()?), steps.max(1)),
            (letter, inputs) => {
                let name = CaseName::from_letter(letter)
                    .with_context(|| format!("expected a case A to E, original or machine, found {letter:?}"))?;
                let case = match inputs {
                    Inputs::Folder(folder) => read_below(folder, name)?,
                    Inputs::Synthetic => Case::synthetic(name),
                };
                Self::Case(Box::new(Bench::new(case)?))
            }
        })
    }

    /// Names with counted flops.
    fn operations(&self) -> Result<Vec<(&'static str, Option<f64>)>> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Case(bench) => bench
                .operations()
                .map(|operation| Ok((operation.name(), counted_flops(bench.case(), operation)?)))
                .collect(),
            Self::Original(..) => Ok(OriginalMethod::ALL.map(|method| (method.name(), None)).to_vec()),
            Self::Machine => Ok(vec![(MATRIX_MULTIPLICATION, Some(2.0 * (RATE_ORDER as f64).powi(3)))]),
        }
    }

    /// The first two calls; the result of the operation at the inputs themselves goes to `save`.
    fn prepare(&mut self, operation: &str, save: Option<&Path>) -> Result<Value> {
        let first = self.seconds(operation, 0, 1)?[0];
        let second = self.seconds(operation, 0, 1)?[0];
        let mut reply = json!({ "ok": true, "first": first, "second": second });
        let result = match self {
            Self::Case(bench) => {
                let operation = case_operation(operation)?;
                let result = bench.result(operation)?;
                reply["residual"] = json!(bench.residual(operation, &result)?);
                reply["flops"] = json!(bench.model_flops(operation));
                reply["work"] = match operation {
                    Operation::TopEigenpairs => json!(bench.eigenpairs().map(products)),
                    _ => json!(bench.work(operation).map(counts)),
                };
                result
            }
            Self::Original(original, steps) => {
                let result = original.run(original_method(operation)?, *steps)?;
                reply["validation_error"] = json!(original.validation_error());
                reply["work"] = counts(original.work());
                result
            }
            Self::Nothing | Self::Machine => return Ok(reply),
        };
        if let Some(path) = save {
            write_npy(path, &[result.len()], &result)?;
        }
        Ok(reply)
    }

    fn seconds(&mut self, operation: &str, warm_up: usize, calls: usize) -> Result<Vec<f64>> {
        match self {
            Self::Nothing => bail!("no case is loaded"),
            Self::Case(bench) => bench.seconds(case_operation(operation)?, warm_up, calls),
            Self::Original(original, steps) => {
                let (method, steps) = (original_method(operation)?, *steps);
                let seconds = timed(warm_up, calls, || original.run(method, steps).map(drop))?;
                Ok(seconds.into_iter().map(|run| run / steps as f64).collect())
            }
            Self::Machine if operation == MATRIX_MULTIPLICATION => {
                let flops = 2.0 * (RATE_ORDER as f64).powi(3);
                let once = || flops / (matrix_multiplication_of(RATE_ORDER, rayon::current_num_threads(), 1) * 1e9);
                Ok((0..calls).map(|_| once()).collect())
            }
            Self::Machine => bail!("the machine has no operation {operation:?}"),
        }
    }
}

/// What a step, or a run of several, asked of the objective.
fn counts(work: Work) -> Value {
    json!({ "gradients": work.gradients, "products": work.products, "factorizations": work.factorizations })
}

/// What eigenpairs took: products of the process, and those that measured the residuals.
fn products(found: &Eigenpairs) -> Value {
    json!({ "products": found.products, "checks": found.checks })
}

fn case_operation(name: &str) -> Result<Operation> {
    Operation::from_name(name).with_context(|| format!("no operation {name:?}"))
}

fn original_method(name: &str) -> Result<OriginalMethod> {
    OriginalMethod::from_name(name).with_context(|| format!("the original has no operation {name:?}"))
}
