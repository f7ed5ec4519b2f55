//! Writing arrays.

use std::io::{self, Write};
use std::path::Path;

use super::{Element, MAGIC, NpyError};
use crate::write_atomically;

/// Writes `values` as float64 of format version 1.0 in C order, byte for byte as `numpy.save` does; atomically.
///
/// `shape` is `[n]`, or `[rows, columns]` with `values` row-major. A symmetric matrix is the same in either order.
///
/// # Errors
/// [`NpyError::WriteShape`] when shape and numbers disagree, [`NpyError::Write`] when the file cannot be written.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("theta.npy");
/// use gf_utils::npy::{read_npy, write_npy};
/// write_npy(&path, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(read_npy(&path)?.shape, [2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_npy(path: &Path, shape: &[usize], values: &[f64]) -> Result<(), NpyError> {
    let product = shape.iter().try_fold(1usize, |product, &length| product.checked_mul(length));
    if !(1..=2).contains(&shape.len()) || product != Some(values.len()) {
        return Err(NpyError::WriteShape { path: path.to_owned(), shape: shape.to_vec(), found: values.len() });
    }
    Ok(write_atomically(path, |out| write_array(out, shape, values))?)
}

fn write_array(out: &mut dyn Write, shape: &[usize], values: &[f64]) -> io::Result<()> {
    let shape = match shape {
        [n] => format!("({n},)"),
        lengths => format!("({})", lengths.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let descr = Element::Float64.descr();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // NumPy leaves room for the first axis to grow to 20 digits in place, then aligns the data to 64 bytes.
    let first = shape.trim_start_matches('(').chars().take_while(char::is_ascii_digit).count();
    header.push_str(&" ".repeat(21usize.saturating_sub(first)));
    let prefix = MAGIC.len() + 2 + 2;
    let padding = 64 - (prefix + header.len() + 1) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&u16::try_from(header.len()).map_err(io::Error::other)?.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}
