//! Embedded data sets of classes.

use std::io::Read;

use gf_core::{Samples, Targets};

// Rows of numbers, then the class. Licences and creators: `DATA-LICENSES.md`.
static DIGITS: &[u8] = include_bytes!("../../data/digits.csv.gz");
static IRIS: &[u8] = include_bytes!("../../data/iris.csv.gz");
static WINE: &[u8] = include_bytes!("../../data/wine.csv.gz");
static BREAST_CANCER: &[u8] = include_bytes!("../../data/breast_cancer.csv.gz");

/// 1797 handwritten digits of 8 × 8 gray values, scaled from 0–16 to [0, 1], with their classes 0 to 9.
///
/// The test part of *Optical Recognition of Handwritten Digits* by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998,
/// doi 10.24432/C50P49 (CC BY 4.0), in its order. Reading takes a few milliseconds and needs no file.
pub fn digits() -> Samples {
    read(DIGITS, 64, 10, 1.0 / 16.0)
}

/// What the classes of [`iris`] are called.
pub const IRIS_CLASSES: [&str; 3] = ["setosa", "versicolor", "virginica"];

/// What the classes of [`breast_cancer`] are called.
pub const BREAST_CANCER_CLASSES: [&str; 2] = ["malignant", "benign"];

/// 150 irises of 3 species (0 setosa, 1 versicolor, 2 virginica), 50 each: length and width of sepal and petal in cm.
///
/// *Iris* by R. A. Fisher, 1936, UCI Machine Learning Repository, doi 10.24432/C56C76 (CC BY 4.0), with Fisher's own numbers in rows 35 and 38.
pub fn iris() -> Samples {
    read(IRIS, 4, 3, 1.0)
}

/// 178 wines of 3 cultivars (59, 71 and 48), with 13 chemical measurements in units of their own: scale them.
///
/// *Wine* by S. Aeberhard and M. Forina, 1992, UCI Machine Learning Repository, doi 10.24432/C5PC7J (CC BY 4.0).
pub fn wine() -> Samples {
    read(WINE, 13, 3, 1.0)
}

/// 569 tumors (0 malignant: 212, 1 benign: 357), with 30 measurements of cell nuclei in units of their own: scale them.
///
/// *Breast Cancer Wisconsin (Diagnostic)* by W. Wolberg, O. Mangasarian, N. Street and W. Street, 1993, UCI Machine Learning Repository,
/// doi 10.24432/C5DW2B (CC BY 4.0).
pub fn breast_cancer() -> Samples {
    read(BREAST_CANCER, 30, 2, 1.0)
}

/// Rows of `width` numbers, each multiplied by `factor`, and a class below `classes`.
fn read(compressed: &[u8], width: usize, classes: usize, factor: f64) -> Samples {
    let mut text = String::new();
    flate2::read::GzDecoder::new(compressed).read_to_string(&mut text).expect("the embedded file decompresses to text");
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut fields = line.split(',').map(|field| field.parse::<f64>().expect("the embedded file holds numbers"));
        inputs.extend(fields.by_ref().take(width).map(|x| x * factor));
        labels.push(fields.next().expect("a class ends the row") as u32);
    }
    Samples::new(width, inputs, Targets::Classes { classes, labels }).expect("the embedded file is well formed")
}
