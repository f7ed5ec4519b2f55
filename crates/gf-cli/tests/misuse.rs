//! Bad input: one clear error that names file, key, expected and found; exit code 2; nothing written.

#![allow(clippy::unwrap_used, reason = "a test that unwraps an error fails, as it should")]

mod support;

use gf_utils::npy::write_npy;
use support::{Bench, DATA, STUDY};

/// Runs the study with a text replaced; expects each piece in the error, and that no file appeared.
fn refuse(from: &str, to: &str, pieces: &[&str]) {
    assert!(STUDY.contains(from), "{from}");
    refuse_study(&STUDY.replace(from, to), DATA, pieces);
}

fn refuse_study(study: &str, data: &str, pieces: &[&str]) {
    let bench = Bench::new();
    bench.write("data.csv", data).write("study.toml", study);
    let before = bench.files();
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
    for piece in pieces {
        assert!(err.contains(piece), "expected '{piece}' in:\n{err}");
    }
    assert!(!err.contains("panicked"), "{err}");
    assert_eq!(bench.files(), before, "nothing may be written");
}

#[test]
fn unknown_names_come_with_a_suggestion() {
    refuse("kind = \"mse\"", "kind = \"mae\"", &["study.toml", "unknown variant `mae`", "did you mean `mse`"]);
    refuse("steps = 8", "stepps = 8", &["unknown field `stepps`", "did you mean `steps`"]);
    refuse("method.implicit", "method.implict", &["unknown variant `implict`", "did you mean `implicit`"]);
    refuse("\"tanh\"", "\"tahn\"", &["tahn", "tanh"]);
    refuse("{ damping = 1e-2 }", "{ dampning = 1e-2 }", &["unknown field `dampning`", "did you mean `damping`"]);
    let (_, err) = Bench::new().expect(2, &["experiment", "convergense"]);
    assert!(err.contains("did you mean \"convergence\""), "{err}");
}

#[test]
fn numbers_out_of_range_name_key_expected_and_found() {
    let positive = "expected a positive number, found";
    refuse(
        "method.explicit = { h = 0.1 }",
        "method.explicit = { h = 0.0 }",
        &["arm.0.method.explicit.h", positive, "0"],
    );
    refuse("{ h = 0.5 }", "{ h = -0.5 }", &["arm.1.method.implicit.h", positive, "-0.5"]);
    refuse("{ h = 0.5 }", "{ h = nan }", &["arm.1.method.implicit.h", positive, "NaN"]);
    refuse("steps = 8", "steps = 0", &["run.steps", "1 to 10^12, found 0"]);
    refuse("steps = 8", "steps = -3", &["study.toml", "-3"]);
    refuse("steps = 8", "steps = 8\nwall_time = 0", &["run.wall_time", "expected a positive number, found 0"]);
    refuse("seeds = [0, 1]", "seeds = [1, 1]", &["run.seeds", "different seeds", "[1, 1]"]);
    refuse("seeds = [0, 1]", "seeds = []", &["run.seeds", "at least one"]);
    refuse("batch = 3", "batch = 0", &["run.batch", "at least 1, found 0"]);
    refuse("fraction = 0.25", "fraction = 1.5", &["validation.fraction", "1.5"]);
    refuse("units = 4", "units = 0", &["network", "layer 1"]);
    refuse("name = \"implicit\"", "name = \"explicit\"", &["arm.1.name", "is taken"]);
    refuse("name = \"implicit\"", "name = \"im/plicit\"", &["arm.1.name", "file names"]);
    refuse(
        "{ damping = 1e-2 }",
        "{ damping = 1e-2 }\ncontrol.armijo = { factor = 2.0 }",
        &["arm.2.control.armijo.factor", "between 0 and 1, found 2"],
    );
}

#[test]
fn wrong_types_are_named_as_in_toml() {
    refuse(
        "steps = 8",
        "steps = \"many\"",
        &["study.toml:14", "expected a whole number from 0, found string \"many\""],
    );
    refuse("steps = 8", "steps = -3", &["expected a whole number from 0, found integer `-3`"]);
    refuse("{ h = 0.5 }", "{ h = \"0.5\" }", &["expected a number, found string \"0.5\""]);
    refuse("{ h = 0.5 }", "3", &["expected a table, found integer `3`"]);
    refuse("seeds = [0, 1]", "seeds = 1", &["expected a list, found integer `1`"]);
    refuse("kind = \"mse\"", "kind = 3", &["expected a name or a table of settings"]);
    refuse("csv = \"data.csv\"", "csv = 3", &["expected text in quotes, found integer `3`"]);
    refuse("name = \"tiny\"", "name = \"tiny\"\ntitle = 3", &["expected text in quotes, found integer `3`"]);
    refuse("steps = 8", "monitor = \"a, expected b\"", &["found string \"a, expected b\""]);
}

#[test]
fn names_that_no_file_can_have_are_refused_before_anything_runs() {
    let long = "x".repeat(129);
    let expected = "expected 1 to 128 letters";
    refuse("name = \"tiny\"", &format!("name = \"{long}\""), &["study.toml:2", expected, "of a folder"]);
    refuse("name = \"implicit\"", &format!("name = \"{long}\""), &["arm.1.name", expected, "of file names"]);
    let bench = Bench::new();
    let longest = STUDY.replace("name = \"implicit\"", &format!("name = \"{}\"", "x".repeat(128)));
    bench.write("data.csv", DATA).write("study.toml", &longest);
    bench.expect(
        0,
        &[
            "run",
            "study.toml",
            "--quiet",
            "--no-report",
            "--set",
            "checkpoint.every=1",
            "--seed",
            "9223372036854775807",
        ],
    );
}

#[test]
fn lengths_intervals_and_early_stopping_are_checked() {
    refuse("steps = 8", "epochs = 0", &["run.epochs", "1 to 10^12, found 0", "study.toml:14"]);
    refuse("steps = 8", "evaluate_every = 0", &["run.evaluate_every", "at least 1, found 0"]);
    refuse("steps = 8", "evaluate_every = { epochs = 0 }", &["run.evaluate_every", "at least 1, found 0"]);
    let spellings = "expected a number of steps, \"epoch\", or { epochs = n }";
    refuse("steps = 8", "evaluate_every = \"epochs\"", &["study.toml:14", spellings]);
    refuse("steps = 8", "layers_every = -1", &[spellings]);
    refuse("name = \"implicit\"", "name = \"implicit\"\nepochs = 0", &["arm.1.epochs", "1 to 10^12, found 0"]);
    refuse("name = \"implicit\"", "name = \"implicit\"\nsteps = 0", &["arm.1.steps", "1 to 10^12, found 0"]);
    let early = |keys: &str| format!("early_stopping = {{ {keys} }}\nsteps = 8");
    let of = |key: &str| format!("run.early_stopping.{key}");
    refuse("steps = 8", &early("patience = 0"), &[&of("patience"), "at least 1 evaluation, found 0"]);
    refuse("steps = 8", &early("min_delta = -0.1"), &[&of("min_delta"), "0 or more, found -0.1"]);
    refuse("steps = 8", &early("min_delta = nan"), &[&of("min_delta"), "found NaN"]);
    refuse("steps = 8", &early("patiense = 3"), &["unknown field `patiense`", "did you mean `patience`"]);
}

#[test]
fn an_option_of_another_loss_is_an_error_at_its_line() {
    refuse(
        "kind = \"mse\"",
        "kind = \"mse\"\npos_weight = 2.0",
        &["loss.pos_weight", "does not belong to the loss \"mse\"", "study.toml:8"],
    );
    refuse("kind = \"mse\"", "kind = \"mse\"\nlabel_smoothing = 0.1", &["loss.label_smoothing"]);
    refuse("kind = \"mse\"", "kind = \"bce_with_logits\"\npos_weight = -1.0", &["loss.pos_weight", "above 0", "-1"]);
}

/// A classifier of the digits in the place of the study's network.
fn digits(network: &str, loss: &str, arm: &str) -> String {
    format!(
        "[network]\ninput = 64\nlayers = [{network}]\n[loss]\n{loss}\n[data]\nbuiltin = \"digits\"\n[run]\nsteps = 2\nbatch = 64\n\
         [[arm]]\nname = \"a\"\nmethod.explicit = {{ h = 0.1 }}\n{arm}\n"
    )
}

#[test]
fn settings_of_losses_are_checked_at_their_keys() {
    let kind = |kind: &str, pieces: &[&str]| refuse("kind = \"mse\"", kind, pieces);
    let foreign = "does not belong to the loss";
    kind("kind = \"mse\"\ndelta = 1.0", &["loss.delta", foreign, "study.toml:8"]);
    kind("kind = \"huber\"\ngamma = 1.0", &["loss.gamma", foreign, "\"huber\""]);
    kind("kind = \"huber\"\ndelta = 0.0", &["loss.delta", "above 0", "0"]);
    kind("kind = \"focal\"", &["loss.kind", "focal needs at least 2 outputs, the network has 1"]);
    kind("kind = \"mse\"\nreduction = \"total\"", &["unknown variant `total`", "mean", "sum"]);
    kind("kind = \"mse\"\nl2 = -1.0", &["loss.l2", "at least 0"]);
    let linear = "{ units = 10, activation = \"identity\" }";
    let negative = digits(linear, "kind = \"focal\"\ngamma = -2.0", "");
    refuse_study(&negative, DATA, &["loss.gamma", "gamma is -2; expected a finite number of at least 0"]);
}

#[test]
fn a_sigmoid_before_a_loss_of_logits_is_refused_with_the_reason() {
    let sigmoid = "{ units = 16, activation = \"tanh\" }, { units = 10, activation = \"sigmoid\" }";
    for loss in ["bce_with_logits", "softmax_cross_entropy", "focal"] {
        let reason = format!("layer 2 ends in sigmoid, and {loss} makes probabilities of the outputs itself");
        let study = digits(sigmoid, &format!("kind = \"{loss}\""), "");
        refuse_study(&study, DATA, &["loss.kind", &reason, "activation = \"identity\" in layer 2"]);
    }
}

#[test]
fn losses_and_outputs_of_arms_are_checked_like_those_of_the_study() {
    let linear = "{ units = 10, activation = \"identity\" }";
    let arm = |keys: &str, pieces: &[&str]| {
        refuse_study(&digits(linear, "kind = \"softmax_cross_entropy\"", keys), DATA, pieces);
    };
    arm("output = \"sigmoid\"", &["arm.0.output", "layer 1 ends in sigmoid, and softmax_cross_entropy"]);
    arm("loss = { kind = \"mse\", gamma = 1.0 }", &["arm.0.loss.gamma", "does not belong to the loss \"mse\""]);
    arm("loss = { kind = \"focal\", gamma = nan }", &["arm.0.loss.gamma", "gamma is NaN"]);
    arm("loss = { kind = \"mse\", l2 = inf }", &["arm.0.loss.l2", "l2 is inf"]);
    arm("loss = { kid = \"mse\" }", &["unknown field `kid`", "did you mean `kind`"]);
    let binary = STUDY.replace("name = \"explicit\"", "name = \"explicit\"\nloss = { kind = \"bce_with_logits\" }");
    let far = DATA.replace("-1,1\n", "-1,7\n").replace("\n1,1\n", "\n1,7\n");
    refuse_study(&binary, &far, &["arm.0.loss.kind", "bce_with_logits needs targets from 0 to 1"]);
    let function = "[problem.rosenbrock]\n[run]\nsteps = 2\n[[arm]]\nname = \"a\"\nmethod.explicit = { h = 1e-4 }\n";
    let with = |key: &str| format!("{function}{key}\n");
    refuse_study(&with("loss = { kind = \"mse\" }"), DATA, &["arm.0.loss", "only networks have it"]);
    refuse_study(&with("output = \"tanh\""), DATA, &["arm.0.output", "only networks have it"]);
}

#[test]
fn data_faults_name_file_line_and_column() {
    let data = |text: &str, pieces: &[&str]| refuse_study(STUDY, text, pieces);
    data("x,y\n1,2\n3\n", &["data.csv", "line 3"]);
    data("x,y\n1,2\n3,oops\n", &["data.csv", "line 3", "column", "y", "oops"]);
    data("x,y\n1,2\n3,NaN\n", &["data.csv", "line 3", "y", "NaN"]);
    data("x,z\n1,2\n", &["data.csv", "y", "z"]);
    data("", &["data.csv"]);
    refuse("csv = \"data.csv\"", "csv = \"missing.csv\"", &["missing.csv"]);
    refuse("target = [\"y\"]", "target = [\"yy\"]", &["data.csv", "yy", "y"]);
    refuse("target = [\"y\"]", "", &["data", "target"]);
    refuse("target = [\"y\"]", "target = [2]", &["data.csv", "no column 2", "expected -2 to 1"]);
    refuse("target = [\"y\"]", "target = [0.5]", &["expected the name of a column in quotes, or its number"]);
    refuse("target = [\"y\"]", "target = [\"y\"]\nheader = false", &["column \"y\" is asked for by name", "no header"]);
    refuse("target = [\"y\"]", "target = [\"y\"]\ndelimiter = \";\"", &["data.csv", "separated by ';', found ','"]);
    refuse("target = [\"y\"]", "target = [\"y\"]\ndelimiter = \"é\"", &["data.delimiter", "ASCII", "é"]);
    refuse("target = [\"y\"]", "target = [\"y\"]\ndelimiter = \"\\n\"", &["data.delimiter", "no line end"]);
    data(
        "x,y\n1,2\n,3\n",
        &["data.csv", "line 3", "column \"x\"", "missing values: 1, in 1 of 2 rows", "leaves such rows out"],
    );
    let dropped = STUDY.replace("target = [\"y\"]", "target = [\"y\"]\nmissing = \"drop-rows\"");
    refuse_study(
        &dropped,
        "x,y\n1,\n,3\n",
        &["data.missing", "data.csv: each of 2 rows misses a value", "leaves none"],
    );
    data("x,y\n1,2\n", &["1 sample with a validation share of 0.25: 1 to train and 0 to validate"]);
    refuse("csv = \"data.csv\"", "x = \"data.csv\"", &["data.target", "belongs to csv"]);
    refuse(
        "csv = \"data.csv\"\ntarget = [\"y\"]",
        "x = \"data.csv\"\ny = \"data.csv\"",
        &["data.csv: expected an array, .npy", "IDX", "found [78, 2c, 79"],
    );
    refuse("input = 1", "input = 2", &["network.input", "2", "1"]);
    refuse(
        "units = 1, activation = \"identity\"",
        "units = 2, activation = \"identity\"",
        &["network.layers", "2", "1"],
    );
    let binary = STUDY.replace("\"mse\"", "\"bce_with_logits\"");
    let place = "bce_with_logits needs targets from 0 to 1: sample 1 (from 0) of 3, target 0, is 2";
    refuse_study(&binary, "x,y\n1,0\n2,2\n3,1\n", &["study.toml:8", place]);
    let same = "data: expected at least two classes, found the same one in every row";
    refuse_study(&binary, "x,y\n1,red\n2,red\n3,red\n", &[same]);
    let classes = STUDY.replace("\"mse\"", "\"focal\"").replace("units = 1", "units = 2");
    refuse_study(&classes, "x,y\n1,1\n2,1\n3,1\n", &[same]);
    let (_, err) = Bench::new().expect(2, &["run", "nowhere.toml"]);
    assert!(err.contains("nowhere.toml: cannot read"), "{err}");
}

#[test]
fn what_has_no_scale_is_refused() {
    let scaled = "target = [\"y\"]\nscale_targets = \"min-max\"";
    let logistic = STUDY.replace("target = [\"y\"]", scaled).replace("kind = \"mse\"", "kind = \"bce_with_logits\"");
    refuse_study(&logistic, DATA, &["data.scale_targets", "the targets are classes, which have no scale"]);
    let digits = digits("{ units = 10, activation = \"identity\" }", "kind = \"mse\"", "")
        .replace("builtin = \"digits\"", "builtin = \"digits\"\nscale_targets = \"standardize\"");
    refuse_study(&digits, DATA, &["data.scale_targets", "the targets are classes"]);
    refuse("target = [\"y\"]", "target = [\"y\"]\nscale = \"minmax\"", &["unknown variant `minmax`", "min-max"]);
    refuse("batch = 3", "batch = 3\nlast_batch = \"ignore\"", &["unknown variant `ignore`", "drop"]);
    refuse("target = [\"y\"]", "target = [\"y\"]\nstandardize = true", &["unknown field `standardize`", "`scale`"]);
}

#[test]
fn a_dense_matrix_that_cannot_fit_is_refused_before_anything_runs() {
    let large = STUDY.replace("units = 4", "units = 2000000");
    let bytes = "expected a dense matrix that fits in memory, found 6000001 parameters";
    refuse_study(&large, DATA, &["arm.2.method.newton", bytes, "solver = \"minres\""]);
}

#[test]
fn claims_about_unknown_arms_are_refused() {
    let claim = "\n[[claim]]\ntext = \"t\"\ncheck.power_law = { arm = \"newtn\", exponent = 1.0, steps = [1, 8], metric = \"val_mae\" }\n";
    refuse_study(&format!("{STUDY}{claim}"), DATA, &["claim.0.check", "no arm has the name \"newtn\"", "newton"]);
}

#[test]
fn claims_about_unknown_metrics_and_backward_windows_are_refused_before_anything_runs() {
    let claim = |check: &str| format!("{STUDY}\n[[claim]]\ntext = \"t\"\ncheck.{check}\n");
    let law = "power_law = { arm = \"newton\", exponent = 1.0, steps = [1, 8], metric = \"val_accuracy\" }";
    refuse_study(&claim(law), DATA, &["claim.0.check", "val_mae", "found \"val_accuracy\""]);
    let backward = "power_law = { arm = \"newton\", exponent = 1.0, steps = [8, 1], metric = \"val_mae\" }";
    refuse_study(&claim(backward), DATA, &["claim.0.check", "[first, last]", "[8, 1]"]);
    refuse("name = \"tiny\"", "name = \"../tiny\"", &["name", "that of a folder", "../tiny"]);
    let level = "reaches = { arm = \"newton\", level = nan, metric = \"val_mae\" }";
    refuse_study(&claim(level), DATA, &["claim.0.check", "expected a level that is a number"]);
    let metric = "reaches = { arm = \"newton\", level = 0.9, metric = \"val_accuracy\" }";
    refuse_study(&claim(metric), DATA, &["claim.0.check", "val_mae", "found \"val_accuracy\""]);
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", STUDY);
    std::fs::create_dir(bench.path("out")).unwrap();
    bench.write("out/precious.txt", "kept");
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
    assert!(err.contains("--out out") && err.contains("in use"), "{err}");
    assert_eq!(bench.read("out/precious.txt"), "kept");
    assert_eq!(bench.files(), ["data.csv", "out/precious.txt", "study.toml"]);
}

#[test]
fn flags_are_checked() {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", STUDY);
    for (flags, piece) in [
        (["--threads", "0"], "--threads"),
        (["--set", "run.steps"], "no '='"),
        (["--set", "=3"], "an empty key"),
        (["--set", "run..steps=3"], "an empty key"),
        (["--set", "run.steps.x=3"], "inside a plain value"),
        (["--set", "arm.9.name=x"], "index below 3"),
        (["--set", "run.stepps=3"], "stepps"),
    ] {
        let arguments: Vec<&str> = ["run", "study.toml", "--quiet"].into_iter().chain(flags).collect();
        let (_, err) = bench.expect(2, &arguments);
        assert!(err.contains(piece), "{piece} in {err}");
    }
    for command in ["schedule", "lr-range"] {
        let (_, err) = bench.expect(2, &[command, "study.toml", "--figure", "sizes.png"]);
        assert!(err.contains("--figure") && err.contains("expected a file that ends in .svg"), "{err}");
        let (_, err) = bench.expect(2, &[command, "study.toml", "--figure", "nowhere/sizes.svg"]);
        assert!(err.contains("found no folder nowhere"), "{err}");
    }
    bench.expect(2, &["run"]);
    bench.expect(2, &["dance"]);
    bench.write("empty.toml", &STUDY[..STUDY.find("[[arm]]").unwrap()]);
    let (_, err) = bench.expect(2, &["run", "empty.toml"]);
    assert!(err.contains("[[arm]]"), "{err}");
    assert!(!bench.path("runs").exists());
}

#[test]
fn eval_checks_its_arrays_and_steps() {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", STUDY);
    write_npy(&bench.path("short.npy"), &[12], &[0.1; 12]).unwrap();
    write_npy(&bench.path("matrix.npy"), &[13, 1], &[0.1; 13]).unwrap();
    write_npy(&bench.path("theta.npy"), &[13], &[0.1; 13]).unwrap();
    let mut nan = [0.1; 13];
    nan[4] = f64::NAN;
    write_npy(&bench.path("nan.npy"), &[13], &nan).unwrap();
    bench.write("text.npy", "no array");
    let before = bench.files();
    for (arguments, pieces) in [
        (vec!["--theta", "short.npy"], vec!["short.npy", "expected a vector of 13 numbers", "[12]"]),
        (vec!["--theta", "matrix.npy"], vec!["[13, 1]"]),
        (vec!["--theta", "nan.npy"], vec!["nan.npy", "NaN", "index 4"]),
        (vec!["--theta", "text.npy"], vec!["text.npy"]),
        (vec!["--theta", "none.npy"], vec!["none.npy", "cannot read"]),
        (vec!["--theta", "theta.npy", "--step", "implict:h=1", "s.npy"], vec!["implict", "did you mean `implicit`"]),
        (vec!["--theta", "theta.npy", "--step", "implicit:h=0", "s.npy"], vec!["implicit.h", "positive", "found 0"]),
        (vec!["--theta", "theta.npy", "--step", "implicit:h", "s.npy"], vec!["without '='"]),
        (vec!["--theta", "theta.npy", "--hvp", "short.npy", "hv.npy"], vec!["--hvp", "short.npy", "13"]),
    ] {
        let arguments: Vec<&str> = ["eval", "study.toml"].into_iter().chain(arguments).collect();
        let (out, err) = bench.expect(2, &arguments);
        for piece in pieces {
            assert!(err.contains(piece), "{piece} in {err}");
        }
        assert!(out.is_empty(), "{out}");
    }
    assert_eq!(bench.files(), before);
}
