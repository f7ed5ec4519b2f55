//! Recording allocates nothing per step. Alone in its file: it replaces the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use gf_core::{Event, Observer, StepRecord, Work};
use gf_utils::{Evaluation, History, HistorySettings};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is that of the system's allocator.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_thousand_steps_allocate_nothing_after_the_start() {
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
            theta: &theta,
            loss: 1.0,
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
    let before = COUNT.load(Ordering::Relaxed);
    for k in 1..=1000 {
        step(k, &mut history);
    }
    let after = COUNT.load(Ordering::Relaxed);
    assert_eq!(after - before, 0);
    assert_eq!((history.table().rows().len(), history.best().unwrap().step), (1001, 1000));
}
