//! Numbers in pages that a run produced: `<!--run: EXPERIMENT FILE POINTER FORMAT-->1.72<!--/run-->`.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};

const OPEN: &str = "<!--run:";
const CLOSE: &str = "<!--/run-->";

/// A number, or a word, between two comments.
#[derive(Debug)]
pub(super) struct Number {
    /// Its line, from 1.
    pub(super) line: usize,
    /// Where the printed text stands in the page.
    pub(super) range: Range<usize>,
    /// A built-in experiment, or a study in `docs/`: `studies/NAME.toml`.
    pub(super) experiment: String,
    /// A file of the run folder.
    file: String,
    /// A JSON pointer, or `column[key=value,…]` or `median(column)[key=value,…]` of a CSV.
    pointer: String,
    format: Format,
}

/// How a value is printed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Format {
    /// `.3`: digits after the point.
    Fixed(usize),
    /// `.1e`: digits after the point of the mantissa.
    Scientific(usize),
    /// `text`: a string as it stands.
    Text,
}

impl Number {
    /// All numbers of a page; `name` is for messages.
    pub(super) fn all(name: &str, text: &str) -> Result<Vec<Self>> {
        let mut numbers = Vec::new();
        let mut from = 0;
        while let Some(start) = text[from..].find(OPEN).map(|at| at + from) {
            let line = text[..start].matches('\n').count() + 1;
            let place = || format!("{name}:{line}");
            let end = text[start..].find("-->").with_context(|| format!("{}: expected --> after {OPEN}", place()))?;
            let begin = start + end + "-->".len();
            let length = text[begin..].find(CLOSE).with_context(|| format!("{}: expected {CLOSE}", place()))?;
            let header = text[start + OPEN.len()..start + end].trim();
            let (rest, format) = header.rsplit_once(' ').with_context(|| expected(&place(), header))?;
            let mut parts = rest.splitn(3, ' ');
            let (Some(experiment), Some(file), Some(pointer)) = (parts.next(), parts.next(), parts.next()) else {
                bail!("{}", expected(&place(), header));
            };
            numbers.push(Self {
                line,
                range: begin..begin + length,
                experiment: experiment.into(),
                file: file.into(),
                pointer: pointer.into(),
                format: Format::parse(format).with_context(|| expected(&place(), header))?,
            });
            from = begin + length + CLOSE.len();
        }
        Ok(numbers)
    }

    /// What the run in `folder` says, printed in the number's format.
    pub(super) fn printed(&self, folder: &Path) -> Result<String> {
        let path = folder.join(&self.file);
        let context = || format!("{} {} {}", self.experiment, self.file, self.pointer);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("{}: reading {}", context(), path.display()))?;
        let raw = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => from_json(&text, &self.pointer),
            Some("csv") => from_csv(&text, &self.pointer),
            _ => bail!("{}: expected a .json or .csv file", context()),
        };
        raw.and_then(|raw| self.format.print(&raw)).with_context(context)
    }

    /// Whether `shown`, in the page, is what `fresh` says. One unit of the last digit is no difference where a value lies on the border of rounding,
    /// which another machine may cross.
    pub(super) fn agrees(&self, shown: &str, fresh: &str) -> bool {
        let unit = match self.format {
            Format::Text => return shown == fresh,
            Format::Fixed(digits) => 10f64.powi(-i32::try_from(digits).unwrap_or(i32::MAX)),
            Format::Scientific(digits) => {
                let exponent = fresh.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
                10f64.powi(exponent.unwrap_or(0) - i32::try_from(digits).unwrap_or(i32::MAX))
            }
        };
        match (shown.parse::<f64>(), fresh.parse::<f64>()) {
            (Ok(shown), Ok(fresh)) => (shown - fresh).abs() <= 1.01 * unit,
            _ => shown == fresh,
        }
    }
}

impl Format {
    fn parse(text: &str) -> Option<Self> {
        if text == "text" {
            return Some(Self::Text);
        }
        let digits = text.strip_prefix('.')?;
        match digits.strip_suffix('e') {
            Some(digits) => digits.parse().ok().map(Self::Scientific),
            None => digits.parse().ok().map(Self::Fixed),
        }
    }

    fn print(self, raw: &str) -> Result<String> {
        let value = || raw.parse::<f64>().ok().with_context(|| format!("expected a number, found {raw:?}"));
        Ok(match self {
            Self::Fixed(digits) => format!("{:.digits$}", value()?),
            Self::Scientific(digits) => format!("{:.digits$e}", value()?),
            Self::Text => raw.into(),
        })
    }
}

fn expected(place: &str, found: &str) -> String {
    format!("{place}: expected EXPERIMENT FILE POINTER FORMAT with FORMAT .3, .1e or text, found {found:?}")
}

fn from_json(text: &str, pointer: &str) -> Result<String> {
    let json: serde_json::Value = serde_json::from_str(text)?;
    let value = json.pointer(pointer).with_context(|| format!("nothing at {pointer:?}"))?;
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// `column[key=value,…]`: the cell of the only row with these values; `median(column)[key=value,…]`, with `min` and `max` as well: of all such rows.
fn from_csv(text: &str, pointer: &str) -> Result<String> {
    let (what, selection) = pointer
        .strip_suffix(']')
        .and_then(|rest| rest.split_once('['))
        .with_context(|| format!("expected column[key=value,…], found {pointer:?}"))?;
    let (summary, column) = match what.strip_suffix(')').and_then(|what| what.split_once('(')) {
        Some((name, column)) => (Some(Summary::parse(name)?), column),
        None => (None, what),
    };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers()?.clone();
    let index =
        |name: &str| headers.iter().position(|header| header == name).with_context(|| format!("no column {name:?}"));
    let conditions: Vec<(usize, &str)> = selection
        .split(',')
        .map(|pair| {
            let (key, value) = pair.split_once('=').with_context(|| format!("expected key=value, found {pair:?}"))?;
            Ok((index(key)?, value))
        })
        .collect::<Result<_>>()?;
    let target = index(column)?;
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record?;
        if conditions.iter().all(|&(column, value)| &record[column] == value) {
            found.push(record[target].to_owned());
        }
    }
    match (summary, found.len()) {
        (_, 0) => bail!("no row with [{selection}]"),
        (None, 1) => Ok(found.remove(0)),
        (None, _) => bail!("several rows with [{selection}]"),
        (Some(summary), _) => summary.of(&found),
    }
}

/// What several cells of a column come to.
#[derive(Debug, Clone, Copy)]
enum Summary {
    Median,
    Min,
    Max,
}

impl Summary {
    fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "median" => Self::Median,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => bail!("expected median, min or max before the column, found {name:?}"),
        })
    }

    /// The median of an even number of cells is the mean of the middle two.
    fn of(self, cells: &[String]) -> Result<String> {
        let mut values = cells
            .iter()
            .map(|cell| cell.parse::<f64>().ok().with_context(|| format!("expected a number, found {cell:?}")))
            .collect::<Result<Vec<f64>>>()?;
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let value = match self {
            Self::Median => f64::midpoint(values[(count - 1) / 2], values[count / 2]),
            Self::Min => values[0],
            Self::Max => values[count - 1],
        };
        Ok(value.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn number(pointer: &str, format: &str) -> Number {
        let text = format!("a\n<!--run: e f {pointer} {format}-->1<!--/run-->");
        Number::all("p.md", &text).unwrap().remove(0)
    }

    #[test]
    fn a_marker_names_experiment_file_pointer_and_format() {
        let text = "x <!--run: depth depth.csv rate[initialization=gain 0.5,seed=0] .1e-->3.7e11<!--/run--> y";
        let numbers = Number::all("p.md", text).unwrap();
        assert_eq!(&text[numbers[0].range.clone()], "3.7e11");
        assert_eq!(numbers[0].pointer, "rate[initialization=gain 0.5,seed=0]");
        assert_eq!(numbers[0].format, Format::Scientific(1));
    }

    #[test]
    fn faults_of_markers_name_page_and_line() {
        for (text, message) in [
            ("\n<!--run: a b c .2-->1", "p.md:2: expected <!--/run-->"),
            ("<!--run: a b .2-->1<!--/run-->", "p.md:1: expected EXPERIMENT FILE POINTER FORMAT"),
            ("<!--run: a b c %d-->1<!--/run-->", "p.md:1: expected EXPERIMENT FILE POINTER FORMAT"),
        ] {
            let error = Number::all("p.md", text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn cells_and_pointers_are_found_and_missing_ones_are_said() {
        let csv = "arm,step,x\na,1,2.5\nb,1,3.5\nb,2,4.5\n";
        assert_eq!(from_csv(csv, "x[arm=b,step=2]").unwrap(), "4.5");
        assert_eq!(from_csv(csv, "x[arm=b]").unwrap_err().to_string(), "several rows with [arm=b]");
        assert_eq!(from_csv(csv, "x[arm=c]").unwrap_err().to_string(), "no row with [arm=c]");
        assert_eq!(from_csv(csv, "median(x)[arm=b]").unwrap(), "4");
        assert_eq!(from_csv(csv, "min(x)[arm=b]").unwrap(), "3.5");
        assert_eq!(from_csv(csv, "max(x)[arm=b]").unwrap(), "4.5");
        assert_eq!(
            from_csv(csv, "mean(x)[arm=b]").unwrap_err().to_string(),
            "expected median, min or max before the column, found \"mean\""
        );
        assert_eq!(from_csv(csv, "max(arm)[step=1]").unwrap_err().to_string(), "expected a number, found \"a\"");
        assert_eq!(from_csv(csv, "y[arm=b]").unwrap_err().to_string(), "no column \"y\"");
        assert_eq!(from_json(r#"{"a":[1,{"b":"holds"}]}"#, "/a/1/b").unwrap(), "holds");
        assert_eq!(from_json("{}", "/a").unwrap_err().to_string(), "nothing at \"/a\"");
    }

    #[test]
    fn values_are_printed_and_compared_to_the_printed_precision() {
        assert_eq!(Format::Fixed(2).print("0.4549").unwrap(), "0.45");
        assert_eq!(Format::Scientific(1).print("366100000000").unwrap(), "3.7e11");
        assert!(Format::Fixed(0).print("null").is_err());
        assert!(number("/a", ".2").agrees("0.45", "0.46"));
        assert!(!number("/a", ".2").agrees("0.45", "0.47"));
        assert!(number("/a", ".1e").agrees("3.7e11", "3.8e11"));
        assert!(!number("/a", ".1e").agrees("3.7e11", "3.7e12"));
        assert!(!number("/a", "text").agrees("holds", "fails"));
    }
}
