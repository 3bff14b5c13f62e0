//! Sets of rows: one bit a row.

/// A set of rows of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// No rows of no batch.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// None of `rows` rows.
    pub(crate) fn none(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)])
    }

    /// All of `rows` rows.
    pub(crate) fn all(rows: usize) -> Self {
        let mut bits = Self(vec![u64::MAX; rows.div_ceil(64)]);
        bits.cut(rows);
        bits
    }

    fn cut(&mut self, rows: usize) {
        if let Some(last) = self.0.last_mut()
            && !rows.is_multiple_of(64)
        {
            *last &= (1 << (rows % 64)) - 1;
        }
    }

    pub(crate) fn insert(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn intersect(&mut self, other: &Self) {
        let known = other.0.len().min(self.0.len());
        let (both, rest) = self.0.split_at_mut(known);
        both.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
        rest.fill(0);
    }

    pub(crate) fn unite(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
    }

    /// The rows in it, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                Some(at * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_and_come_out() {
        let mut bits = Bits::none(130);
        [0, 63, 64, 129].into_iter().for_each(|row| bits.insert(row));
        assert_eq!(bits.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        let mut others = Bits::all(130);
        others.remove(&bits);
        assert_eq!(others.len(), 126);
        bits.unite(&Bits::all(130));
        assert_eq!(bits, Bits::all(130));
        bits.intersect(&others);
        assert_eq!(bits, others);
        bits.intersect(&Bits::new());
        assert!(bits.is_empty(), "no rows of a batch that was not looked at");
    }
}
