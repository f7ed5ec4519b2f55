//! A share of a sweep's arms.

use std::str::FromStr;

/// Every `of`-th arm, from arm `index` on; both from 1, as all schedulers can count (some cannot count from 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// All arms.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// Whether the arm at this place of the study, from 0, belongs to it.
    pub fn has(self, arm: usize) -> bool {
        arm % self.of == self.index - 1
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected I/N, the I-th of N shards, counted from 1, such as 1/4 to 4/4";
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Self { index, of }),
            Some((_, 0)) => Err(format!("{expected}; found no shards at all")),
            Some((0, _)) => Err(format!("{expected}; found shard 0")),
            Some((index, of)) => Err(format!("{expected}; found shard {index} of {of}")),
            None => Err(expected.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_count_from_one_and_share_the_arms() {
        let shards: Vec<Shard> = (1..=3).map(|index| format!("{index}/3").parse().expect("a shard")).collect();
        for arm in 0..10 {
            let owners: Vec<usize> = (0..3).filter(|k| shards[*k].has(arm)).collect();
            assert_eq!(owners, [arm % 3]);
        }
        assert!(Shard::WHOLE.has(0) && Shard::WHOLE.has(7));
        assert_eq!(shards[1].to_string(), "2/3");
        for (text, found) in [("0/4", "shard 0"), ("5/4", "shard 5 of 4"), ("1/0", "no shards"), ("0/0", "no shards")] {
            let error = text.parse::<Shard>().expect_err(text);
            assert!(error.contains("counted from 1") && error.contains(found), "{error}");
        }
        for text in ["", "3", "/", "1/", "-1/4", "a/b", "1/4/2", "1.5/4"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
