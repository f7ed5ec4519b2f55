//! Samples from CSV files: what is read, and every fault with its message.

use std::fs;
use std::path::PathBuf;

use gf_core::{Samples, Targets};
use gf_utils::CsvError;
use gf_utils::data::{
    Column, CsvColumns, CsvData, CsvOptions, GapError, Missing, TargetColumns, read_csv, read_csv_from,
};

struct File {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn file(content: impl AsRef<[u8]>) -> File {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("mine.csv");
    fs::write(&path, content).expect("written");
    File { _directory: directory, path }
}

fn read(content: impl AsRef<[u8]>, columns: &CsvColumns) -> Result<Samples, CsvError> {
    read_csv(&file(content).path, columns, &CsvOptions::default()).map(|data| data.samples)
}

fn read_as(content: &str, columns: &CsvColumns, options: CsvOptions) -> Result<CsvData, String> {
    let path = "mine.csv".as_ref();
    read_csv_from(path, content.as_bytes().to_vec(), columns, &options).map_err(|error| error.to_string())
}

#[test]
fn targets_are_named_and_the_rest_is_input() {
    let text = "a,y,b,z\n1,2,3,4\n5,6,7,8\n";
    let samples = read(text, &CsvColumns::values(&["z", "y"])).unwrap();
    assert_eq!((samples.width(), samples.inputs()), (2, &[1.0, 3.0, 5.0, 7.0][..]));
    assert_eq!(samples.targets(), &Targets::Values { width: 2, values: vec![4.0, 2.0, 8.0, 6.0] });
    let samples = read(text, &CsvColumns::values(&["y"]).with_features(&["b"])).unwrap();
    assert_eq!((samples.width(), samples.inputs()), (1, &[3.0, 7.0][..]));
}

#[test]
fn classes_are_counted_or_said() {
    let text = "x,label\n0.5,2\n1.5,0.0\n";
    let samples = read(text, &CsvColumns::classes("label")).unwrap();
    assert_eq!(samples.targets(), &Targets::Classes { classes: 3, labels: vec![2, 0] });
    let said = TargetColumns::Classes { column: "label".into(), classes: Some(10) };
    let samples = read(text, &CsvColumns { targets: said, features: None }).unwrap();
    assert_eq!(samples.outputs(), 10);
}

#[test]
fn quotes_spaces_empty_lines_windows_line_ends_and_byte_order_marks_are_fine() {
    let plain = read("x,y\n1,2\n3,4\n", &CsvColumns::values(&["y"])).unwrap();
    let variants = [
        "\u{feff}x,y\n1,2\n3,4\n",
        "x,y\r\n1,2\r\n3,4\r\n",
        "x,y\n\n1,2\n\n\n3,4",
        "\"x\", y \n\"1\", 2\n3 ,4e0\n",
        "comment,x,y\n\"a, b\nc\",1,2\n,3,4\n",
    ];
    for text in variants {
        let columns = CsvColumns::values(&["y"]).with_features(&["x"]);
        assert_eq!(read(text, &columns).unwrap(), plain, "{text:?}");
    }
}

#[test]
fn faults_name_line_column_expected_and_found() {
    let values = || CsvColumns::values(&["y"]);
    let classes = || CsvColumns::classes("y");
    let three = || {
        let targets = TargetColumns::Classes { column: "y".into(), classes: Some(3) };
        CsvColumns { targets, features: None }
    };
    let cases: Vec<(&str, CsvColumns, &str)> = vec![
        ("", values(), ": the file is empty; expected a header line with column names and at least one row"),
        ("\n\n", values(), ": the file is empty; expected a header line with column names and at least one row"),
        (
            "x,y\n",
            values(),
            ": there are no rows below the header; expected a header line with column names and at least one row",
        ),
        (
            "x,price\n1,2\n",
            CsvColumns::values(&["prize"]),
            ", line 1: no column \"prize\" (did you mean \"price\"?); found x, price",
        ),
        ("x,price\n1,2\n", CsvColumns::values(&["target"]), ", line 1: no column \"target\"; found x, price"),
        ("x,y\n1,2\n", values().with_features(&["X"]), ", line 1: no column \"X\" (did you mean \"x\"?); found x, y"),
        ("x,y,x\n1,2,3\n", values(), ", line 1: column \"x\" appears twice (columns 1 and 3); expected unique names"),
        (
            ",x,y\n0,1,2\n",
            values(),
            ", line 1: column 1 has no name; expected names for all columns (with pandas: to_csv(..., index=False)), \
             or the inputs named explicitly",
        ),
        ("x;y\n1;2\n", values(), ", line 1: one column \"x;y\"; expected columns separated by ',', found ';'"),
        ("x\ty\n1\t2\n", values(), ", line 1: one column \"x\\ty\"; expected columns separated by ',', found '\\t'"),
        ("y\n1\n", values(), ": no columns for the inputs"),
        ("x,y\n1,2\n", CsvColumns::values(&[]), ": no columns for the targets"),
        ("x,y\n1,2\n3\n", values(), ", line 3: expected 2 fields as in the header, found 1"),
        ("x,y\n1,2\n\n\n3,4,5\n", values(), ", line 5: expected 2 fields as in the header, found 3"),
        ("x,y\n1,2\nabc,4\n", values(), ", line 3, column \"x\": expected a number, found \"abc\""),
        (
            "x,y\r\n1,2\r\n\r\n3,\r\n",
            values(),
            ", line 4, column \"y\": expected a value, found \"\"; missing values: 1, in 1 of 2 rows \
             (in a study, missing = \"drop-rows\" leaves such rows out, \"mean\" fills inputs in)",
        ),
        (
            "x,y\n1,2\nNaN,?\n1,null\n",
            values(),
            ", line 3, column \"x\": expected a value, found \"NaN\"; missing values: 3, in 2 of 3 rows \
             (in a study, missing = \"drop-rows\" leaves such rows out, \"mean\" fills inputs in)",
        ),
        ("x,y\n1,-inf\n", values(), ", line 2, column \"y\": expected a finite number, found \"-inf\""),
        ("x,y\n1,1e999\n", values(), ", line 2, column \"y\": expected a finite number, found \"1e999\""),
        (
            "x,y\n1,0.5\n",
            classes(),
            ", line 2, column \"y\": expected a class, an integer from 0 to 65535, found \"0.5\"",
        ),
        (
            "x,y\n1,-1\n",
            classes(),
            ", line 2, column \"y\": expected a class, an integer from 0 to 65535, found \"-1\"",
        ),
        (
            "x,y\n1,4000000000\n",
            classes(),
            ", line 2, column \"y\": expected a class, an integer from 0 to 65535, found \"4000000000\"",
        ),
        (
            "x,y\n1,0\n1,setosa\n",
            classes(),
            ", line 3, column \"y\": expected a class, an integer from 0 to 65535, found \"setosa\"",
        ),
        (
            "x,y\n1,setosa\n1,0\n",
            classes(),
            ", line 3, column \"y\": expected the name of a class, as in the first row, found \"0\"",
        ),
        (
            "x,y\n1,no\n1,yes\n1,perhaps\n",
            CsvColumns { targets: TargetColumns::Binary("y".into()), features: None },
            ", line 4, column \"y\": expected at most 2 names of classes, found another, \"perhaps\"",
        ),
        ("x,y\n1,2\n1,3\n", three(), ", line 3, column \"y\": expected a class from 0 to 2, found \"3\""),
        (
            "x,note,y\n1,\"two\nlines\",2\n3,n,4x\n",
            values().with_features(&["x"]),
            ", line 4, column \"y\": expected a number, found \"4x\"",
        ),
    ];
    for (text, columns, message) in cases {
        let file = file(text);
        let error = read_csv(&file.path, &columns, &CsvOptions::default()).unwrap_err().to_string();
        assert_eq!(error, format!("{}{message}", file.path.display()), "{text:?}");
    }
}

fn numbered(targets: &[i64], features: Option<&[i64]>) -> CsvColumns {
    let columns = |numbers: &[i64]| numbers.iter().map(|&number| Column::Number(number)).collect();
    CsvColumns { targets: TargetColumns::Values(columns(targets)), features: features.map(columns) }
}

#[test]
fn columns_by_number_from_either_end() {
    let text = "a,b,c\n1,2,3\n4,5,6\n";
    let default = CsvOptions::default();
    let last = read_as(text, &numbered(&[-1], None), default).unwrap();
    assert_eq!(last, read_as(text, &CsvColumns::values(&["c"]), default).unwrap());
    let first = read_as(text, &numbered(&[0], Some(&[2, -2])), default).unwrap();
    assert_eq!(first, read_as(text, &CsvColumns::values(&["a"]).with_features(&["c", "b"]), default).unwrap());
    let bare = CsvOptions { header: false, ..default };
    assert_eq!(last.feature_names, Some(vec!["a".to_owned(), "b".to_owned()]));
    let unnamed = CsvData { feature_names: None, ..last };
    assert_eq!(read_as("1,2,3\n4,5,6\n", &numbered(&[-1], None), bare).unwrap(), unnamed);
    for (columns, options, message) in [
        (numbered(&[3], None), default, "mine.csv: no column 3; expected -3 to 2, as there are 3 columns"),
        (numbered(&[-4], None), default, "mine.csv: no column -4; expected -3 to 2, as there are 3 columns"),
        (numbered(&[i64::MIN], None), default, "mine.csv: no column -9223372036854775808; expected -3 to 2"),
        (numbered(&[2, -1], None), default, "column -1 is asked for twice; expected each column once"),
        (
            CsvColumns::values(&["c"]),
            bare,
            "mine.csv: column \"c\" is asked for by name; expected a number from 0, or from -1 for the last, as there is no header",
        ),
        (numbered(&[2], None), bare, "mine.csv, line 1, column \"0\": expected a number, found \"a\""),
    ] {
        let error = read_as(text, &columns, options).unwrap_err();
        assert!(error.starts_with(message), "{message} in {error}");
    }
}

#[test]
fn other_delimiters() {
    let columns = CsvColumns::values(&["y"]);
    let with = |delimiter: u8| CsvOptions { delimiter, ..Default::default() };
    let expected = read_as("x,y\n1,2\n", &columns, with(b',')).unwrap();
    assert_eq!(read_as("x;y\n1;2\n", &columns, with(b';')).unwrap(), expected);
    assert_eq!(read_as("x\ty\n1\t2\n", &columns, with(b'\t')).unwrap(), expected);
    let error = read_as("x,y\n1,2\n", &columns, with(b';')).unwrap_err();
    assert_eq!(error, "mine.csv, line 1: one column \"x,y\"; expected columns separated by ';', found ','");
    for found in [b'"', b'\n', 0xe9] {
        let error = read_as("x,y\n1,2\n", &columns, with(found)).unwrap_err();
        assert!(error.contains("expected an ASCII character that is no quote and no line end"), "{error}");
    }
}

#[test]
fn names_of_classes_are_sorted_and_kept() {
    let text = "x,species\n1,virginica\n2,setosa\n3,versicolor\n4,setosa\n";
    let data = read_as(text, &CsvColumns::classes("species"), CsvOptions::default()).unwrap();
    assert_eq!(data.class_names.unwrap(), ["setosa", "versicolor", "virginica"]);
    assert_eq!(data.samples.targets(), &Targets::Classes { classes: 3, labels: vec![2, 0, 1, 0] });
    let binary = CsvColumns { targets: TargetColumns::Binary("y".into()), features: None };
    let data = read_as("x,y\n1,yes\n2,no\n", &binary, CsvOptions::default()).unwrap();
    assert_eq!(data.class_names.unwrap(), ["no", "yes"]);
    assert_eq!(data.samples.targets(), &Targets::Values { width: 1, values: vec![1.0, 0.0] });
    let data = read_as("x,y\n1,0.25\n2,1\n", &binary, CsvOptions::default()).unwrap();
    assert_eq!(data.samples.targets(), &Targets::Values { width: 1, values: vec![0.25, 1.0] });
    assert_eq!(data.class_names, None);
}

#[test]
fn rows_with_missing_values_are_dropped_or_filled_with_the_mean_of_training() {
    let text = "x,z,y,note\n1,10,0,\nNA,20,1,\n3,?,2,\n8,40,3,\n";
    let columns = CsvColumns::values(&["y"]).with_features(&["x", "z"]);
    let with = |missing| CsvOptions { missing, ..Default::default() };
    let data = read_as(text, &columns, with(Missing::DropRows)).unwrap();
    assert_eq!(
        (data.samples.inputs(), data.dropped),
        (&[1.0, 10.0, 8.0, 40.0][..], 2),
        "the empty note does not count"
    );
    let data = read_as(text, &columns, with(Missing::Mean)).unwrap();
    assert_eq!((data.gaps.len(), data.dropped), (2, 0));
    // np.nanmean(x[[0, 2]]), np.nanmean(z[[0, 2]]) = 2, 10
    let filled = data.gaps.fill(&data.samples, &[0, 2]).unwrap();
    assert_eq!(filled.inputs(), [1.0, 10.0, 2.0, 20.0, 3.0, 10.0, 8.0, 40.0]);
    assert_eq!(data.gaps.fill(&data.samples, &[1, 2]), data.gaps.fill(&data.samples, &[2, 1]));
    assert_eq!(data.gaps.fill(&data.samples, &[1]), Err(GapError::NoValue { column: 0, rows: 1 }));
    let error = read_as("x,y\n1,\n,2\n", &CsvColumns::values(&["y"]), with(Missing::Mean)).unwrap_err();
    assert!(
        error.starts_with("mine.csv, line 2, column \"y\": expected a value, found \"\"; missing values: 1"),
        "{error}"
    );
    let error = read_as("x,y\n1,\n,2\n", &CsvColumns::values(&["y"]), with(Missing::DropRows)).unwrap_err();
    assert!(error.starts_with("mine.csv: each of 2 rows misses a value, and leaving them out leaves none"), "{error}");
    let huge = read_as("x,y\n1e308,1\n1.7e308,2\n,3\n", &CsvColumns::values(&["y"]), with(Missing::Mean)).unwrap();
    assert!(matches!(huge.gaps.fill(&huge.samples, &[0, 1]), Err(GapError::NotFinite(_))));
}

#[test]
fn columns_asked_for_twice() {
    for columns in [
        CsvColumns::values(&["y", "y"]),
        CsvColumns::values(&["y"]).with_features(&["y"]),
        CsvColumns::values(&["x"]).with_features(&["y", "y"]),
    ] {
        let error = read("x,y\n1,2\n", &columns).unwrap_err().to_string();
        assert_eq!(error, "column \"y\" is asked for twice; expected each column once, as target or as input");
    }
}

#[test]
fn files_that_are_missing_or_not_text() {
    let missing = read_csv("no/such/file.csv".as_ref(), &CsvColumns::values(&["y"]), &CsvOptions::default())
        .unwrap_err()
        .to_string();
    assert!(missing.starts_with("no/such/file.csv: cannot read: "), "{missing}");
    let error = read(b"x,y\n1,2\n\xff,4\n", &CsvColumns::values(&["y"])).unwrap_err().to_string();
    assert!(error.ends_with("mine.csv, line 3: not UTF-8 text"), "{error}");
}
