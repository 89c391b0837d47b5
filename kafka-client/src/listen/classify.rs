//! What the user says of errors, by their types.

use std::error::Error;

use super::Verdict;

type Classifier = Box<dyn Fn(&(dyn Error + 'static)) -> Option<Verdict> + Send + Sync>;

/// What to do with errors of certain types. The first that knows an error decides.
#[derive(Default)]
pub(super) struct Classifiers(Vec<Classifier>);

impl Classifiers {
    pub(super) fn add<E: Error + 'static>(
        &mut self,
        classify: impl Fn(&E) -> Verdict + Send + Sync + 'static,
    ) {
        let of_type = move |error: &(dyn Error + 'static)| error.downcast_ref().map(&classify);
        self.0.push(Box::new(of_type));
    }

    /// Looks at the error, then at what lies behind it.
    pub(super) fn verdict(&self, error: &(dyn Error + 'static)) -> Option<Verdict> {
        if self.0.is_empty() {
            return None;
        }
        let mut next = Some(error);
        while let Some(error) = next {
            let verdict = self.0.iter().find_map(|classify| classify(error));
            if verdict.is_some() {
                return verdict;
            }
            next = error.source();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::num::{ParseFloatError, ParseIntError};

    use super::*;

    #[derive(Debug)]
    struct Outer(ParseIntError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_nearest_error_of_a_known_type_decides() {
        let inner = "x".parse::<i32>().unwrap_err();
        let mut classifiers = Classifiers::default();
        assert_eq!(classifiers.verdict(&inner), None);
        classifiers.add(|_: &ParseFloatError| Verdict::Fail);
        classifiers.add(|_: &ParseIntError| Verdict::Skip);
        assert_eq!(classifiers.verdict(&inner), Some(Verdict::Skip));
        let outer = Outer(inner);
        assert_eq!(classifiers.verdict(&outer), Some(Verdict::Skip));
        classifiers.add(|_: &Outer| Verdict::Retry);
        assert_eq!(classifiers.verdict(&outer), Some(Verdict::Retry));
    }
}
