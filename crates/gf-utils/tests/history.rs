//! The observer, the best parameters, and the file.

use std::fs;
use std::time::Duration;

use gf_core::{Event, Observer, StepRecord, Work};
use gf_utils::history::{HistoryError, Patience, Table, read_histories, write_histories};
use gf_utils::{Evaluation, History, HistorySettings};

fn record<'a>(step: u64, theta: &'a [f64], events: &'a [Event]) -> StepRecord<'a> {
    StepRecord {
        step,
        time: Some(0.1 * step as f64),
        step_size: (step > 0).then_some(0.1),
        learning_rate: (step > 0).then_some(0.2),
        theta,
        loss: 1.0 / (step + 1) as f64,
        gradient: &[2.0],
        gradient_norm: 2.0,
        step_norm: 1e-300,
        update_ratio: 1.0 / 3.0,
        work: Work::default(),
        gradient_equivalents: 1.5 * step as f64,
        rejected: step as u32 % 2,
        events,
    }
}

fn settings(evaluate_every: u64, metrics: &[&str]) -> HistorySettings {
    let metric_names = metrics.iter().map(|name| (*name).to_owned()).collect();
    HistorySettings { expected_steps: 10, batches_per_epoch: 4, evaluate_every, metric_names }
}

/// Losses are the parameter itself.
fn identity(theta: &[f64], out: &mut Evaluation) {
    (out.train_loss, out.val_loss) = (theta[0] / 2.0, theta[0]);
    out.metrics.fill(theta[0] * 10.0);
}

fn with_losses(losses: &[f64]) -> History<impl FnMut(&[f64], &mut Evaluation)> {
    let mut history = History::new(settings(1, &["val_mae"]), identity).expect("valid settings");
    for (step, &loss) in losses.iter().enumerate() {
        history.accepted(&record(step as u64, &[loss, step as f64], &[]));
    }
    history
}

/// NaN equals NaN here.
fn same(a: &Table, b: &Table) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

#[test]
fn a_row_per_step_with_epoch_time_and_events() {
    let mut history = History::new(settings(1, &["val_mae"]), identity).unwrap();
    history.accepted(&record(0, &[4.0], &[]));
    history.accepted(&record(1, &[3.0], &[Event::PastPole, Event::RaisedDamping]));
    history.accepted(&record(2, &[2.0], &[Event::RaisedDamping, Event::PastPole]));
    history.accepted(&record(3, &[1.0], &[Event::PastPole, Event::RaisedDamping]));
    let table = history.table();
    assert_eq!(table.rows().iter().map(|row| row.epoch).collect::<Vec<_>>(), [0.0, 0.25, 0.5, 0.75]);
    assert_eq!(table.column("h").unwrap()[1..], [0.1; 3]);
    assert!(table.column("h").unwrap()[0].is_nan());
    assert_eq!(table.column("val_loss").unwrap(), [4.0, 3.0, 2.0, 1.0]);
    assert_eq!(table.column("val_mae").unwrap(), [40.0, 30.0, 20.0, 10.0]);
    assert_eq!(table.column("grad_equivalents").unwrap(), [0.0, 1.5, 3.0, 4.5]);
    assert_eq!(table.column("accuracy"), None);
    assert_eq!(table.metrics(2), [20.0]);
    let reasons: Vec<&str> = (0..4).map(|row| table.reason(row)).collect();
    assert_eq!(reasons, ["", "past-pole+raised-damping", "raised-damping+past-pole", "past-pole+raised-damping"]);
}

#[test]
fn the_best_parameters_are_strictly_the_lowest_and_never_nan() {
    let nan = f64::NAN;
    type Case<'a> = (&'a [f64], Option<(u64, f64)>);
    let cases: [Case<'_>; 7] = [
        (&[3.0, 1.0, 2.0], Some((1, 1.0))),
        (&[2.0, 1.0, 1.0, 1.0], Some((1, 1.0))),
        (&[1.0, 2.0, 3.0], Some((0, 1.0))),
        (&[nan, 2.0, nan, 1.0, nan], Some((3, 1.0))),
        (&[1.0, nan], Some((0, 1.0))),
        (&[f64::INFINITY, f64::INFINITY, 1e300], Some((2, 1e300))),
        (&[nan, nan], None),
    ];
    for (losses, expected) in cases {
        let history = with_losses(losses);
        assert_eq!(history.best().map(|best| (best.step, best.val_loss)), expected, "{losses:?}");
        let mut theta = [9.0, 9.0];
        match expected {
            Some((step, loss)) => {
                assert_eq!(history.roll_back(&mut theta), Ok(step));
                assert_eq!(theta, [loss, step as f64]);
            }
            None => {
                assert_eq!(history.roll_back(&mut theta), Err(HistoryError::NoBest));
                assert_eq!(theta, [9.0, 9.0]);
            }
        }
    }
    let error = with_losses(&[1.0]).roll_back(&mut [0.0; 3]);
    assert_eq!(error, Err(HistoryError::Length { expected: 2, found: 3 }));
}

#[test]
fn evaluations_come_every_k_steps_and_once_at_the_end() {
    let mut calls = 0;
    let mut history = History::new(settings(3, &[]), |theta: &[f64], out: &mut Evaluation| {
        calls += 1;
        out.val_loss = theta[0];
    })
    .unwrap();
    for step in 0..=7 {
        history.accepted(&record(step, &[10.0 - step as f64], &[]));
    }
    history.complete(&[3.0]);
    history.complete(&[3.0]);
    let losses = history.table().column("val_loss").unwrap();
    let evaluated: Vec<usize> = (0..8).filter(|&step| !losses[step].is_nan()).collect();
    assert_eq!(evaluated, [0, 3, 6, 7]);
    assert_eq!(losses[7], 3.0);
    assert!(history.table().column("train_loss").unwrap().iter().all(|loss| loss.is_nan()));
    assert_eq!(history.best().unwrap().step, 7);
    drop(history);
    assert_eq!(calls, 4);
}

#[test]
fn an_evaluation_leaves_nothing_behind_for_the_next() {
    let mut first = true;
    let mut history = History::new(settings(1, &["val_mae"]), |_: &[f64], out: &mut Evaluation| {
        if first {
            (out.val_loss, out.metrics[0]) = (1.0, 2.0);
        }
        first = false;
    })
    .unwrap();
    history.accepted(&record(0, &[0.0], &[]));
    history.accepted(&record(1, &[0.0], &[]));
    assert!(history.table().rows()[1].val_loss.is_nan() && history.table().metrics(1)[0].is_nan());
}

#[test]
fn the_stopwatch_runs_only_within_steps() {
    let wait = Duration::from_millis(30);
    let slow = |_: &[f64], _: &mut Evaluation| std::thread::sleep(Duration::from_millis(30));
    let mut history = History::new(settings(1, &[]), slow).unwrap();
    history.accepted(&record(0, &[0.0], &[]));
    history.step_started();
    std::thread::sleep(wait);
    history.step_finished();
    history.accepted(&record(1, &[0.0], &[]));
    std::thread::sleep(wait);
    history.step_finished(); // Not started: nothing is counted.
    history.accepted(&record(2, &[0.0], &[]));
    let wall = history.table().column("wall_s").unwrap();
    assert_eq!(wall[0], 0.0);
    assert!(wall[1] >= 0.03, "{wall:?}");
    assert_eq!(wall[1], wall[2]);
}

#[test]
fn a_resumed_history_goes_on_where_it_stopped() {
    let losses = [4.0, 2.0, 3.0, 1.0, 5.0];
    let whole = with_losses(&losses);
    let part = with_losses(&losses[..3]);
    let (table, best) = (part.table().clone(), part.best().cloned());
    let mut resumed = History::new(settings(1, &["val_mae"]), identity).unwrap().resume(table.clone(), best).unwrap();
    for step in 3..5 {
        resumed.accepted(&record(step as u64, &[losses[step], step as f64], &[]));
    }
    assert!(same(resumed.table(), whole.table()));
    assert_eq!(resumed.best(), whole.best());
    let other = History::new(settings(1, &["val_accuracy"]), identity).unwrap().resume(table, None);
    assert!(matches!(other, Err(HistoryError::Metrics { .. })));
}

#[test]
fn settings_are_checked() {
    let cases = [
        (HistorySettings { batches_per_epoch: 0, ..settings(1, &[]) }, "batches_per_epoch is 0; expected at least 1"),
        (settings(1, &["loss"]), "metric_names is \"loss\"; expected names that differ"),
        (settings(1, &["a", "a"]), "metric_names is \"a\"; expected names that differ"),
        (settings(1, &[""]), "metric_names is \"\"; expected names that differ"),
    ];
    for (settings, message) in cases {
        let error = History::new(settings, identity).err().unwrap().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn the_file_has_the_documented_columns_and_shortest_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.csv");
    let mut history = History::new(settings(2, &["val_mae"]), identity).unwrap();
    history.accepted(&record(0, &[0.1], &[]));
    history.accepted(&StepRecord {
        time: None,
        step_size: None,
        loss: f64::NAN,
        ..record(1, &[0.2], &[Event::PastPole])
    });
    history.accepted(&StepRecord { loss: f64::INFINITY, ..record(2, &[1e22], &[Event::PastPole, Event::WarmUp]) });
    let plain = History::without_evaluation(1, 1).unwrap();
    write_histories(&path, [("implicit, h=0.05", 7, history.table()), ("empty", 1, plain.table())]).unwrap();
    let third = "0.3333333333333333";
    let expected = [
        "arm,seed,step,epoch,time,h,learning_rate,loss,train_loss,val_loss,val_mae,grad_norm,step_norm,update_ratio,grad_equivalents,\
         wall_s,rejected,reason",
        &format!("\"implicit, h=0.05\",7,0,0.0,0.0,,,1.0,0.05,0.1,1.0,2.0,1e-300,{third},0.0,0.0,0,"),
        &format!("\"implicit, h=0.05\",7,1,0.25,,,0.2,NaN,,,,2.0,1e-300,{third},1.5,0.0,1,past-pole"),
        &format!(
            "\"implicit, h=0.05\",7,2,0.5,0.2,0.1,0.2,inf,5e21,1e22,1e23,2.0,1e-300,{third},3.0,0.0,0,past-pole+warm-up"
        ),
        "",
    ];
    assert_eq!(fs::read_to_string(&path).unwrap(), expected.join("\n"));
}

#[test]
fn several_histories_come_back_from_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.csv");
    let (a, b) = (with_losses(&[0.1, 1.0 / 3.0, f64::NAN]), with_losses(&[1e-17, 2.5e300]));
    let mut other = History::new(settings(1, &["val_accuracy"]), identity).unwrap();
    other.accepted(&record(0, &[0.5], &[Event::UsedGaussNewton]));
    let written = [("newton", 1, a.table()), ("newton", 2, b.table()), ("explicit", 1, other.table())];
    write_histories(&path, written).unwrap();
    let read = read_histories(&path).unwrap();
    assert_eq!(read.len(), 3);
    for (read, (arm, seed, table)) in read.iter().zip(written) {
        assert_eq!((read.arm.as_str(), read.seed), (arm, seed));
        assert_eq!(read.table.metric_names(), ["val_mae", "val_accuracy"]);
        for column in [
            "step",
            "time",
            "h",
            "learning_rate",
            "loss",
            "train_loss",
            "val_loss",
            "step_norm",
            "update_ratio",
            "rejected",
        ] {
            let bits = |table: &Table| table.column(column).unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&read.table), bits(table), "{column}");
        }
        for row in 0..table.rows().len() {
            assert_eq!(read.table.reason(row), table.reason(row));
        }
    }
    assert_eq!(read[2].table.column("val_accuracy").unwrap(), [5.0]);
    assert!(read[2].table.column("val_mae").unwrap()[0].is_nan());
}

#[test]
fn damaged_files_say_where() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history.csv");
    write_histories(&path, [("newton", 1, with_losses(&[0.1, 0.2]).table())]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let cases = [
        (
            text.replace("grad_norm", "gradient"),
            "line 1: expected column \"grad_norm\" at position 12, found \"gradient\"",
        ),
        (text.replace("arm,seed", "seed,arm"), "line 1: expected column \"arm\" at position 1, found \"seed\""),
        (text.replace("newton,1,1,", "newton,1,one,"), "line 3, column \"step\": expected a step, found \"one\""),
        (text.replace("newton,1,1,", "newton,-1,1,"), "line 3, column \"seed\": expected a seed, found \"-1\""),
        (text.replace("0.2,2.0,", "0.2,x,"), "line 3, column \"val_mae\": expected a number or nothing, found \"x\""),
        (format!("{text}newton,1\n"), "line 4: expected 18 fields as in the header, found 2"),
        (String::new(), "the file is empty; expected a header line"),
    ];
    for (text, message) in cases {
        fs::write(&path, text).unwrap();
        let error = read_histories(&path).unwrap_err().to_string();
        assert!(error.contains(message), "{error}\n{message}");
    }
}

#[derive(serde::Deserialize)]
struct EarlyStop {
    /// Null for NaN.
    losses: Vec<Option<f64>>,
    patience: u64,
    min_delta: f64,
    ends_at: Option<usize>,
}

/// Made by peers/golden_early_stopping.py.
fn early_stops() -> Vec<EarlyStop> {
    serde_json::from_str(include_str!("fixtures/early_stopping.json")).expect("the fixture is JSON")
}

#[test]
fn early_stopping_ends_where_a_plain_implementation_in_python_does() {
    for case in early_stops() {
        let mut patience = Patience::new(case.patience, case.min_delta);
        let found = case.losses.iter().position(|loss| patience.is_exhausted_by(loss.unwrap_or(f64::NAN)));
        assert_eq!(found, case.ends_at, "{:?}, patience {}, min_delta {}", case.losses, case.patience, case.min_delta);
    }
}

/// Evaluated at every second step; resumed after every step; what is asked after it.
#[test]
fn a_history_asks_for_the_end_at_the_same_step_after_a_resume() {
    for case in early_stops() {
        let new = || History::new(settings(2, &["val_mae"]), identity).unwrap();
        let mut history = new().with_early_stopping(Patience::new(case.patience, case.min_delta));
        let mut ended = None;
        for step in 0..2 * case.losses.len() {
            let loss = case.losses[step / 2].unwrap_or(f64::NAN);
            history.accepted(&record(step as u64, &[loss], &[]));
            if history.stop_requested() == Some("early-stopping") {
                ended = Some(step);
                break;
            }
            assert_eq!(history.stop_requested(), None);
            let (table, best) = (history.table().clone(), history.best().cloned());
            let fresh = new().with_early_stopping(Patience::new(case.patience, case.min_delta));
            history = fresh.resume(table, best).unwrap();
        }
        assert_eq!(ended, case.ends_at.map(|evaluation| 2 * evaluation));
    }
}
