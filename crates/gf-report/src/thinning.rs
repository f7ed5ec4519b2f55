//! Fewer points that look the same: of every bucket of abscissas as wide as a pixel or a few, the lowest and the highest point stay.

use crate::{Figure, Mark, Panel, View};

/// At most about `most` of the points of a curve, in order, with its ends, and the lowest and highest ordinate of every bucket.
///
/// Abscissas that ascend are cut into buckets of equal width, half of them on a linear and half on a logarithmic axis, so that neither scale loses its
/// extremes; other curves are paths and are cut into pieces of as many points. The answer is the indices that stay.
///
/// Shapes: `x` and `y` have one length.
pub(crate) fn kept(x: &[f64], y: &[f64], most: usize) -> Vec<usize> {
    let count = x.len().min(y.len());
    if count <= most.max(4) {
        return (0..count).collect();
    }
    // Two points a bucket, and the ends.
    let buckets = (most.max(4) - 2) / 2;
    let ascends = x.windows(2).all(|pair| pair[0] <= pair[1]) && x[0].is_finite() && x[count - 1].is_finite();
    let mut kept = vec![0, count - 1];
    match x.iter().copied().find(|x| *x > 0.0) {
        Some(first) if ascends && x[0] >= 0.0 => {
            let width = (x[count - 1] - x[0]) / (buckets - buckets / 2) as f64;
            extremes(y, |k| ((x[k] - x[0]) / width) as i64, &mut kept);
            let width = (x[count - 1] / first).ln() / (buckets / 2) as f64;
            extremes(y, |k| if x[k] > 0.0 { ((x[k] / first).ln() / width) as i64 } else { -1 }, &mut kept);
        }
        _ if ascends => extremes(y, |k| ((x[k] - x[0]) / (x[count - 1] - x[0]) * buckets as f64) as i64, &mut kept),
        _ => extremes(y, |k| (k * buckets / count) as i64, &mut kept),
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// Adds the lowest and the highest finite point of every run of points with the same bucket.
fn extremes(y: &[f64], bucket: impl Fn(usize) -> i64, kept: &mut Vec<usize>) {
    let mut start = 0;
    while start < y.len() {
        let end = (start..y.len()).find(|k| bucket(*k) != bucket(start)).unwrap_or(y.len());
        let finite = || (start..end).filter(|k| y[*k].is_finite());
        kept.extend(finite().min_by(|a, b| y[*a].total_cmp(&y[*b])));
        kept.extend(finite().max_by(|a, b| y[*a].total_cmp(&y[*b])));
        // What cannot be drawn is a gap, and has to stay one.
        kept.extend((start..end).find(|k| !y[*k].is_finite()));
        start = end;
    }
}

/// The mark with at most about `most` points a line; a band, which needs two and is smooth, has a third as many abscissas.
pub(crate) fn thinned(mark: &Mark, most: usize) -> Mark {
    let pick = |values: &[f64], kept: &[usize]| -> Vec<f64> { kept.iter().map(|k| values[*k]).collect() };
    match mark {
        Mark::Line { label, style, x, y } => {
            let kept = kept(x, y, most);
            Mark::line(label, *style, pick(x, &kept), pick(y, &kept))
        }
        Mark::Points { label, style, x, y } => {
            let kept = kept(x, y, most);
            Mark::points(label, *style, pick(x, &kept), pick(y, &kept))
        }
        Mark::Band { style, x, low, high } => {
            let mut both = kept(x, low, most / 6);
            both.extend(kept(x, high, most / 6));
            both.sort_unstable();
            both.dedup();
            Mark::band(*style, pick(x, &both), pick(low, &both), pick(high, &both))
        }
        other => other.clone(),
    }
}

/// Points that a mark draws.
pub(crate) fn points(mark: &Mark) -> usize {
    match mark {
        Mark::Line { x, .. } | Mark::Points { x, .. } => x.len(),
        Mark::Band { x, .. } => 2 * x.len(),
        _ => 0,
    }
}

/// The figures with so few points a mark that all of them together draw at most `most`, whatever abscissas are chosen; unchanged where they do already.
pub(crate) fn within(figures: &[&Figure], most: usize) -> Vec<Figure> {
    // Fewer would hide what a curve does, even where a page has too many of them.
    const FEWEST: usize = 24;
    let drawn = |figures: &[Figure]| figures.iter().map(Figure::points).sum::<usize>();
    let all = |limit: usize| -> Vec<Figure> { figures.iter().map(|figure| figure_within(figure, limit)).collect() };
    let mut limit = most;
    let mut found = all(limit);
    // Lines shorter than the limit leave room for the others: it is found by steps, three or four as a rule.
    while drawn(&found) > most && limit > FEWEST {
        let largest = figures.iter().flat_map(|figure| &figure.panels).flat_map(|panel| &panel.marks).map(points).max();
        let share = most as f64 / drawn(&found) as f64;
        limit = ((limit.min(largest.unwrap_or(0)) as f64 * share.clamp(0.1, 0.97)) as usize).max(FEWEST);
        found = all(limit);
    }
    found
}

/// The figure with at most about `limit` points a mark.
pub(crate) fn figure_within(figure: &Figure, limit: usize) -> Figure {
    let thin = |marks: &[Mark]| marks.iter().map(|mark| thinned(mark, limit)).collect();
    let panel = |panel: &Panel| Panel {
        title: panel.title.clone(),
        x: panel.x.clone(),
        y: panel.y.clone(),
        marks: thin(&panel.marks),
        views: panel.views.iter().map(|view| View { x: view.x.clone(), marks: thin(&view.marks) }).collect(),
    };
    Figure {
        id: figure.id.clone(),
        caption: figure.caption.clone(),
        panels: figure.panels.iter().map(panel).collect(),
        ..*figure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Axis;

    #[test]
    fn ends_extremes_and_order_stay() {
        let x: Vec<f64> = (0..13_001).map(f64::from).collect();
        let mut y: Vec<f64> = x.iter().map(|x| (x * 0.01).sin()).collect();
        (y[7777], y[3333]) = (50.0, -50.0);
        let kept = kept(&x, &y, 200);
        assert!(kept.len() <= 200 && kept.len() > 100, "{}", kept.len());
        assert!(kept.contains(&7777) && kept.contains(&3333));
        assert_eq!((kept[0], kept[kept.len() - 1]), (0, 13_000));
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn every_bucket_keeps_its_lowest_and_highest_on_both_scales() {
        // Saw teeth of growing length: the extremes of every pixel column of a chart, linear or logarithmic, must survive.
        let x: Vec<f64> = (1..=20_000).map(f64::from).collect();
        let y: Vec<f64> = (1..=20_000_u32).map(|k| f64::from(k.wrapping_mul(2_654_435_761) % 1000)).collect();
        let kept = kept(&x, &y, 402);
        let scales: [fn(f64) -> f64; 2] = [|x| (x - 1.0) / 19_999.0, |x| x.ln() / 20_000_f64.ln()];
        for scale in scales {
            let bucket = |k: usize| (scale(x[k]) * 100.0) as usize;
            for wanted in 0..100 {
                let whole: Vec<usize> = (0..x.len()).filter(|k| bucket(*k) == wanted).collect();
                let extreme = |values: &[usize]| values.iter().fold(f64::MIN, |top, k| top.max(y[*k]));
                let left: Vec<usize> = kept.iter().copied().filter(|k| bucket(*k) == wanted).collect();
                assert!(whole.is_empty() || extreme(&whole) == extreme(&left), "bucket {wanted}");
            }
        }
    }

    #[test]
    fn gaps_and_paths_survive() {
        let x: Vec<f64> = (0..5000).map(f64::from).collect();
        let mut y = x.clone();
        y[2500] = f64::NAN;
        assert!(kept(&x, &y, 100).contains(&2500));
        let circle: Vec<f64> = x.iter().map(|x| (x * 0.002).cos()).collect();
        let kept = kept(&circle, &x, 100);
        assert!(kept.len() > 50 && kept.len() <= 100);
    }

    #[test]
    fn a_page_of_figures_keeps_to_its_limit() {
        let x: Vec<f64> = (0..10_000).map(f64::from).collect();
        let mut panel = Panel::new("", Axis::linear("x"), Axis::linear("y"));
        for arm in 0..20 {
            let y: Vec<f64> = x.iter().map(|x| (x * 0.003).sin() + f64::from(arm)).collect();
            panel = panel.with(Mark::band(0, x.clone(), y.clone(), y.clone())).with(Mark::line("", 0, x.clone(), y));
        }
        let figure = Figure::new("f", "c", vec![panel.clone(), panel]);
        let found = within(&[&figure, &figure], 20_000);
        let drawn: usize = found.iter().map(Figure::points).sum();
        assert!(drawn <= 20_000 && drawn > 15_000, "{drawn}");
    }
}
