//! The schema of studies: it explains every key, accepts what gf accepts, and refuses what gf refuses.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use gf_cli::arguments::Scale;
use gf_cli::experiments::EXPERIMENTS;
use gf_cli::study::{Document, Study, schema};
use jsonschema::Validator;
use serde_json::{Value, json};
use support::{Bench, DATA, STUDY};

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

/// As an editor sees it. JSON has no infinity.
fn json_of(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, convert(value))).collect(),
            toml::Value::Array(array) => array.into_iter().map(convert).collect(),
            toml::Value::Float(x) => json!(x.clamp(f64::MIN, f64::MAX)),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    convert(toml::Value::Table(toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))))
}

fn faults(validator: &Validator, text: &str) -> Vec<String> {
    let study = json_of(text);
    validator.iter_errors(&study).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn assert_accepted(validator: &Validator, what: &str, text: &str) {
    let faults = faults(validator, text);
    assert!(faults.is_empty(), "{what}: {faults:?}");
}

#[test]
fn every_key_says_what_it_means_and_what_it_is_when_left_out() {
    fn walk(root: &Value, at: &str, node: &Value, keys: &mut usize) {
        let required: Vec<&Value> = node["required"].as_array().into_iter().flatten().collect();
        for (key, property) in node["properties"].as_object().into_iter().flatten() {
            *keys += 1;
            let text = property["description"].as_str().unwrap_or_default();
            assert!(text.len() >= 4 && !text.contains('\n'), "{at}.{key}: '{text}'");
            let target = property["$ref"].as_str().map(|name| &root["$defs"][&name["#/$defs/".len()..]]);
            let is_table = target.is_some_and(|target| target["type"] == "object");
            let is_choice = node["maxProperties"] == 1;
            if !required.contains(&&json!(key)) && !is_table && !is_choice {
                assert!(text.contains("default"), "{at}.{key} says no default: '{text}'");
            }
            walk(root, &format!("{at}.{key}"), property, keys);
        }
        for group in ["$defs", "anyOf", "oneOf"] {
            match &node[group] {
                Value::Object(members) => {
                    members.iter().for_each(|(name, member)| walk(root, &format!("{at}/{name}"), member, keys));
                }
                Value::Array(members) => members.iter().for_each(|member| walk(root, at, member, keys)),
                _ => {}
            }
        }
        walk_items(root, at, &node["items"], keys);
    }
    fn walk_items(root: &Value, at: &str, items: &Value, keys: &mut usize) {
        if items.is_object() {
            walk(root, at, items, keys);
        }
    }
    let (schema, mut keys) = (schema(), 0);
    walk(&schema, "", &schema, &mut keys);
    assert!(keys > 250, "{keys}");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let spelled = schema.to_string();
    assert!(!spelled.contains("\"null\"") && !spelled.contains(":null"));
}

#[test]
fn defaults_and_words_are_those_of_the_parser() {
    let schema = schema();
    let property = |definition: &str, key: &str| schema["$defs"][definition]["properties"][key].clone();
    assert_eq!(property("ImplicitSettings", "h")["default"], json!(0.05));
    assert_eq!(property("ImplicitSettings", "solver")["default"], json!("minres"));
    assert_eq!(property("SpectrumSpec", "top")["default"], json!(3));
    assert_eq!(property("RunSpec", "conservation")["default"], json!(false));
    assert_eq!(property("Layer", "skip")["default"], json!(false));
    assert_eq!(schema["properties"]["checkpoint"]["default"], json!({ "seconds": 30.0, "keep": 2 }));
    assert_eq!(schema["$defs"]["OnFailure"]["enum"], json!(["error", "record"]));
    let methods = schema["$defs"]["MethodSettings"]["properties"].as_object().unwrap();
    assert_eq!(methods.len(), gf_optim::registry::METHODS.len());
}

#[test]
fn every_study_that_gf_carries_is_accepted() {
    let validator = validator();
    for experiment in EXPERIMENTS {
        for scale in [Scale::Smoke, Scale::Standard, Scale::Full] {
            assert_accepted(&validator, experiment.name, &experiment.document(scale).unwrap().text);
        }
    }
    let bench = Bench::new();
    bench.expect(0, &["init"]);
    assert_accepted(&validator, "gf init", &bench.read("study.toml"));
}

#[test]
fn every_study_of_the_documentation_is_accepted() {
    let validator = validator();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut blocks = 0;
    for page in pages.chain(["README.md", "ARCHITECTURE.md"].map(|name| root.join(name))) {
        if page.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&page).unwrap();
        for block in text.split("```toml").skip(1) {
            let block = block.split("```").next().unwrap();
            assert_accepted(&validator, &page.display().to_string(), block);
            blocks += 1;
        }
    }
    assert!(blocks >= 4, "{blocks}");
}

#[test]
fn schema_and_parser_agree_on_what_is_wrong() {
    let validator = validator();
    let with = |from: &str, to: &str| {
        assert!(STUDY.contains(from), "{from}");
        STUDY.replace(from, to)
    };
    let wrong = [
        with("steps = 8", "stepps = 8"),
        with("steps = 8", "steps = \"eight\""),
        with("steps = 8", "steps = -8"),
        with("steps = 8", "steps = [8, 9]"),
        with("seeds = [0, 1]", "seeds = 0"),
        with("seeds = [0, 1]", "order = \"random\""),
        with("steps = 8", "evaluate_every = \"epochs\""),
        with("steps = 8", "evaluate_every = { epoch = 3 }"),
        with("steps = 8", "last_batch = \"ignore\""),
        with("steps = 8", "early_stopping = { patiense = 3 }"),
        with("kind = \"mse\"", "kind = \"mae\""),
        with("kind = \"mse\"", "kind = \"mse\"\nreduction = \"total\""),
        with("kind = \"mse\"", "l2 = 1.0"),
        with("\"tanh\"", "\"tahn\""),
        with("units = 4, activation = \"tanh\"", "units = 4"),
        with("[loss]", "initialization = \"he\"\n[loss]"),
        with("[loss]", "initialization = { scale = \"large\" }\n[loss]"),
        with("[loss]", "initialization = { scale = 0.1, gain = 1.0 }\n[loss]"),
        with("csv = \"data.csv\"", "csv = 3"),
        with("target = [\"y\"]", "target = [0.5]"),
        with("target = [\"y\"]", "target = [\"y\"]\nscale = \"minmax\""),
        with("target = [\"y\"]", "target = [\"y\"]\ndelimiter = \"ab\""),
        with("fraction = 0.25", "fraction = \"0.25\""),
        with("method.explicit = { h = 0.1 }", "method.explict = { h = 0.1 }"),
        with("method.explicit = { h = 0.1 }", "method.explicit = { step = 0.1 }"),
        with("method.explicit = { h = 0.1 }", "method.explicit = { h = [\"a\"] }"),
        with("method.explicit = { h = 0.1 }", "method.explicit = { h = [] }"),
        with("method.explicit = { h = 0.1 }", "method = { explicit = {}, heun = {} }"),
        with("method.explicit = { h = 0.1 }", "control.constant = {}"),
        with("{ h = 0.5 }", "{ h = 0.5, solver = \"lu\" }"),
        with("{ h = 0.5 }", "{ h = 0.5 }\ncontrol.armijo = { exhausted = \"retry\" }"),
        with("{ h = 0.5 }", "{ h = 0.5 }\nschedule.cosin = {}"),
        with("{ h = 0.5 }", "{ h = 0.5 }\nschedule.warmup = {}"),
        with("{ h = 0.5 }", "{ h = 0.5 }\nstart = [\"a\"]"),
        format!("{STUDY}[spectrum]\ntop = 1.5\n"),
        format!("{STUDY}[checkpoint]\nkeep = \"all\"\n"),
        format!("{STUDY}[landscape]\nplane = \"pac\"\n"),
        format!("{STUDY}[landscape]\nevery = \"step\"\n"),
        format!("{STUDY}[spectral]\ntop = 1\n"),
        format!("{STUDY}[[claim]]\ntext = \"t\"\ncheck.ahead = {{ leader = \"explicit\" }}\n"),
        format!("{STUDY}[[claim]]\ntext = \"t\"\ncheck.behind = {{ leader = \"explicit\" }}\n"),
        "[problem.rosenbrok]\n".into(),
        "[problem.rosenbrock]\ndim = -2\n".into(),
        "[problem.quadratic]\nrotated = true\n".into(),
    ];
    assert_accepted(&validator, "the study that is made wrong", STUDY);
    let bench = Bench::new();
    bench.write("data.csv", DATA);
    for study in wrong {
        bench.write("study.toml", &study);
        bench.expect(2, &["run", "study.toml", "--quiet", "--out", "out"]);
        assert!(!faults(&validator, &study).is_empty(), "the schema accepts\n{study}");
    }
}

#[test]
fn lists_stand_for_arms_only_where_the_parser_expands_them() {
    let validator = validator();
    let arm = |keys: &str| format!("[problem.rosenbrock]\n[run]\nsteps = 2\n[[arm]]\nname = \"a\"\n{keys}\n");
    for keys in [
        "method.implicit = { h = [1e-4, 0.1], solver = [\"minres\", \"lblt\"], warm_start = [true, false] }",
        "method.newton = { damping = [0.1, 1.0] }\ncontrol.armijo = { factor = [0.2, 0.5] }",
        "method.explicit = { h = 1e-4 }\nschedule.cosine = { minimum = [0.1, 0.01] }",
        "method.explicit = { h = 1e-4 }\nstart = [[1.0, 2.0], [3.0, 4.0]]",
        "method.explicit = { h = 1e-4 }\nstart = [1.0, 2.0]",
    ] {
        assert_accepted(&validator, keys, &arm(keys));
        let bench = Bench::new();
        bench.write("study.toml", &arm(keys)).expect(0, &["schedule", "study.toml"]);
    }
    for keys in ["method.explicit = { h = 1e-4 }\nsteps = [1, 2]", "method.explicit = { h = [[0.1]] }"] {
        assert!(!faults(&validator, &arm(keys)).is_empty(), "{keys}");
        let bench = Bench::new();
        bench.write("study.toml", &arm(keys)).expect(2, &["schedule", "study.toml"]);
    }
}

#[test]
fn the_command_writes_the_schema_and_an_unwritable_place_is_an_error() {
    let bench = Bench::new();
    let (out, _) = bench.expect(0, &["schema"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), schema());
    bench.expect(0, &["schema", "--out", "gf.schema.json"]);
    assert_eq!(serde_json::from_str::<Value>(&bench.read("gf.schema.json")).unwrap(), schema());
    let (_, err) = bench.expect(2, &["schema", "--out", "nowhere/gf.schema.json"]);
    assert!(err.contains("nowhere/gf.schema.json"), "{err}");
}

/// Reads what `--print-config` printed, and the study that it came from.
fn printed(bench: &Bench, study: &str) -> String {
    bench.write("data.csv", DATA).write("study.toml", study);
    let (config, _) = bench.expect(0, &["run", "study.toml", "--print-config"]);
    assert!(!bench.path("runs").exists(), "nothing runs");
    config
}

#[test]
fn a_printed_configuration_is_the_study_of_its_run_folder_and_runs_to_the_same_bits() {
    let study = STUDY.replace("{ h = 0.1 }", "{ h = [0.1, 0.2] }\nschedule.step = { every = 1.0 }");
    let bench = Bench::new();
    let config = printed(&bench, &study);
    assert_accepted(&validator(), "the configuration", &config);
    bench.expect(0, &["run", "study.toml", "--quiet", "--out", "a"]);
    let table = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
    assert_eq!(table(&config), table(&bench.read("a/study.toml")));

    let other = Bench::new();
    other.write("config.toml", &config).expect(0, &["run", "config.toml", "--quiet", "--out", "b"]);
    let history = |bench: &Bench, name: &str| support::without_wall(&bench.read(name));
    assert_eq!(history(&bench, "a/history.csv"), history(&other, "b/history.csv"));
    // Printed again, nothing is left to fill in.
    let (again, _) = other.expect(0, &["run", "config.toml", "--print-config"]);
    assert_eq!(again, config);
}

#[test]
fn a_printed_configuration_shows_all_defaults_and_names_what_is_not_set() {
    let config = printed(&Bench::new(), STUDY);
    for piece in [
        "missing = \"refuse\"",
        "delimiter = \",\"",
        "header = true",
        "scale = \"none\"",
        "reduction = \"mean\"",
        "conservation = false",
        "monitor = false",
        "skip = false",
        "[checkpoint]\nkeep = 2\nseconds = 30.0",
        "[arm.control.constant]",
        "# gradient_norm: not set [default: none]",
        "# spectrum: not set [default: none]",
        "# problem: not set [default: none]",
        "# initialization: not set [default: as `[network]` says]",
        "# clip_norm: not set [default: none]",
        "# curvature_batch: not set [default: the batch of the gradient]",
    ] {
        assert!(config.contains(piece), "{piece} in\n{config}");
    }
    // Every key of the schema that has a default has a value.
    let study: Study = Document::builtin("config", config.clone()).parse().unwrap();
    assert_eq!(study.arms.len(), 3);
    let csv = study.data.unwrap().csv.unwrap();
    assert!(csv.is_absolute(), "{}", csv.display());
    let bench = Bench::new();
    bench.write("data.csv", DATA).write("study.toml", STUDY);
    let (out, err) = bench.expect(2, &["run", "study.toml", "--print-config", "--set", "run.stepps=1"]);
    assert!(out.is_empty() && err.contains("stepps"), "{err}");
    let huber = STUDY.replace("kind = \"mse\"", "kind = \"huber\"");
    assert!(printed(&Bench::new(), &huber).contains("delta = 1.0"));
}

#[test]
fn experiments_print_their_configuration() {
    let bench = Bench::new();
    for experiment in EXPERIMENTS {
        let (config, _) = bench.expect(0, &["experiment", experiment.name, "--scale", "smoke", "--print-config"]);
        assert_accepted(&validator(), experiment.name, &config);
        bench.write("config.toml", &config);
        let (again, _) = bench.expect(0, &["run", "config.toml", "--print-config"]);
        assert_eq!(again, config, "{}", experiment.name);
    }
    let (_, err) = bench.expect(2, &["experiment", "--all", "--print-config"]);
    assert!(err.contains("--all"), "{err}");
}
