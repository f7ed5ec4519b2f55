//! The color of a method is the same in every figure of every report; its variants differ by dashes.

use gf_optim::registry::{Family, METHODS};
use gf_report::{COLORS, style};

use crate::folder::Folder;
use crate::summary::ArmSummary;

/// The color of a method: the ones that studies compare most have their own, the others that of their family.
fn color(method: &str) -> usize {
    match method {
        "explicit" => 0,
        "implicit" => 1,
        "newton" => 2,
        "heavy-ball" => 3,
        _ => match METHODS.iter().find(|info| info.name == method).map(|info| info.family) {
            Some(Family::Explicit) => 4,
            Some(Family::NewtonLike) => 5,
            Some(Family::Implicit) => 7,
            Some(Family::Preconditioned) => 8,
            Some(Family::Exponential) | None => 3,
        },
    }
}

/// A style for each of these methods, in order: where a color comes again, the next dash. Where all are one method, there is no other to be
/// taken for, and its variants have the colors, its own first.
pub(super) fn of_methods<'a>(methods: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let methods: Vec<&str> = methods.collect();
    if let [first, others @ ..] = methods.as_slice()
        && others.iter().all(|method| method == first)
    {
        return (0..methods.len()).map(|k| style(color(first) + k, k / COLORS)).collect();
    }
    let mut used = [0; COLORS];
    let mut next = |method| {
        let color = color(method);
        used[color] += 1;
        style(color, used[color] - 1)
    };
    methods.into_iter().map(&mut next).collect()
}

/// The arms of a folder with their styles.
pub(super) fn arms(folder: &Folder) -> impl Iterator<Item = (usize, &ArmSummary)> {
    let arms = &folder.summary.arms;
    of_methods(arms.iter().map(|arm| arm.method.as_str())).into_iter().zip(arms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_keeps_its_color_and_its_variants_differ() {
        let alone = of_methods(["implicit"].into_iter());
        let among = of_methods(["explicit", "explicit", "implicit", "newton", "implicit"].into_iter());
        assert_eq!(among[2], alone[0]);
        assert!(among[4] != among[2] && among[4] % COLORS == among[2] % COLORS);
        assert!(among[0] != among[1] && among[0] % COLORS == among[1] % COLORS);
        let one = of_methods(std::iter::repeat_n("adam", 2 * COLORS));
        assert_eq!(one[0], of_methods(["adam"].into_iter())[0]);
        assert!((1..one.len()).all(|k| !one[..k].contains(&one[k])) && (0..COLORS).all(|k| one[k] < COLORS), "{one:?}");
    }
}
