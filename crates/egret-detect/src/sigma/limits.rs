//! What a file from outside may cost: tests and bytes that its rules become, mistakes that are told, names that are
//! compared.

use egret_config::{Diagnostic, Diagnostics, Level, Location};
use egret_model::suggest;

/// The rules of a file may have so many tests. Dashes, placeholders and conditions multiply.
const MAX_TESTS: usize = 100_000;

/// The texts in the tests of a file's rules may be so long together.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// A rule may have so many selections.
pub(super) const MAX_SELECTIONS: usize = 1_000;

/// Documents with `action: global` or `repeat` may add so much to the others of a file.
pub(super) const MAX_COPIED_BYTES: usize = 4 << 20;

/// One value may become so many by dashes or placeholders.
const MAX_ALTERNATIVES: usize = 10_000;

/// So many mistakes of a rule are told, and as many oddities.
const MAX_TOLD: usize = 100;

/// Longer names are compared with none: it would take too long.
const MAX_NAME_BYTES: usize = 100;

/// What the rules of a file may still become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    tests: usize,
    bytes: usize,
}

impl Budget {
    /// That of a whole file.
    pub fn new() -> Self {
        Self { tests: MAX_TESTS, bytes: MAX_TEXT_BYTES }
    }

    /// Takes `tests` with texts of `bytes` from it; nothing if that is more than there is.
    pub fn spend(&mut self, tests: usize, bytes: usize) -> Option<()> {
        self.allows(tests, bytes)
            .then(|| *self = Self { tests: self.tests - tests, bytes: self.bytes - bytes })
    }

    /// Whether there is as much as that.
    pub fn allows(&self, tests: usize, bytes: usize) -> bool {
        tests <= self.tests && bytes <= self.bytes
    }

    /// How many values one of `bytes` may become.
    pub fn alternatives(&self, bytes: usize) -> usize {
        MAX_ALTERNATIVES.min(self.bytes / bytes.max(1))
    }
}

/// The mistake of a rule that costs more than there is.
pub(super) fn too_large(place: &Location) -> Diagnostic {
    Diagnostic::error(format!("the rules of the file have more than {MAX_TESTS} tests, or too long ones"))
        .at(place)
        .hint("split the file, the rule, or this value")
}

/// What is wrong and odd in one rule, up to a number.
#[derive(Debug, Default)]
pub(super) struct Report {
    diagnostics: Diagnostics,
    errors: usize,
    warnings: usize,
}

impl Report {
    /// Tells one more, if there are not too many yet.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let told = match diagnostic.level {
            Level::Error => &mut self.errors,
            Level::Warning => &mut self.warnings,
        };
        *told += 1;
        if *told <= MAX_TOLD {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether the rule cannot be used.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// All that was told.
    pub fn take(&mut self) -> Diagnostics {
        std::mem::take(self).diagnostics
    }
}

/// The one of `names` that was probably meant by `name`.
pub(super) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_NAME_BYTES {
        return None;
    }
    suggest::nearest(name, names.into_iter().filter(|known| known.len() <= MAX_NAME_BYTES))
}

/// As a hint: the nearest of `names`, or all if they are few.
pub(super) fn nearest_hint(name: &str, names: &[&str], what: &str) -> String {
    const FEW: usize = 40;
    match nearest(name, names.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if names.len() > FEW => format!("the {what} are {}, …", names[..FEW].join(", ")),
        None => format!("the {what} are {}", names.join(", ")),
    }
}
