//! What was reached so far: two bits for each row of three tables.
//!
//! Rows have small numbers, so that a million objects take 250 kB.

use ratatosk_objects::Reference;

/// A set of row numbers.
#[derive(Debug, Default)]
struct Bits {
    words: Vec<u64>,
}

impl Bits {
    fn place(number: i64) -> (usize, u64) {
        let number = number.unsigned_abs();
        (usize::try_from(number / 64).unwrap_or(usize::MAX), 1 << (number % 64))
    }

    fn contains(&self, number: i64) -> bool {
        let (word, bit) = Self::place(number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Gives whether it was not there before.
    fn insert(&mut self, number: i64) -> bool {
        let (word, bit) = Self::place(number);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }

    fn remove(&mut self, number: i64) {
        let (word, bit) = Self::place(number);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    /// The greatest that is there and at most `from`.
    fn last(&self, from: i64) -> Option<i64> {
        let (word, bit) = Self::place(from);
        // Of the first word only what is not above.
        let mask = bit | (bit - 1);
        let highest = self.words.len().checked_sub(1)?;
        (0..=word.min(highest)).rev().find_map(|index| {
            let bits = self.words[index] & if index == word { mask } else { u64::MAX };
            let top = 63_u32.checked_sub(bits.leading_zeros())?;
            i64::try_from(index as u64 * 64 + u64::from(top)).ok()
        })
    }
}

/// The tables of which rows are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Objects,
    IdObjects,
    Blobs,
}

impl Table {
    /// In the order in which they are looked through.
    pub(super) const ALL: [Self; 3] = [Self::Objects, Self::IdObjects, Self::Blobs];

    /// Where the target of a reference lies.
    pub(crate) const fn of(reference: &Reference) -> Self {
        match reference {
            Reference::Object(_) => Self::Objects,
            Reference::Id(_) => Self::IdObjects,
            Reference::Blob(_) | Reference::Clob(_) => Self::Blobs,
        }
    }

    /// Gives the number of a hash.
    pub(crate) const fn number(self) -> &'static str {
        match self {
            Self::Objects => "SELECT number FROM objects WHERE hash = ?1",
            Self::IdObjects => "SELECT number FROM id_objects WHERE hash = ?1",
            Self::Blobs => "SELECT number FROM blobs WHERE hash = ?1",
        }
    }
}

/// What was reached, and of which of it the references are still to be followed.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    reached: [Bits; 3],
    waiting: [Bits; 3],
    /// Where the search for what waits goes on, downwards: what an object refers to came before it, as a rule, so that one pass
    /// from the newest to the oldest finds nearly everything.
    next: i64,
}

impl Marks {
    /// Marks a row. Nothing changes if it was marked before.
    pub(crate) fn reach(&mut self, table: Table, number: i64) {
        if self.reached[table as usize].insert(number) && table != Table::Blobs {
            self.waiting[table as usize].insert(number);
        }
    }

    /// Marks a row that was just written. Its number may be that of another one that was marked and has gone.
    pub(crate) fn reach_anew(&mut self, table: Table, number: i64) {
        self.reached[table as usize].insert(number);
        if table != Table::Blobs {
            self.waiting[table as usize].insert(number);
        }
    }

    /// Whether a row is marked.
    pub(super) fn is_reached(&self, table: Table, number: i64) -> bool {
        self.reached[table as usize].contains(number)
    }

    /// Takes a row of which the references are to be followed. None means that there are no more.
    pub(super) fn take(&mut self) -> Option<(Table, i64)> {
        if let Some(number) = self.waiting[Table::IdObjects as usize].last(i64::MAX) {
            self.waiting[Table::IdObjects as usize].remove(number);
            return Some((Table::IdObjects, number));
        }
        let waiting = &mut self.waiting[Table::Objects as usize];
        let number = waiting.last(self.next).or_else(|| waiting.last(i64::MAX))?;
        waiting.remove(number);
        self.next = number;
        Some((Table::Objects, number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_downwards_across_words() {
        let mut bits = Bits::default();
        assert_eq!(bits.last(i64::MAX), None);
        for number in [1, 63, 64, 200] {
            assert!(bits.insert(number) && !bits.insert(number));
        }
        let found = [i64::MAX, 200, 199, 64, 63, 62, 1, 0].map(|from| bits.last(from));
        assert_eq!(found, [Some(200), Some(200), Some(64), Some(64), Some(63), Some(1), Some(1), None]);
        bits.remove(64);
        assert_eq!((bits.last(199), bits.contains(64), bits.contains(10_000)), (Some(63), false, false));
    }

    #[test]
    fn each_row_is_taken_once_and_again_when_it_is_written_again() {
        let mut marks = Marks::default();
        for number in [5, 900, 70] {
            marks.reach(Table::Objects, number);
        }
        marks.reach(Table::IdObjects, 3);
        marks.reach(Table::Blobs, 4);
        assert_eq!([marks.take(), marks.take()], [Some((Table::IdObjects, 3)), Some((Table::Objects, 900))]);
        marks.reach(Table::Objects, 900);
        marks.reach(Table::Objects, 901);
        let rest: Vec<_> = std::iter::from_fn(|| marks.take()).collect();
        assert_eq!(rest, [(Table::Objects, 70), (Table::Objects, 5), (Table::Objects, 901)]);
        marks.reach_anew(Table::Objects, 70);
        assert_eq!([marks.take(), marks.take()], [Some((Table::Objects, 70)), None]);
        assert!(marks.is_reached(Table::Blobs, 4) && !marks.is_reached(Table::Blobs, 5));
    }
}
