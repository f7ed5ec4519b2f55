//! No text breaks the reading of a study: damaged studies and noise are refused or read, without a panic and without much memory.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use gf_cli::runner::NetworkEvaluator;
use gf_cli::study::{Document, Problem};
use gf_testing::mutation::survive;
use gf_testing::{CountingAllocator, peak_bytes};
use gf_utils::Evaluation;
use support::{Bench, DATA, STUDY};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn read(text: &str) {
    let mut document = Document::builtin("any.toml", text.to_owned());
    // Files are looked for where there are none.
    document.folder = "no-such-folder".into();
    match Problem::load_point(document) {
        Ok(problem) => assert!(problem.dim() > 0),
        // The report is drawn too, with the line that it points at.
        Err(error) => assert!(!format!("{error:?}").is_empty()),
    }
}

/// Studies whose data need no file, with every table.
fn studies() -> Vec<Vec<u8>> {
    let head = "[network]\ninput = 1\nlayers = [{ units = 4, activation = \"tanh\" }, { units = 4, activation = \"tanh\", skip = true }, \
                { units = 1, activation = \"identity\" }]\ninitialization = { scale = 0.1 }\n[loss]\nkind = \"huber\"\ndelta = 0.5\nl2 = 1e-3\n\
                [data]\nbuiltin = \"chebyshev\"\nscale = \"standardize\"\nscale_targets = \"min-max\"\n";
    let rest = "[validation]\nfraction = 0.25\nsort_by = 0\n[run]\nsteps = 8\nseeds = [0, 1]\nbatch = 3\nlast_batch = \"drop\"\nlayers_every = 2\n\
                loss_limit = 1e12\n[spectrum]\nevery = 5\ntop = 2\nbottom = 1\ntolerance = 1e-7\n[depth]\ndepths = [1, 2]\nwidth = 8\n\
                activations = [\"relu\"]\ninitializations = [\"he_normal\", { gain = 1.0 }]\n[first_steps]\nstarts = 2\nh = 0.5\n\
                [[arm]]\nname = \"a\"\nmethod.implicit = { h = [0.1, 0.2], solver = [\"minres\", \"lblt\"] }\ncontrol.armijo = { factor = 0.5 }\n\
                [[arm]]\nname = \"b\"\nmethod.lbfgs = { memory = 5 }\nsteps = 4\nloss = { kind = \"mse\" }\n\
                [[claim]]\ntext = \"t\"\ncheck.ahead = { leader = \"a\", follower = \"b\", steps = [1, 8], metric = \"val_mae\" }\n";
    let csv = "[network]\ninput = 2\nlayers = [{ units = 3, activation = \"identity\" }]\n[loss]\nkind = \"softmax_cross_entropy\"\n\
               label_smoothing = 0.1\nclass_weights = [1.0, 2.0, 3.0]\n[data]\ncsv = \"a.csv\"\ntarget = [-1]\nfeatures = [\"a\", 1]\nheader = true\n\
               delimiter = \",\"\nmissing = \"mean\"\n";
    let functions = [
        "[problem.rosenbrock]\ndim = 4\nstart = [1.0, 2.0, 3.0, 4.0]\n",
        "[problem.quadratic]\neigenvalues = [1.0, 2.0]\nrotated = true\n[[arm]]\nname = \"a\"\nmethod.rkc2 = { h = 0.1, stages = 10 }\nstart = [[1.0, 2.0], [3.0, 4.0]]\n",
        "[problem.nist]\nname = \"Misra1a\"\nfrom = 1\n",
        "[problem.quartic]\nstart = [1.0]\n[basins]\nx = [0.0, 1.0]\ny = [0.0, 1.0]\ngrid = 3\nsteps = 10\n",
    ];
    let whole = [format!("name = \"any\"\n{head}{rest}"), head.to_owned(), csv.to_owned(), STUDY.to_owned()];
    let iris = "[network]\ninput = 4\nlayers = [{ units = 3, activation = \"identity\" }]\n[loss]\nkind = \"focal\"\ngamma = 2.0\n[data]\nbuiltin = \"iris\"\n";
    whole.into_iter().chain(functions.map(str::to_owned)).chain([iris.to_owned()]).map(String::into_bytes).collect()
}

#[test]
fn studies_that_nobody_wrote() {
    for study in studies() {
        read(&String::from_utf8(study).unwrap());
    }
    // A key becomes a table of its own, and the text stands in every error; the constant is for iris, decompressed.
    survive("study", 10_000, &studies(), [1000, 2_000_000], |bytes| read(&String::from_utf8_lossy(bytes)));
}

#[test]
fn an_evaluation_with_scaled_targets_allocates_nothing() {
    let text = String::from_utf8(studies()[1].clone()).unwrap();
    let problem = Problem::load_point(Document::builtin("any.toml", text)).unwrap();
    let data = problem.data(0).unwrap();
    assert!(data.scaling.as_ref().is_some_and(|scaling| scaling.targets.is_some()));
    let mut evaluator = NetworkEvaluator::new(&problem, &data).unwrap();
    let theta = problem.start(0, None);
    let mut out = Evaluation { train_loss: 0.0, val_loss: 0.0, metrics: vec![0.0; problem.metric_names().len()] };
    evaluator.evaluate(&theta, &mut out);
    let (first, ((), bytes)) = (out.clone(), peak_bytes(|| evaluator.evaluate(&theta, &mut out)));
    assert_eq!((bytes, &out), (0, &first));
}

#[test]
fn tables_nested_too_deep_are_refused() {
    let deep = [
        format!("x = {}", "[".repeat(100_000)),
        format!("x = {}", "{ a = ".repeat(100_000)),
        format!("[{}x]", "a.".repeat(100_000)),
    ];
    for text in deep {
        read(&text);
    }
}

#[test]
fn sizes_beyond_any_machine_are_errors_before_anything_is_allocated() {
    let huge = "1000000000000";
    let with = |from: &str, to: &str| {
        assert!(STUDY.contains(from));
        STUDY.replace(from, to)
    };
    let cases = [
        (with("units = 4", &format!("units = {huge}")), "network"),
        (with("units = 4", "units = 9223372036854775807"), "more than 2^48 parameters"),
        (with("input = 1", "input = 9223372036854775807"), "more than 2^48 parameters"),
        (with("steps = 8", "steps = 9223372036854775807"), "run.steps: expected 1 to 10^12"),
        (
            with("method.newton = { damping = 1e-2 }", &format!("method.lbfgs = {{ memory = {huge} }}")),
            "lbfgs.memory: expected 1 to 1000",
        ),
        (
            with("method.newton = { damping = 1e-2 }", "method.rkc2 = { stages = 4294967295 }"),
            "rkc2.stages: expected 2 to 1000",
        ),
        (format!("{STUDY}steps = 9223372036854775807\n"), "arm.2.steps: expected 1 to 10^12"),
        (format!("{STUDY}[first_steps]\nstarts = {huge}\nh = 0.5\n"), "first_steps.starts: expected at most 100000"),
        (format!("{STUDY}[spectrum]\ntop = {huge}\n"), "spectrum.top"),
        (format!("{STUDY}[spectrum]\ntrace_probes = {huge}\n"), "spectrum.trace_probes: expected at most 1000000"),
        (
            format!(
                "{STUDY}[depth]\ndepths = [1000]\nwidth = 4096\nactivations = [\"relu\"]\ninitializations = [\"auto\"]\n"
            ),
            "depth.depths: expected at most 134217728 weights",
        ),
        (
            format!(
                "{STUDY}[depth]\ndepths = [{huge}]\nwidth = 4\nactivations = [\"relu\"]\ninitializations = [\"auto\"]\n"
            ),
            "depth.depths",
        ),
        (format!("[problem.rosenbrock]\ndim = {huge}\n"), "problem.rosenbrock.dim: expected at most 4096"),
        (
            with(
                "{ damping = 1e-2 }",
                &format!("{{ damping = {0:?}, max_products = {0:?}, tolerance = {0:?} }}", vec![1; 100]),
            ),
            "arm.2: expected lists that stand for at most 10000 arms",
        ),
    ];
    for (study, piece) in cases {
        let bench = Bench::new();
        bench.write("data.csv", DATA).write("study.toml", &study);
        let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
        assert!(err.contains(piece) && !err.contains("panicked"), "{piece} in {err}");
        assert_eq!(bench.files(), ["data.csv", "study.toml"]);
    }
    // Batches beyond the data are the data.
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", &with("batch = 3", "batch = 9223372036854775807"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
}
