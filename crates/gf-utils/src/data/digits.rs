//! Handwritten digits, embedded.

use std::io::Read;

use gf_core::{Samples, Targets};

/// Rows of the CSV: 64 gray values in 0 to 16, then the digit. Licence and creators: `DATA-LICENSES.md`.
static DIGITS: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// Images and gray values per image.
const SHAPE: (usize, usize) = (1797, 64);

/// 1797 handwritten digits of 8 × 8 gray values, scaled from 0–16 to [0, 1], with their classes 0 to 9.
///
/// The test part of *Optical Recognition of Handwritten Digits* by E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998,
/// doi 10.24432/C50P49 (CC BY 4.0), in its order. Reading takes a few milliseconds and needs no file.
pub fn digits() -> Samples {
    let mut text = String::new();
    flate2::read::GzDecoder::new(DIGITS).read_to_string(&mut text).expect("the embedded file decompresses to text");
    let mut inputs = Vec::with_capacity(SHAPE.0 * SHAPE.1);
    let mut labels = Vec::with_capacity(SHAPE.0);
    for line in text.lines() {
        let mut fields = line.split(',').map(|field| field.parse::<f64>().expect("the embedded file holds numbers"));
        inputs.extend(fields.by_ref().take(SHAPE.1).map(|gray| gray / 16.0));
        labels.push(fields.next().expect("a class follows 64 gray values") as u32);
    }
    Samples::new(SHAPE.1, inputs, Targets::Classes { classes: 10, labels }).expect("the embedded file is well formed")
}
