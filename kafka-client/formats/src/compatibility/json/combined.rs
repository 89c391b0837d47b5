//! `allOf`, `anyOf` and `oneOf`.

use super::model::{Criterion, Part};
use super::rules::Comparison;

impl Comparison {
    /// Several of each. The keyword may become a weaker one; of `allOf` parts may go, of the others they may
    /// come; and each that stays is to read one of the writer's, each another.
    pub(super) fn combined(
        &mut self,
        criterion: Criterion,
        reader: &[Part<'_>],
        written: Criterion,
        writer: &[Part<'_>],
    ) {
        let (reader, writer) = (distinct(reader), distinct(writer));
        let weaker = match (criterion, written) {
            (Criterion::Any, _) => true,
            (Criterion::One, Criterion::One) | (Criterion::All, Criterion::All) => true,
            (Criterion::One, _) => writer.len() == 1,
            (Criterion::All, _) => reader.len() == 1 && writer.len() == 1,
        };
        if !weaker {
            self.fails(format!(
                "{} of {written:?} is not read by {criterion:?}",
                writer.len()
            ));
            return;
        }
        match criterion {
            Criterion::All if reader.len() > writer.len() => {
                self.fails("more has to hold than before");
            }
            Criterion::Any | Criterion::One if reader.len() < writer.len() => {
                self.fails("alternatives are gone");
            }
            _ => {
                let smaller = reader.len().min(writer.len());
                if self.matching(&reader, &writer) < smaller {
                    self.fails("its parts are not read by those of the other");
                }
            }
        }
    }

    /// One schema, read by several.
    pub(super) fn several_read(
        &mut self,
        criterion: Criterion,
        reader: &[Part<'_>],
        writer: Part<'_>,
    ) {
        let reads = match (criterion, reader) {
            (_, [one]) => self.reads(*one, writer),
            (Criterion::All, _) => false,
            (Criterion::Any | Criterion::One, _) => {
                reader.iter().any(|part| self.reads(*part, writer))
            }
        };
        if !reads {
            self.fails("no alternative reads what is written");
        }
    }

    /// Several schemas, read by one.
    pub(super) fn several_written(&mut self, reader: Part<'_>, writer: &[Part<'_>]) {
        match writer {
            [one] => self.parts(reader, *one),
            _ => self.fails("several schemas are written, one is read"),
        }
    }

    /// How many pairs there are at most in which the one reads the other, with each in one pair.
    fn matching(&mut self, reader: &[Part<'_>], writer: &[Part<'_>]) -> usize {
        let edges: Vec<Vec<usize>> = writer
            .iter()
            .map(|written| {
                let reads = |place: &usize| self.reads(reader[*place], *written);
                (0..reader.len()).filter(reads).collect()
            })
            .collect();
        let mut taken = vec![None; reader.len()];
        let places = 0..writer.len();
        places
            .filter(|place| augment(*place, &edges, &mut taken, &mut vec![false; reader.len()]))
            .count()
    }
}

/// Finds a partner for one, if need be by finding others for those who have theirs.
fn augment(
    place: usize,
    edges: &[Vec<usize>],
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for partner in &edges[place] {
        if std::mem::replace(&mut tried[*partner], true) {
            continue;
        }
        let free = match taken[*partner] {
            None => true,
            Some(other) => augment(other, edges, taken, tried),
        };
        if free {
            taken[*partner] = Some(place);
            return true;
        }
    }
    false
}

fn distinct<'a>(parts: &[Part<'a>]) -> Vec<Part<'a>> {
    let mut distinct: Vec<Part<'a>> = Vec::new();
    for part in parts {
        if !distinct.contains(part) {
            distinct.push(*part);
        }
    }
    distinct
}
