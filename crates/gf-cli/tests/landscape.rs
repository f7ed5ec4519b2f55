//! `[landscape]`: planes through the parameters of a network, against numbers that gf did not compute, and what is refused.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use gf_utils::npy::read_npy;
use serde_json::Value;
use support::{Bench, DATA, STUDY};

fn bench(study: &str) -> Bench {
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", study);
    bench
}

fn landscape(bench: &Bench, folder: &str) -> Value {
    serde_json::from_str(&bench.read(&format!("{folder}/landscape.json"))).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// θ at the origin of the plane, and its directions.
fn vectors(bench: &Bench, folder: &str) -> [Vec<f64>; 3] {
    let array = read_npy(&bench.path(&format!("{folder}/landscape-plane.npy"))).unwrap();
    let p = array.shape[1];
    assert_eq!(array.shape[0], 3);
    [0, 1, 2].map(|k| array.values[k * p..(k + 1) * p].to_vec())
}

fn at(vectors: &[Vec<f64>; 3], x: f64, y: f64) -> Vec<f64> {
    let [origin, u, v] = vectors;
    (0..origin.len()).map(|k| origin[k] + x * u[k] + y * v[k]).collect()
}

/// The rows of the data that are not held out, as the predictions of the run tell.
fn training_rows(bench: &Bench, folder: &str) -> Vec<[f64; 2]> {
    let parse = |line: &str, from: usize| -> [f64; 2] {
        let cells: Vec<f64> = line.split(',').skip(from).take(2).map(|cell| cell.parse().unwrap()).collect();
        [cells[0], cells[1]]
    };
    let predictions = bench.read(&format!("{folder}/predictions.csv"));
    let held_out: Vec<[f64; 2]> = predictions.lines().skip(1).map(|line| parse(line, 2)).collect();
    let rows = DATA.lines().skip(1).map(|line| parse(line, 0));
    let rows: Vec<[f64; 2]> = rows.filter(|row| !held_out.contains(row)).collect();
    assert_eq!(rows.len(), 6);
    rows
}

/// The mean squared error of a 1-4-1 tanh network: W (1 × 4), b, w (4 × 1), c.
fn mean_squared_error(theta: &[f64], rows: &[[f64; 2]]) -> f64 {
    let output = |x: f64| theta[12] + (0..4).map(|k| theta[8 + k] * (theta[k] * x + theta[4 + k]).tanh()).sum::<f64>();
    rows.iter().map(|[x, y]| (output(*x) - y).powi(2)).sum::<f64>() / rows.len() as f64
}

fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{what}: {found} for {expected}");
}

#[test]
fn on_the_plane_of_the_iterates_losses_are_those_of_its_points_and_coordinates_are_projections() {
    let bench = bench(&format!("{STUDY}[landscape]\ngrid = 7\n"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "run"]);
    let (found, vectors, rows) = (landscape(&bench, "run"), vectors(&bench, "run"), training_rows(&bench, "run"));
    let [x, y] = [0, 1].map(|k| numbers(&found["axes"][k]["values"]));
    assert_eq!((x.len(), y.len()), (7, 7));
    for (row, y) in y.iter().enumerate() {
        for (column, x) in x.iter().enumerate() {
            let loss = found["loss"][row][column].as_f64().unwrap();
            assert_near(loss, mean_squared_error(&at(&vectors, *x, *y), &rows), 1e-12, "grid");
        }
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (mut points, mut ends) = (Vec::new(), 0);
    for path in found["paths"].as_array().unwrap() {
        let [xs, ys, distances] = ["x", "y", "distance"].map(|key| numbers(&path[key]));
        assert_eq!(numbers(&path["steps"]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        points.extend(xs.iter().copied().zip(ys.iter().copied()));
        let file = format!("run/theta-{}-0-final.npy", path["arm"].as_str().unwrap());
        let theta = read_npy(&bench.path(&file)).unwrap().values;
        let difference: Vec<f64> = theta.iter().zip(&vectors[0]).map(|(a, b)| a - b).collect();
        let (px, py) = (dot(&difference, &vectors[1]), dot(&difference, &vectors[2]));
        assert_near(xs[8], px, 1e-12, "x");
        assert_near(ys[8], py, 1e-12, "y");
        let rest = (dot(&difference, &difference) - px * px - py * py).max(0.0).sqrt();
        assert_near(distances[8], rest, 1e-7, "distance");
        assert_near(path["last_loss"].as_f64().unwrap(), mean_squared_error(&theta, &rows), 1e-12, "loss");
        let on_plane = mean_squared_error(&at(&vectors, px, py), &rows);
        assert_near(path["last_loss_on_plane"].as_f64().unwrap(), on_plane, 1e-12, "loss on the plane");
        ends += usize::from(path["arm"] == found["reference"] && distances[8] == 0.0 && xs[8] == 0.0);
    }
    assert_eq!(ends, 1, "the plane goes through the end of the first arm");
    // Principal coordinates are uncorrelated, and their variances stand to each other as the shares do.
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (mx, my) = (mean(&|point| point.0), mean(&|point| point.1));
    let [xx, yy] = [mean(&|point| (point.0 - mx).powi(2)), mean(&|point| (point.1 - my).powi(2))];
    assert!(mean(&|point| (point.0 - mx) * (point.1 - my)).abs() < 1e-12 * xx);
    let shares = [0, 1].map(|k| found["axes"][k]["share"].as_f64().unwrap());
    assert_near(shares[1] / shares[0], yy / xx, 1e-11, "shares");
    assert!(shares[0] + shares[1] <= 1.0 + 1e-12 && shares[0] >= shares[1]);
    let report = bench.read("run/report.html");
    assert!(report.contains("Loss landscape") && report.contains("principal direction 1"));

    // Drawn again from the folder alone.
    let figure = bench.read("run/figures/loss-on-a-plane.svg");
    std::fs::remove_dir_all(bench.path("run/figures")).unwrap();
    bench.expect(0, &["report", "run"]);
    assert_eq!(bench.read("run/figures/loss-on-a-plane.svg"), figure);
    bench.write("run/landscape.json", &bench.read("run/landscape.json").replace("\"values\":[", "\"values\":[-9.0,"));
    let (_, error) = bench.expect(2, &["report", "run"]);
    assert!(error.contains("landscape.json: expected two axes"), "{error}");
}

/// A linear network under squared errors: L is a quadratic, and everywhere on the plane what gradient and Hessian at the origin say.
#[test]
fn on_a_plane_of_eigenvectors_a_quadratic_loss_is_its_parabola() {
    let data =
        "a,b,c,y\n-1,0.3,2,1\n0.5,-0.7,1,0\n1,1,-1,2\n0,2,0.5,-1\n2,-1,0,0.5\n-0.5,-1,1,1\n1.5,0,-2,0\n0.2,0.1,1,3\n";
    let linear = STUDY
        .replace("input = 1", "input = 3")
        .replace("{ units = 4, activation = \"tanh\" }, ", "")
        .replace("steps = 8", "steps = 5");
    for (kind, ends) in [("top", [0, 1]), ("extremes", [0, 3])] {
        let bench =
            bench(&format!("{linear}[landscape]\nplane = \"eigenvectors\"\neigenvectors = \"{kind}\"\ngrid = 9\n"));
        bench.write("data.csv", data);
        bench.expect(0, &["run", "study.toml", "--quiet", "--out", "run"]);
        let found = landscape(&bench, "run");
        let number = |k: usize, key: &str| found["axes"][k][key].as_f64().unwrap();
        let [x, y] = [0, 1].map(|k| numbers(&found["axes"][k]["values"]));
        let origin = found["loss"][4][4].as_f64().unwrap();
        assert_near(origin, found["paths"][0]["last_loss"].as_f64().unwrap(), 1e-13, "the origin");
        let term = |k: usize, t: f64| number(k, "slope") * t + 0.5 * number(k, "eigenvalue") * t * t;
        for (row, y) in y.iter().enumerate() {
            for (column, x) in x.iter().enumerate() {
                let loss = found["loss"][row][column].as_f64().unwrap();
                // Eigenvectors are known to 1e-7.
                assert_near(loss, origin + term(0, *x) + term(1, *y), 1e-6, "grid");
            }
        }
        for k in 0..2 {
            let cut = &found["cuts"][k];
            let (loss, parabola) = (numbers(&cut["loss"]), numbers(&cut["parabola"]));
            assert_eq!((loss.len(), numbers(&cut["t"])[50]), (101, 0.0));
            loss.iter().zip(&parabola).for_each(|(a, b)| assert_near(*a, *b, 1e-6, "cut"));
            assert!(number(k, "residual") < 1e-6);
        }
        // The eigenvalues are those of `gf spectrum` from the dense matrix.
        let theta = "run/theta-explicit-0-final.npy";
        let arguments = ["spectrum", "run/study.toml", "--theta", theta, "--train", "--full", "--json"];
        let spectrum: Value = serde_json::from_str(&bench.expect(0, &arguments).0).unwrap();
        let mut all = numbers(&spectrum["eigenvalues"]);
        all.reverse();
        for k in 0..2 {
            assert_near(number(k, "eigenvalue"), all[ends[k]], 1e-9, "eigenvalue");
        }
        assert!(bench.read("run/report.html").contains("cuts-along-eigenvectors"));
    }
}

#[test]
fn what_failed_has_no_part_in_the_plane_and_without_any_run_there_is_none() {
    let study = STUDY.replace("batch = 3", "on_failure = \"record\"");
    let wild = study.replace("{ h = 0.1 }", "{ h = 1e4 }");
    let bench = bench(&format!("{wild}[landscape]\ngrid = 5\n"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "run"]);
    let found = landscape(&bench, "run");
    assert_eq!((&found["reference"], &found["paths"][0]["failed"]), (&Value::from("implicit"), &Value::from(true)));
    let shares: f64 = (0..2).map(|k| found["axes"][k]["share"].as_f64().unwrap()).sum();
    assert!(shares > 0.5 && numbers(&found["axes"][0]["values"]).iter().all(|x| x.abs() < 100.0));
    for (set, reason) in [
        ("landscape.arms=[\"explicit\"]", "every arm failed"),
        ("landscape.reference=\"explicit\"", "the arm of reference, explicit, failed"),
    ] {
        bench.expect(0, &["run", "study.toml", "--quiet", "--set", set, "--out", "none"]);
        let found = landscape(&bench, "none");
        assert_eq!((&found["failure"], &found["loss"]), (&Value::from(reason), &Value::Array(vec![])));
        assert!(bench.read("none/report.html").contains(&format!("There is no plane: {reason}.")));
        assert!(!bench.path("none/landscape-plane.npy").exists());
        std::fs::remove_dir_all(bench.path("none")).unwrap();
    }
    // One step from one start is a line.
    let one = format!("{}[landscape]\narms = [\"explicit\"]\n", study.replace("steps = 8", "steps = 1"));
    bench.write("study.toml", &one);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "line"]);
    let found = landscape(&bench, "line");
    assert_eq!(found["failure"], "the points differ along 1 of the 2 directions asked for");
}

#[test]
fn wrong_landscapes_are_refused_by_key() {
    let own = STUDY.replace("{ h = 0.1 }", "{ h = 0.1 }\nloss = { kind = \"huber\" }");
    let cases = [
        (STUDY, "grid = 4", "grid: expected 5 to 201, found 4"),
        (STUDY, "every = 0", "every: expected at least 1, found 0"),
        (STUDY, "reach = 1.0", "reach: expected none, or plane = \"eigenvectors\""),
        (STUDY, "plane = \"eigenvectors\"\nreach = -1.0", "reach: expected a positive number, found -1"),
        (STUDY, "eigenvectors = \"extremes\"", "eigenvectors: expected none, or plane = \"eigenvectors\""),
        (STUDY, "arms = [\"explict\"]", "no arm has the name \"explict\" (did you mean \"explicit\"?)"),
        (STUDY, "arms = []", "arms: expected 1 to 50 arms of the study's own network and loss, found 0"),
        (STUDY, "arms = [\"newton\"]\nreference = \"explicit\"", "expected an arm that is shown, found \"explicit\""),
        (&own, "arms = [\"explicit\"]", "found \"explicit\" with its own loss: its loss is another function of θ"),
        (STUDY, "plane = \"pac\"", "unknown variant `pac`"),
    ];
    for (study, keys, message) in cases {
        let bench = bench(&format!("{study}[landscape]\n{keys}\n"));
        let (_, error) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "run"]);
        let plain = |text: &str| text.replace(['.', ':'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain(&error).contains(&plain(message)), "{keys}: {error}");
        assert!(!bench.path("run").exists());
    }
    let many = STUDY.replace("steps = 8", "steps = 100000");
    let bench = bench(&format!("{many}[landscape]\nevery = 1\n"));
    let (_, error) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "run"]);
    assert!(error.contains("expected at most 2000 iterates of all arms together, found 300006"), "{error}");
    bench.write(
        "study.toml",
        "[problem.rosenbrock]\n[landscape]\n[[arm]]\nname = \"a\"\nmethod.explicit = { h = 1e-4 }\n",
    );
    let (_, error) = bench.expect(2, &["run", "study.toml", "--quiet", "--out", "run"]);
    assert!(error.contains("expected [network], found a function"), "{error}");

    // Left open, arms of another loss are not shown, and the report names them.
    bench.write("study.toml", &format!("{own}[landscape]\ngrid = 5\n"));
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "run"]);
    assert_eq!(landscape(&bench, "run")["left_out"], serde_json::json!(["explicit"]));
    assert!(bench.read("run/report.html").contains("Not shown: explicit."));
}
