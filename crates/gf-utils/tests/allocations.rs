//! Recording allocates nothing per step. Alone in its file: it replaces the allocator.

use gf_core::{Event, Observer, StepRecord, Work};
use gf_testing::{CountingAllocator, fewest_allocations};
use gf_utils::{Evaluation, History, HistorySettings};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn hundreds_of_steps_allocate_nothing_after_the_start() {
    let settings = HistorySettings {
        expected_steps: 1000,
        batches_per_epoch: 50,
        evaluate_every: 1,
        metric_names: vec!["val_mae".to_owned(), "val_r2".to_owned()],
    };
    let mut history = History::new(settings, |theta: &[f64], out: &mut Evaluation| {
        (out.train_loss, out.val_loss) = (theta[0], theta[0]);
        out.metrics.fill(theta[1]);
    })
    .unwrap();
    let mut theta = vec![1.0; 500];
    let events = [Event::PastPole, Event::RaisedDamping];
    let mut step = |step: u64, history: &mut History<_>| {
        theta[0] = 1.0 / (step + 1) as f64; // Every step is the best so far.
        history.step_started();
        history.step_finished();
        history.accepted(&StepRecord {
            step,
            time: None,
            step_size: None,
            learning_rate: None,
            theta: &theta,
            loss: 1.0,
            gradient: &[1.0],
            gradient_norm: 1.0,
            step_norm: 1.0,
            update_ratio: 1.0,
            work: Work::default(),
            gradient_equivalents: 1.0,
            rejected: 0,
            events: &events,
        });
    };
    step(0, &mut history);
    let mut last = 0;
    let found = fewest_allocations(|| {
        for k in last + 1..=last + 300 {
            step(k, &mut history);
        }
        last += 300;
    });
    assert_eq!(found, 0);
    assert_eq!((history.table().rows().len(), history.best().unwrap().step), (901, 900));
}
