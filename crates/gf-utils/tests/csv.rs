//! Samples from CSV files: what is read, and every fault with its message.

use std::fs;
use std::path::PathBuf;

use gf_core::{Samples, Targets};
use gf_utils::CsvError;
use gf_utils::data::{CsvColumns, TargetColumns, read_csv};

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
    read_csv(&file(content).path, columns)
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
    let said = TargetColumns::Classes { column: "label".to_owned(), classes: Some(10) };
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
        let targets = TargetColumns::Classes { column: "y".to_owned(), classes: Some(3) };
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
        ("x;y\n1;2\n", values(), ", line 1: one column \"x;y\"; expected columns separated by commas, found ';'"),
        ("x\ty\n1\t2\n", values(), ", line 1: one column \"x\\ty\"; expected columns separated by commas, found '\\t'"),
        ("y\n1\n", values(), ": no columns for the inputs"),
        ("x,y\n1,2\n", CsvColumns::values(&[]), ": no columns for the targets"),
        ("x,y\n1,2\n3\n", values(), ", line 3: expected 2 fields as in the header, found 1"),
        ("x,y\n1,2\n\n\n3,4,5\n", values(), ", line 5: expected 2 fields as in the header, found 3"),
        ("x,y\n1,2\nabc,4\n", values(), ", line 3, column \"x\": expected a number, found \"abc\""),
        ("x,y\r\n1,2\r\n\r\n3,\r\n", values(), ", line 4, column \"y\": expected a number, found \"\""),
        ("x,y\n1,2\nNaN,4\n", values(), ", line 3, column \"x\": expected a finite number, found \"NaN\""),
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
            "x,y\n1,setosa\n",
            classes(),
            ", line 2, column \"y\": expected a class, an integer from 0 to 65535, found \"setosa\"",
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
        let error = read_csv(&file.path, &columns).unwrap_err().to_string();
        assert_eq!(error, format!("{}{message}", file.path.display()), "{text:?}");
    }
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
    let missing = read_csv("no/such/file.csv".as_ref(), &CsvColumns::values(&["y"])).unwrap_err().to_string();
    assert!(missing.starts_with("no/such/file.csv: cannot read: "), "{missing}");
    let error = read(b"x,y\n1,2\n\xff,4\n", &CsvColumns::values(&["y"])).unwrap_err().to_string();
    assert!(error.ends_with("mine.csv, line 3: not UTF-8 text"), "{error}");
}
