//! Which arms a report shows where a study has more than a reader can tell apart.

use crate::folder::Folder;
use crate::summary::ArmSummary;

/// Up to so many arms all are shown.
pub(crate) const MOST_ARMS: usize = 60;
/// Of more arms, so many.
const BEST: usize = 12;

/// The arms with the lowest median final validation loss, best first; none where all can be shown. Equal ones stay in the order of the study.
pub(crate) fn best_arms(arms: &[ArmSummary]) -> Option<Vec<usize>> {
    let loss = |index: &usize| arms[*index].final_val_loss_quartiles[1].unwrap_or(f64::INFINITY);
    let mut order: Vec<usize> = (0..arms.len()).collect();
    order.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    order.truncate(BEST);
    (arms.len() > MOST_ARMS).then_some(order)
}

/// The folder with its best arms only, and what a reader has to know of that; none where all are shown.
pub(super) fn best(folder: &Folder) -> Option<(Folder, String)> {
    let order = best_arms(&folder.summary.arms)?;
    let (mut study, mut summary) = (folder.study.clone(), folder.summary.clone());
    study.arms = order.iter().map(|index| folder.study.arms[*index].clone()).collect();
    summary.arms = order.iter().map(|index| folder.summary.arms[*index].clone()).collect();
    let histories = summary.arms.iter().flat_map(|arm| folder.arm(&arm.name)).cloned().collect();
    let all = &folder.summary.arms;
    let failed = all.iter().filter(|arm| arm.runs.iter().any(|run| run.failure.is_some())).count();
    let note = format!(
        "Of {} arms, {failed} of which failed on a seed at least, the {} with the lowest final validation loss are shown, best first; a failed run counts \
         as infinite. Figures of settings and step sizes, and claims, are of all arms; summary.json has every one.",
        all.len(),
        order.len()
    );
    Some((Folder { path: folder.path.clone(), study, summary, histories }, note))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arms(losses: &[Option<f64>]) -> Vec<ArmSummary> {
        let arm = |loss: &Option<f64>| ArmSummary {
            name: String::new(),
            method: String::new(),
            settings: String::new(),
            final_val_loss_quartiles: [*loss; 3],
            runs: Vec::new(),
        };
        losses.iter().map(arm).collect()
    }

    #[test]
    fn many_arms_are_cut_to_the_best_and_failed_ones_are_last() {
        let mut losses: Vec<Option<f64>> = (0..MOST_ARMS).map(|k| Some(100.0 - k as f64)).collect();
        assert_eq!(best_arms(&arms(&losses)), None);
        losses[7] = None;
        losses.push(Some(0.5));
        let best = best_arms(&arms(&losses)).expect("a choice");
        assert_eq!(best[..3], [MOST_ARMS, MOST_ARMS - 1, MOST_ARMS - 2]);
        assert_eq!(best.len(), BEST);
        let failed = best_arms(&arms(&vec![None; MOST_ARMS + 1])).expect("a choice");
        assert_eq!(failed, (0..BEST).collect::<Vec<_>>());
    }
}
