//! Which of several places in a record a column takes its value from.

/// The rank that every place's is below.
const NO_RANK: u16 = u16::MAX;

/// Sees to it that every leaf takes the value of the best of its places that the record has.
///
/// A record is read once, from its start to its end, and what a leaf has taken cannot be given back, so a value that
/// comes before that of a better place is a mistake, and the record has to be read once more. But the records of an
/// object are alike: what was the best place in one is expected in the next, worse ones are passed over there, and
/// only where the better one is missing then that record is read again. What a record becomes depends on nothing but
/// the record.
#[derive(Debug)]
pub(crate) struct Choices {
    /// By leaf.
    choices: Vec<Choice>,
    /// The leaves for which this reading has passed over a place.
    passed_over: Vec<usize>,
    /// The leaves that a value of this reading did not fit.
    unfit: Vec<usize>,
    reads_again: bool,
}

#[derive(Debug, Clone, Copy)]
struct Choice {
    /// The rank of the place that was taken last.
    taken: u16,
    /// Places of a higher rank than this are passed over.
    highest: u16,
}

/// What is to be done with the value of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The leaf takes it if it fits.
    Take,
    /// The leaf has a value of a worse place: if it fits it is to be [`Choices::prefer`]red.
    Try,
    /// It is not wanted.
    Leave,
}

impl Choices {
    /// For so many leaves.
    pub(crate) fn new(leaves: usize) -> Self {
        let choice = Choice { taken: NO_RANK, highest: NO_RANK };
        Self { choices: vec![choice; leaves], passed_over: vec![], unfit: vec![], reads_again: false }
    }

    /// Begins a reading of a record.
    pub(crate) fn begin(&mut self) {
        self.passed_over.clear();
        self.unfit.clear();
        self.reads_again = false;
    }

    /// About the value of a place of `rank`; `is_filled` says whether the leaf has a value of this record.
    pub(crate) fn consider(&mut self, leaf: usize, rank: u16, is_filled: bool) -> Verdict {
        let Choice { taken, highest } = self.choices[leaf];
        if is_filled {
            return if rank < taken { Verdict::Try } else { Verdict::Leave };
        }
        if rank > highest {
            self.passed_over.push(leaf);
            return Verdict::Leave;
        }
        Verdict::Take
    }

    /// The leaf has taken the value of a place of `rank`.
    pub(crate) fn taken(&mut self, leaf: usize, rank: u16) {
        self.choices[leaf].taken = rank;
    }

    /// The leaf should have waited for a place of `rank`.
    pub(crate) fn prefer(&mut self, leaf: usize, rank: u16) {
        self.choices[leaf] = Choice { taken: rank, highest: rank };
        self.reads_again = true;
    }

    /// The leaf could not take a value.
    pub(crate) fn unfit(&mut self, leaf: usize) {
        self.unfit.push(leaf);
    }

    /// So many values of the record, which is at its end, did not fit their leaf, which has no other value.
    pub(crate) fn misfits(&self, is_filled: impl Fn(usize) -> bool) -> u64 {
        self.unfit.iter().filter(|leaf| !is_filled(**leaf)).count() as u64
    }

    /// Whether the record, which is at its end, has to be read again.
    pub(crate) fn settle(&mut self, is_filled: impl Fn(usize) -> bool) -> bool {
        for leaf in self.passed_over.drain(..) {
            if !is_filled(leaf) {
                self.choices[leaf].highest = NO_RANK;
                self.reads_again = true;
            }
        }
        std::mem::take(&mut self.reads_again)
    }
}
