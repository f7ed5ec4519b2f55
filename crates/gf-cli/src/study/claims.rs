//! The checks of claims.

use miette::Report;

use super::Problem;

impl Problem {
    /// Checks that every claim names arms and metrics that there are.
    pub(super) fn check_claims(&self) -> Result<(), Report> {
        let names: Vec<&str> = self.study.arms.iter().map(|arm| arm.name.as_str()).collect();
        let mut columns = vec!["loss".to_string(), "train_loss".into(), "val_loss".into()];
        columns.extend(self.metric_names());
        for (index, claim) in self.study.claims.iter().enumerate() {
            let metric = claim.check.metric();
            let fault = match claim.check.steps() {
                Some([first, last]) if first > last => {
                    Some(format!("expected steps [first, last], found [{first}, {last}]"))
                }
                _ if claim.check.level().is_some_and(|level| !level.is_finite()) => {
                    Some("expected a level that is a number, found one that is not finite".into())
                }
                _ if !columns.iter().any(|column| column == metric) => {
                    Some(format!("expected a metric of {}, found \"{metric}\"", columns.join(", ")))
                }
                _ => None,
            };
            if let Some(message) = fault {
                return Err(self.document.error_at(&["claim", &index.to_string(), "check"], message));
            }
            for arm in claim.check.arms() {
                if !names.contains(&arm) {
                    let hint = gf_utils::suggest(arm, names.iter().copied())
                        .map(|near| format!(" (did you mean \"{near}\"?)"));
                    let message = format!("no arm has the name \"{arm}\"{}", hint.unwrap_or_default());
                    return Err(self.document.error_at(&["claim", &index.to_string(), "check"], message));
                }
            }
        }
        Ok(())
    }
}
