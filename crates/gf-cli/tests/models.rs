//! Saved models through the binary: predictions on raw data, exports, and what they refuse.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;

use gf_utils::npy::{read_npy, write_npy};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::Value;
use support::Bench;

/// Sixty points in three clusters, with inputs of very different units and columns that are not in the order of the file.
fn clusters() -> String {
    let mut text = "label,weight,note,length\n".to_string();
    for k in 0..60 {
        let (label, noise) = (k % 3, f64::from(k * 37 % 11) / 11.0);
        let weight = 1000.0 * f64::from(label) + 300.0 * noise;
        let length = 1e-3 * (f64::from((k * 7) % 13) / 13.0 + 2.0 * f64::from(label % 2));
        text.push_str(&format!("{label},{weight},n{k},{length}\n"));
    }
    text
}

const CLASSIFIER: &str = r#"
name = "clusters"
[network]
input = 2
layers = [{ units = 4, activation = "tanh" }, { units = 3, activation = "identity" }]
[loss]
kind = "softmax_cross_entropy"
[data]
csv = "clusters.csv"
target = ["label"]
features = ["length", "weight"]
scale = "standardize"
[validation]
split = "none"
[run]
steps = 25
[[arm]]
name = "explicit"
method.explicit = { h = 0.5 }
"#;

const REGRESSION: &str = r#"
name = "regression"
[network]
input = 2
layers = [{ units = 5, activation = "silu" }, { units = 5, activation = "gelu", skip = true }, { units = 2, activation = "identity" }]
[loss]
kind = "mse"
[data]
csv = "values.csv"
target = ["y", "z"]
scale = "min-max"
scale_targets = "standardize"
[validation]
split = "none"
[run]
steps = 25
[[arm]]
name = "explicit"
method.explicit = { h = 0.05 }
"#;

fn values() -> String {
    let mut text = "y,a,b,z\n".to_string();
    for k in 0..40 {
        let (a, b) = (1e4 + 50.0 * f64::from(k), f64::from(k * 17 % 23));
        text.push_str(&format!("{},{a},{b},{}\n", 3.0 * a + b, 1e-4 * b * b));
    }
    text
}

/// A bench with the runs of these studies, `classes` and `values`.
fn trained(studies: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.write("clusters.csv", &clusters()).write("classes.toml", CLASSIFIER);
    bench.write("values.csv", &values()).write("values.toml", REGRESSION);
    for study in studies {
        bench.expect(0, &["run", &format!("{study}.toml"), "--quiet", "--out", study]);
    }
    bench
}

const CLASSES: &str = "classes/model-explicit-0.gfmodel";
const VALUES: &str = "values/model-explicit-0.gfmodel";

/// The columns whose names start with `prefix`, row by row, as text.
fn columns(text: &str, prefix: &str) -> Vec<Vec<String>> {
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let wanted: Vec<usize> = (0..header.len()).filter(|k| header[*k].starts_with(prefix)).collect();
    assert!(!wanted.is_empty(), "{prefix} in {header:?}");
    lines.map(|line| wanted.iter().map(|k| line[*k].clone()).collect()).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// The training saw scaled columns; the model is asked about raw ones, in another order, and says the same to the last bit.
#[test]
fn predictions_on_raw_data_are_those_of_the_run() {
    let bench = trained(&["classes"]);
    let summary = json(&bench.read("classes/summary.json"));
    assert_eq!(summary["arms"][0]["runs"][0]["best_step"], 25, "the saved model is that of the end");
    let (printed, _) = bench.expect(0, &["predict", CLASSES, "--data", "clusters.csv"]);
    assert_eq!(
        printed.lines().next().unwrap(),
        "row,prediction0,prediction1,prediction2,probability_0,probability_1,probability_2,class"
    );
    assert_eq!(columns(&printed, "prediction"), columns(&bench.read("classes/predictions.csv"), "prediction"));
    for (row, (outputs, class)) in columns(&printed, "prediction").iter().zip(columns(&printed, "class")).enumerate() {
        let outputs: Vec<f64> = outputs.iter().map(|x| x.parse().unwrap()).collect();
        let sum: f64 = outputs.iter().map(|o| o.exp()).sum();
        for (o, p) in outputs.iter().zip(&columns(&printed, "probability")[row]) {
            assert!((p.parse::<f64>().unwrap() - o.exp() / sum).abs() < 1e-14, "row {row}");
        }
        let highest = outputs.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!(outputs[class[0].parse::<usize>().unwrap()], highest);
    }
    bench.expect(0, &["predict", CLASSES, "--data", "clusters.csv", "--out", "p.csv"]);
    assert_eq!(bench.read("p.csv").trim_end(), printed.trim_end());
    // Arrays have no names: the order is that of the study's features.
    let rows = columns(&clusters(), "")
        .iter()
        .map(|row| [row[3].parse().unwrap(), row[1].parse().unwrap()])
        .collect::<Vec<[f64; 2]>>();
    write_npy(&bench.path("rows.npy"), &[60, 2], &rows.concat()).unwrap();
    let (of_array, _) = bench.expect(0, &["predict", CLASSES, "--data", "rows.npy"]);
    assert_eq!(of_array, printed);
}

#[test]
fn metrics_come_with_targets() {
    let bench = trained(&["classes", "values"]);
    let (out, _) = bench.expect(0, &["predict", CLASSES, "--data", "clusters.csv", "--target", "label", "--json"]);
    let found = json(&out);
    let scores = bench.read("classes/classification.csv");
    let metrics = &found["metrics"];
    for (key, column) in [
        ("accuracy", "accuracy"),
        ("log_loss", "log_loss"),
        ("expected_calibration_error", "expected_calibration_error"),
    ] {
        let column = scores.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
        let of_run: f64 = scores.lines().nth(1).unwrap().split(',').nth(column).unwrap().parse().unwrap();
        assert_eq!(metrics[key].as_f64().unwrap(), of_run, "{key}");
    }
    let confusion: u64 = metrics["confusion"].as_array().unwrap().iter().flat_map(numbers).sum::<f64>() as u64;
    assert_eq!((confusion, found["samples"].as_u64(), found["outputs"].as_str()), (60, Some(60), Some("class_logits")));

    let (out, _) =
        bench.expect(0, &["predict", VALUES, "--data", "values.csv", "--target", "y", "--target", "z", "--json"]);
    let found = json(&out);
    let rows: Vec<Vec<f64>> = found["predictions"].as_array().unwrap().iter().map(numbers).collect();
    let (y, z) = (columns(&values(), "y"), columns(&values(), "z"));
    let error: f64 = rows
        .iter()
        .zip(y.iter().zip(&z))
        .map(|(row, (y, z))| {
            (row[0] - y[0].parse::<f64>().unwrap()).abs() + (row[1] - z[0].parse::<f64>().unwrap()).abs()
        })
        .sum();
    assert!((found["metrics"]["mae"].as_f64().unwrap() - error / 80.0).abs() < 1e-9 * error);
    // In their own units: y is some 33,000 and spread by 1,700.
    assert!(rows.iter().all(|row| (25_000.0..40_000.0).contains(&row[0]) && row[1].abs() < 1.0), "{rows:?}");
    // Those of the run, whose outputs went back through the same scaling, to the last bit.
    assert_eq!(json(&bench.read("values/summary.json"))["arms"][0]["runs"][0]["best_step"], 25);
    let (printed, _) = bench.expect(0, &["predict", VALUES, "--data", "values.csv"]);
    assert_eq!(columns(&printed, "prediction"), columns(&bench.read("values/predictions.csv"), "prediction"));
    let (table, _) = bench.expect(0, &["predict", VALUES, "--data", "values.csv", "--target", "y", "--target", "z"]);
    assert!(table.contains("mae") && table.contains("r2"), "{table}");
}

#[test]
fn built_in_sets_are_known_by_name_with_their_classes() {
    let bench = Bench::new();
    let study = CLASSIFIER.replace("input = 2", "input = 4").replace(
        "csv = \"clusters.csv\"\ntarget = [\"label\"]\nfeatures = [\"length\", \"weight\"]",
        "builtin = \"iris\"",
    );
    bench.write("iris.toml", &study);
    bench.expect(0, &["run", "iris.toml", "--quiet", "--out", "out"]);
    let (out, _) = bench.expect(0, &["predict", "out/model-explicit-0.gfmodel", "--data", "iris", "--json"]);
    let found = json(&out);
    assert_eq!(found["class_names"][2], "virginica");
    assert!(found["metrics"]["accuracy"].as_f64().unwrap() > 0.8);
    bench.expect(0, &["predict", "out/model-explicit-0.gfmodel", "--data", "iris", "--out", "p.csv"]);
    assert!(bench.read("p.csv").lines().nth(1).unwrap().ends_with(",setosa"));
    assert!(bench.read("out/confusion.csv").contains("explicit,0,setosa,versicolor,"));
    each_class_scores_what_its_confusion_says(&bench.read("out/classes.csv"), &bench.read("out/confusion.csv"));
    let labels: Vec<f64> = (0..150).map(|k| f64::from(k / 50)).collect();
    write_npy(&bench.path("y.npy"), &[150], &labels).unwrap();
    let (_, err) = bench.expect(2, &["predict", "out/model-explicit-0.gfmodel", "--data", "iris", "--target", "y.npy"]);
    assert!(err.contains("--target y.npy") && err.contains("has its own targets"), "{err}");
    let (_, err) = bench.expect(2, &["predict", "out/model-explicit-0.gfmodel", "--data", "wine"]);
    assert!(err.contains("--data wine: expected 4 inputs a sample, found 13"), "{err}");
    let (_, err) = bench.expect(2, &["predict", "out/model-explicit-0.gfmodel", "--data", "irsi"]);
    assert!(err.contains("found irsi (did you mean \"iris\"?)"), "{err}");
}

fn each_class_scores_what_its_confusion_says(classes: &str, confusion: &str) {
    let counts: Vec<[String; 3]> =
        confusion.lines().skip(1).map(|line| [2, 3, 4].map(|k| line.split(',').nth(k).unwrap().into())).collect();
    let sum = |of: &dyn Fn(&[String; 3]) -> bool| -> f64 {
        counts.iter().filter(|row| of(row)).map(|row| row[2].parse::<f64>().unwrap()).sum()
    };
    let mut lines = classes.lines();
    assert_eq!(lines.next(), Some("arm,seed,average,class,precision,recall,f1,support,predicted"));
    for (line, class) in lines.by_ref().zip(["setosa", "versicolor", "virginica"]) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[..4], ["explicit", "0", "", class]);
        let [support, predicted] = [sum(&|row| row[0] == class), sum(&|row| row[1] == class)];
        let right = sum(&|row| row[0] == class && row[1] == class);
        let found: Vec<f64> = cells[4..].iter().map(|cell| cell.parse().unwrap()).collect();
        let expected = [right / predicted, right / support, 2.0 * right / (support + predicted), support, predicted];
        assert_eq!(found, expected, "{class}");
    }
}

/// Where all inputs are equal all samples are taken for one class.
#[test]
fn a_class_that_is_never_predicted_shows_no_precision() {
    let bench = Bench::new();
    let rows: String = (0..60).map(|k| format!("{},1,2\n", k % 3)).collect();
    bench.write("clusters.csv", &format!("label,weight,length\n{rows}"));
    bench.write("still.toml", &CLASSIFIER.replace("scale = \"standardize\"\n", ""));
    bench.expect(0, &["run", "still.toml", "--quiet", "--out", "still"]);
    // Twenty of each, all of them taken for one: precision 1/3 and recall 1 there, recall 0 and no precision elsewhere.
    let classes = bench.read("still/classes.csv");
    let cells: Vec<Vec<&str>> = classes.lines().skip(1).map(|line| line.split(',').skip(4).collect()).collect();
    assert_eq!(cells.iter().filter(|row| row[..] == ["", "0.0", "0.0", "20", "0"]).count(), 2, "{classes}");
    assert_eq!(cells.iter().filter(|row| row[1..] == ["1.0", "0.5", "20", "60"]).count(), 1, "{classes}");
    assert!(cells[3][0].starts_with("0.333") && cells[3][1].starts_with("0.333") && cells[3][3..] == ["60", "60"]);
    bench.expect(0, &["report", "still", "--tables", "markdown"]);
    let tables: Vec<String> = std::fs::read_dir(bench.path("still/tables"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .filter(|table| table.contains("taken for it |"))
        .collect();
    assert_eq!(tables.len(), 1);
    assert!(
        tables[0].contains("2 classes were never predicted") && tables[0].contains("| – | 0.000 | 0.000 | 20 | 0 |")
    );
    assert!(tables[0].contains("| weighted average | 0.333 | 0.333 | 0.167 | 60 | 60 |"), "{}", tables[0]);
}

/// A file of gf 0.1.0 before models knew their preprocessing: its outputs, by position, without a meaning.
#[test]
fn a_model_of_version_1_predicts() {
    let bench = Bench::new();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gf-utils/tests/fixtures/version-1.gfmodel");
    std::fs::copy(old, bench.path("old.gfmodel")).unwrap();
    bench.write("rows.csv", "u,v,truth\n0.1,1,0.5\n0.4,-1,0.25\n");
    let (out, _) = bench.expect(0, &["predict", "old.gfmodel", "--data", "rows.csv", "--target", "truth", "--json"]);
    let found = json(&out);
    assert_eq!((found["outputs"].as_str(), found["samples"].as_u64()), (Some("unknown"), Some(2)));
    assert!(found["metrics"]["mae"].as_f64().is_some() && found.get("classes").is_none());
    let (_, err) = bench.expect(2, &["predict", "old.gfmodel", "--data", "rows.csv"]);
    assert!(
        err.contains("rows.csv, line 1: expected 2 columns of inputs") && err.contains("found 3: u, v, truth"),
        "{err}"
    );
    bench.write("bare.csv", "0.1,1\n0.4,-1\n");
    let (_, err) = bench.expect(2, &["predict", "old.gfmodel", "--data", "bare.csv"]);
    assert!(err.contains("expected a header line with column names, found numbers: --no-header"), "{err}");
    let (bare, _) = bench.expect(0, &["predict", "old.gfmodel", "--data", "bare.csv", "--no-header"]);
    let rows = json(&bare_to_json(&bare));
    assert_eq!(rows, found["predictions"], "the same rows below a header");
    bench.write("semicolons.csv", "0.1;1;0.5\n0.4;-1;0.25\n");
    let arguments = [
        "predict",
        "old.gfmodel",
        "--data",
        "semicolons.csv",
        "--no-header",
        "--delimiter",
        ";",
        "--target",
        "2",
        "--json",
    ];
    let (out, _) = bench.expect(0, &arguments);
    assert_eq!((&json(&out)["predictions"], &json(&out)["metrics"]), (&found["predictions"], &found["metrics"]));
    let (_, err) = bench.expect(2, &["predict", "old.gfmodel", "--data", "rows.csv", "--delimiter", "ä"]);
    assert!(err.contains("delimiter 'ä': expected an ASCII character"), "{err}");
}

/// `[[p], [p], …]` of the printed predictions of one output.
fn bare_to_json(csv: &str) -> String {
    let rows: Vec<String> = columns(csv, "prediction").iter().map(|row| format!("[{}]", row[0])).collect();
    format!("[{}]", rows.join(","))
}

#[test]
fn faults_in_the_data_are_named_and_nothing_is_written() {
    let bench = trained(&["classes", "values"]);
    let good = clusters();
    bench.write("missing.csv", &good.replace("length", "lenght"));
    bench.write("gap.csv", &good.replacen("n4,", "n4,x", 1));
    bench.write("label.csv", &good.replacen("\n2,", "\n7,", 1));
    bench.write("broken.gfmodel", "input = 2\n");
    write_npy(&bench.path("wide.npy"), &[2, 3], &[0.0; 6]).unwrap();
    write_npy(&bench.path("nan.npy"), &[2, 2], &[0.0, 1.0, 2.0, f64::NAN]).unwrap();
    write_npy(&bench.path("huge.npy"), &[1, 2], &[1e300, 1e308]).unwrap();
    let files = bench.files();
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &[CLASSES, "--data", "missing.csv"],
            &["missing.csv, line 1", "no column \"length\"", "did you mean \"lenght\""],
        ),
        (&[CLASSES, "--data", "gap.csv"], &["gap.csv, line 6, column \"length\"", "expected a number, found \"x"]),
        (
            &[CLASSES, "--data", "label.csv", "--target", "label"],
            &["label.csv, line 4", "a class from 0 to 2", "\"7\""],
        ),
        (&[CLASSES, "--data", "clusters.csv", "--target", "lable"], &["no column \"lable\"", "did you mean \"label\""]),
        (&[CLASSES, "--data", "wide.npy"], &["wide.npy", "expected n x 2 inputs, found shape [2, 3]"]),
        (&[CLASSES, "--data", "nan.npy"], &["nan.npy", "row 1, column 1", "expected a finite number, found NaN"]),
        (&[VALUES, "--data", "values.csv", "--target", "y"], &["--target", "expected 2 columns of targets, found 1"]),
        (&[VALUES, "--data", "huge.npy"], &["huge.npy", "row 0"]),
        (&["broken.gfmodel", "--data", "clusters.csv"], &["broken.gfmodel", "not a file of gf"]),
    ];
    for (arguments, pieces) in cases {
        let (_, err) = bench.expect(2, &[&["predict"], arguments, &["--out", "p.csv"]].concat());
        for piece in pieces {
            assert!(err.contains(piece), "expected '{piece}' in:\n{err}");
        }
        assert!(!err.contains("panicked"), "{err}");
    }
    let (_, err) = bench.expect(2, &["export", CLASSES]);
    assert!(err.contains("expected --npy DIR, --safetensors FILE or both"), "{err}");
    let (_, err) = bench.expect(2, &["export", CLASSES, "--npy", "classes", "--safetensors", "m.safetensors"]);
    assert!(err.contains("--npy classes: expected a folder that does not exist or is empty"), "{err}");
    assert_eq!(bench.files(), files, "nothing may be written");
}

/// A matrix with its shape.
type Matrix = (Vec<usize>, Vec<f64>);

/// The forward pass as docs/models.md describes it, from arrays alone: W (inputs × units), b, scales.
fn forward(description: &Value, layers: &[(Matrix, Matrix)], inputs: &[f64]) -> Vec<f64> {
    let scaled = |key: &str, row: Vec<f64>, undo: bool| match &description[key] {
        Value::Null => row,
        scales => {
            let (shifts, scales) = (numbers(&scales["shifts"]), numbers(&scales["scales"]));
            let one = |(x, (m, s)): (f64, (&f64, &f64))| if undo { m + s * x } else { (x - m) / s };
            row.into_iter().zip(shifts.iter().zip(&scales)).map(one).collect()
        }
    };
    let mut a = scaled("input_scales", inputs.to_vec(), false);
    for (spec, (w, b)) in description["network"]["layers"].as_array().unwrap().iter().zip(layers) {
        let units = w.0[1];
        assert_eq!((w.0[0], &b.0[..]), (a.len(), &[units][..]));
        let z = |j: usize| b.1[j] + a.iter().enumerate().map(|(i, x)| x * w.1[i * units + j]).sum::<f64>();
        let f = |z: f64| match spec["activation"].as_str().unwrap() {
            "identity" => z,
            "tanh" => z.tanh(),
            "silu" => z / (1.0 + (-z).exp()),
            // No erf in the standard library: by its series, fit for the |z| below 4 that appear here.
            "gelu" => {
                let x = z / 2f64.sqrt();
                let mut term = x;
                let mut erf = x;
                for k in 1..80 {
                    term *= -x * x / f64::from(k);
                    erf += term / f64::from(2 * k + 1);
                }
                0.5 * z * (1.0 + erf * 2.0 / std::f64::consts::PI.sqrt())
            }
            other => panic!("{other}"),
        };
        let skip = spec["skip"].as_bool().unwrap_or(false);
        a = (0..units).map(|j| f(z(j)) + if skip { a[j] } else { 0.0 }).collect();
    }
    scaled("target_scales", a, true)
}

#[test]
fn exports_compute_what_the_model_predicts() {
    let bench = trained(&["values"]);
    bench.expect(0, &["export", VALUES, "--npy", "arrays", "--safetensors", "m.safetensors"]);
    bench.expect(0, &["export", VALUES, "--safetensors", "again.safetensors"]);
    let file = std::fs::read(bench.path("m.safetensors")).unwrap();
    assert_eq!(file, std::fs::read(bench.path("again.safetensors")).unwrap(), "the same bytes again");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let (_, header) = SafeTensors::read_metadata(&file).unwrap();
    let of_tensors = json(&header.metadata().as_ref().unwrap()["gf"]);
    let description = json(&bench.read("arrays/model.json"));
    assert_eq!(of_tensors, description);
    assert_eq!(description["outputs"], "values");
    assert_eq!(description["feature_names"], serde_json::json!(["a", "b"]));
    let array = |name: String| -> Matrix {
        let array = read_npy(&bench.path(&format!("arrays/{name}.npy"))).unwrap();
        (array.shape, array.values)
    };
    let layers: Vec<(Matrix, Matrix)> = (1..=3).map(|l| (array(format!("W{l}")), array(format!("b{l}")))).collect();
    for (l, (w, b)) in layers.iter().enumerate() {
        let tensor = |name: &str| {
            let tensor = tensors.tensor(&format!("layers.{l}.{name}")).unwrap();
            assert_eq!(tensor.dtype(), Dtype::F64);
            let values = tensor.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()));
            (tensor.shape().to_vec(), values.collect::<Vec<_>>())
        };
        let (shape, weight) = tensor("weight");
        assert_eq!(shape, [w.0[1], w.0[0]], "units × inputs");
        for i in 0..w.0[0] {
            for j in 0..w.0[1] {
                assert_eq!(weight[j * w.0[0] + i].to_bits(), w.1[i * w.0[1] + j].to_bits());
            }
        }
        assert_eq!(tensor("bias"), *b);
    }
    let (out, _) = bench.expect(0, &["predict", VALUES, "--data", "values.csv"]);
    let (a, b) = (columns(&values(), "a"), columns(&values(), "b"));
    for (row, found) in columns(&out, "prediction").iter().enumerate() {
        let expected = forward(&description, &layers, &[a[row][0].parse().unwrap(), b[row][0].parse().unwrap()]);
        for (found, expected) in found.iter().zip(expected) {
            let found: f64 = found.parse().unwrap();
            assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1e-3), "row {row}: {found} {expected}");
        }
    }
}
