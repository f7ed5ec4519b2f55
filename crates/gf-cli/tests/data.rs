//! Data of a study: formats, scaling, missing values, class names, batches, in the files of a run.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::Value;
use support::{Bench, STUDY};

/// Rows of a CSV file by the names of its header.
fn table(text: &str) -> Vec<std::collections::HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn json(bench: &Bench, name: &str) -> Value {
    serde_json::from_str(&bench.read(name)).unwrap()
}

/// y of about 1000 ± 200, x of about 3e4.
fn houses() -> String {
    let row = |k: i32| {
        let x = f64::from((k * 37) % 40) / 40.0;
        format!("{},{}\n", 30_000.0 + 5000.0 * x, 1000.0 + 200.0 * (3.0 * x).sin())
    };
    format!("x,y\n{}", (0..40).map(row).collect::<String>())
}

#[test]
fn metrics_and_predictions_are_in_the_units_of_the_data_and_losses_are_not() {
    let bench = Bench::new();
    let study = STUDY
        .replace("target = [\"y\"]", "target = [\"y\"]\nscale = \"standardize\"\nscale_targets = \"min-max\"")
        .replace("seeds = [0, 1]", "seeds = [3]");
    bench.write("data.csv", &houses()).write("study.toml", &study);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    let predictions = table(&bench.read("out/predictions.csv"));
    let newton: Vec<_> = predictions.iter().filter(|row| row["arm"] == "newton").collect();
    let number = |row: &std::collections::HashMap<String, String>, key: &str| row[key].parse::<f64>().unwrap();
    let original = table(&houses());
    let mut sum = 0.0;
    for row in &newton {
        // The numbers of the file, to the bit.
        assert!(original.iter().any(|data| data["x"] == row["x0"] && data["y"] == row["y0"]), "{row:?}");
        sum += (number(row, "prediction0") - number(row, "y0")).abs();
    }
    let last = &json(&bench, "out/summary.json")["arms"][2]["runs"][0]["last"];
    let mae = last["val_mae"].as_f64().unwrap();
    assert!((mae - sum / newton.len() as f64).abs() <= 1e-12 * mae, "{mae}");
    // min-max puts targets into [0, 1]: their mean squared error is below 1, and that of the data is (max − min)² as large.
    let targets: Vec<f64> = original.iter().map(|row| number(row, "y")).collect();
    let squares: f64 = newton.iter().map(|row| (number(row, "prediction0") - number(row, "y0")).powi(2)).sum();
    let loss = last["val_loss"].as_f64().unwrap();
    let range = (squares / newton.len() as f64 / loss).sqrt();
    let widest = targets.iter().copied().fold(f64::MIN, f64::max) - targets.iter().copied().fold(f64::MAX, f64::min);
    // The range of the training part, which may miss an end.
    assert!(range <= widest * (1.0 + 1e-9) && range > 0.8 * widest, "{range} of {widest}");
    // The whole is resolved into the run's own study, which repeats it.
    bench.expect(0, &["run", "out/study.toml", "--quiet", "--out", "again"]);
    assert_eq!(bench.read("out/predictions.csv"), bench.read("again/predictions.csv"));
}

const FLOWERS: &str = "1.4,0.2,setosa\n1.3,0.3,setosa\n1.5,?,setosa\n4.5,1.5,versicolor\n4.1,1.3,versicolor\n4.7,1.4,versicolor\n\
                       6.0,2.5,virginica\n5.8,2.2,virginica\n,2.1,virginica\n6.1,2.3,virginica\n";

/// A linear classifier of three species, from a file without names of columns.
fn flowers(missing: &str) -> String {
    format!(
        "name = \"flowers\"\n[network]\ninput = 2\nlayers = [{{ units = 3, activation = \"identity\" }}]\n\
         [loss]\nkind = \"softmax_cross_entropy\"\n[data]\ncsv = \"flowers.csv\"\nheader = false\ntarget = [-1]\n\
         missing = \"{missing}\"\nscale = \"min-max\"\n[validation]\nfraction = 0.3\nsplit = \"stratified\"\n\
         [run]\nsteps = 4\n[[arm]]\nname = \"a\"\nmethod.explicit = {{ h = 0.5 }}\n"
    )
}

#[test]
fn classes_keep_their_names_and_what_is_missing_is_counted() {
    let bench = Bench::new();
    bench.write("flowers.csv", FLOWERS).write("study.toml", &flowers("drop-rows"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "dropped"]);
    let summary = json(&bench, "dropped/summary.json");
    assert_eq!(summary["class_names"], serde_json::json!(["setosa", "versicolor", "virginica"]));
    assert_eq!(summary["dropped_rows"], 2);
    assert_eq!(summary["train_samples"].as_u64().unwrap() + summary["validation_samples"].as_u64().unwrap(), 8);
    let report = bench.read("dropped/report.html");
    assert!(
        report.contains("Classes: 0 setosa, 1 versicolor, 2 virginica")
            && report.contains("2 rows miss a value and were left out")
    );

    bench.write("study.toml", &flowers("mean"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "filled"]);
    let summary = json(&bench, "filled/summary.json");
    assert_eq!((summary["filled_values"].as_u64(), summary.get("dropped_rows")), (Some(2), None));
    assert!(bench.read("filled/report.html").contains("2 missing inputs are means of the training set"));
    // `gf eval` fills and scales by the training part too.
    let theta = "filled/theta-a-0-final.npy";
    let (out, _) = bench.expect(0, &["eval", "study.toml", "--theta", theta]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["samples"], 10);

    bench.write("study.toml", &flowers("refuse"));
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "refused"]);
    assert!(
        err.contains("line 3, column \"1\": expected a value, found \"?\"; missing values: 2, in 2 of 10 rows"),
        "{err}"
    );
    // A species more than the network has outputs.
    bench.write("flowers.csv", &FLOWERS.replace("6.1,2.3,virginica", "6.1,2.3,iris"));
    bench.write("study.toml", &flowers("drop-rows"));
    let (_, err) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "refused"]);
    assert!(err.contains("expected 4 units in the last layer, one a class; found 3"), "{err}");
}

#[test]
fn two_names_go_with_one_logit() {
    let bench = Bench::new();
    let study = STUDY.replace("kind = \"mse\"", "kind = \"bce_with_logits\"");
    bench.write("study.toml", &study);
    bench.write("data.csv", "x,y\n-1,no\n-0.7,no\n-0.4,no\n-0.1,no\n0.2,yes\n0.5,yes\n0.8,yes\n1,yes\n");
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    assert_eq!(json(&bench, "out/summary.json")["class_names"], serde_json::json!(["no", "yes"]));
    bench.write("numbers.csv", "x,y\n-1,0\n-0.7,0\n-0.4,0\n-0.1,0\n0.2,1\n0.5,1\n0.8,1\n1,1\n");
    bench.write("study.toml", &study.replace("data.csv", "numbers.csv"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "numbers"]);
    assert_eq!(bench.read("out/predictions.csv"), bench.read("numbers/predictions.csv"));
}

#[test]
fn images_and_labels_of_mnist_train_a_classifier() {
    let bench = Bench::new();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../gf-utils/tests/fixtures");
    for name in ["images-idx3-ubyte.gz", "labels-idx1-ubyte"] {
        std::fs::copy(fixtures.join(name), bench.path(name)).unwrap();
    }
    let study = "[network]\ninput = 4\nlayers = [{ units = 3, activation = \"identity\" }]\n[loss]\nkind = \"softmax_cross_entropy\"\n\
                 [data]\nx = \"images-idx3-ubyte.gz\"\ny = \"labels-idx1-ubyte\"\nscale = \"min-max\"\n[validation]\nsplit = \"none\"\n\
                 [run]\nsteps = 200\n[[arm]]\nname = \"a\"\nmethod.explicit = { h = 1.0 }\n";
    bench.write("study.toml", study);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "out"]);
    assert_eq!(json(&bench, "out/summary.json")["arms"][0]["runs"][0]["last"]["val_accuracy"], 1.0);
    // In the units of the data: gray values.
    assert_eq!(table(&bench.read("out/predictions.csv"))[2]["x3"], "253");
}

#[test]
fn epochs_are_those_of_the_last_batch() {
    let bench = Bench::new();
    bench.write("data.csv", support::DATA);
    // 6 training samples, batches of 4.
    for (last, epochs) in [("keep", "2.0"), ("drop", "4.0"), ("merge", "4.0")] {
        let study = STUDY
            .replace("batch = 3", &format!("batch = 4\nlast_batch = \"{last}\""))
            .replace("steps = 8", "steps = 4");
        bench.write("study.toml", &study);
        bench.expect(0, &["run", "study.toml", "--quiet", "--out", last]);
        let history = table(&bench.read(&format!("{last}/history.csv")));
        assert_eq!(history[4]["epoch"], epochs, "{last}");
    }
}
