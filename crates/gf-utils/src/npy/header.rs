//! The header: a Python dictionary with `descr`, `fortran_order` and `shape`.

/// What a header says. `descr` is as it stands there, also where it is not a string.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) descr: String,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

/// What was expected where the header is malformed, and the text there.
pub(super) type Fault<'a> = (&'static str, &'a str);

/// Parses `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`: keys in any order, each once, nothing else.
pub(super) fn parse(text: &str) -> Result<Header, Fault<'_>> {
    let mut rest = Rest(text);
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    rest.expect("{")?;
    while !rest.eat("}") {
        let at = rest.0;
        let key = rest.string()?;
        rest.expect(":")?;
        let repeated = match key {
            "descr" => descr.replace(rest.descr()?).is_some(),
            "fortran_order" => fortran_order.replace(rest.boolean()?).is_some(),
            "shape" => shape.replace(rest.tuple()?).is_some(),
            _ => return Err(("the keys descr, fortran_order and shape", at)),
        };
        if repeated {
            return Err(("each key once", at));
        }
        if !rest.eat(",") {
            rest.expect("}")?;
            break;
        }
    }
    if !rest.0.trim().is_empty() {
        return Err(("nothing after the dictionary", rest.0));
    }
    match (descr, fortran_order, shape) {
        (Some(descr), Some(fortran_order), Some(shape)) => Ok(Header { descr, fortran_order, shape }),
        _ => Err(("the keys descr, fortran_order and shape", text)),
    }
}

/// The text that is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn eat(&mut self, token: &str) -> bool {
        match self.0.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &'static str) -> Result<(), Fault<'a>> {
        if self.eat(token) { Ok(()) } else { Err((token, self.0)) }
    }

    fn string(&mut self) -> Result<&'a str, Fault<'a>> {
        let at = self.0;
        for quote in ["'", "\""] {
            if self.eat(quote) {
                let (string, rest) = self.0.split_once(quote).ok_or(("a closing quote", at))?;
                self.0 = rest;
                return Ok(string);
            }
        }
        Err(("a string", at))
    }

    /// A string, or the text of a list (a structured type), brackets balanced.
    fn descr(&mut self) -> Result<String, Fault<'a>> {
        let at = self.0.trim_start();
        if !at.starts_with('[') {
            return self.string().map(str::to_owned);
        }
        let mut depth = 0usize;
        for (i, c) in at.char_indices() {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.0 = &at[i + 1..];
                return Ok(at[..=i].to_owned());
            }
        }
        Err(("a closing bracket", at))
    }

    fn boolean(&mut self) -> Result<bool, Fault<'a>> {
        if self.eat("True") {
            Ok(true)
        } else if self.eat("False") {
            Ok(false)
        } else {
            Err(("True or False", self.0))
        }
    }

    /// `()`, `(3,)`, `(3, 4)`, `(3, 4,)`. Python 2 wrote `3L`.
    fn tuple(&mut self) -> Result<Vec<usize>, Fault<'a>> {
        let mut shape = Vec::new();
        self.expect("(")?;
        while !self.eat(")") {
            let at = self.0.trim_start();
            let digits = at.len() - at.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            shape.push(at[..digits].parse().map_err(|_| ("a length", at))?);
            self.0 = &at[digits..];
            self.eat("L");
            if !self.eat(",") {
                if shape.len() == 1 {
                    return Err(("a comma after a single length", self.0));
                }
                self.expect(")")?;
                break;
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_that_numpy_accepts() {
        let matrix = Header { descr: "<f8".into(), fortran_order: true, shape: vec![3, 4] };
        assert_eq!(parse("{'descr': '<f8', 'fortran_order': True, 'shape': (3, 4), }   \n"), Ok(matrix));
        let vector = Header { descr: "|u1".into(), fortran_order: false, shape: vec![7] };
        assert_eq!(parse("{\"shape\":(7L,),\"fortran_order\":False,\"descr\":\"|u1\"}"), Ok(vector));
        let structured = parse("{'descr': [('a', '<f8'), ('b', [('c', '<i4')])], 'fortran_order': False, 'shape': ()}");
        let structured = structured.expect("a structured type is named, not a syntax error");
        assert_eq!(structured.descr, "[('a', '<f8'), ('b', [('c', '<i4')])]");
        assert!(structured.shape.is_empty());
    }

    #[test]
    fn each_fault_is_named() {
        let cases = [
            ("", "{"),
            ("{'descr': '<f8'}", "the keys descr, fortran_order and shape"),
            ("{'descr': '<f8', 'descr': '<f8'}", "each key once"),
            ("{'other': 1}", "the keys descr, fortran_order and shape"),
            ("{'shape': (3)}", "a comma after a single length"),
            ("{'shape': (-3,)}", "a length"),
            ("{'shape': (99999999999999999999999,)}", "a length"),
            ("{'shape': (3, 4}", ")"),
            ("{'fortran_order': 0}", "True or False"),
            ("{'descr': '<f8}", "a closing quote"),
            ("{'descr': [('a', '<f8')}", "a closing bracket"),
            ("{'descr': 8}", "a string"),
            ("{'descr': '<f8' 'shape'}", "}"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x", "nothing after the dictionary"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).map_err(|fault| fault.0), Err(expected), "{text}");
        }
    }
}
