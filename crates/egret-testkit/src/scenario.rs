//! Scenarios: how the bytes of a source come in, and what disturbs the runs that collect them.

use std::fmt;

use crate::random::Random;

/// One object and the bytes that it holds at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How it comes into being.
    pub growth: Growth,
}

/// How an object comes into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// Byte by byte, like a log that somebody writes; a cut may lie anywhere in a record.
    Bytes,
    /// As a whole, like an object in a bucket.
    Whole,
}

impl Content {
    /// A log that grows byte by byte.
    pub fn growing(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into(), growth: Growth::Bytes }
    }

    /// An object that comes as a whole.
    pub fn whole(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into(), growth: Growth::Whole }
    }
}

/// What goes wrong in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing.
    None,
    /// The process dies when everything of this commit (the first is 1) is prepared and nothing is visible.
    BeforeCommit(u32),
    /// The process dies right after this commit (the first is 1) became visible, before anything else.
    AfterCommit(u32),
    /// Reading an object fails before a byte. The run itself goes on.
    ReadFails {
        /// The object, by its index.
        object: usize,
        /// The first byte that cannot be read.
        at: u64,
    },
}

/// One run, and how much of the source is there when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// For each object how many of its bytes are there. With none the object is not there.
    pub lengths: Vec<usize>,
    /// What goes wrong.
    pub disturbance: Disturbance,
    /// Whether reads return less than was asked for: the seed.
    pub short_reads: Option<u64>,
}

/// Runs, one after another, over one source and one folder. The last one sees everything and is undisturbed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The runs.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Everything is there, one run collects it.
    pub fn at_once(contents: &[Content]) -> Self {
        Self { steps: vec![last_step(contents, None)] }
    }

    /// A random one: a third of them only in pieces, a third only killed, a third both.
    pub fn random(contents: &[Content], random: &mut Random) -> Self {
        let (in_pieces, killed) = [(true, false), (false, true), (true, true)][random.index(3)];
        let full: Vec<usize> = contents.iter().map(|content| content.bytes.len()).collect();
        let mut lengths = if in_pieces { vec![0; contents.len()] } else { full };
        let mut steps = Vec::new();
        for _ in 0..=random.below(6) {
            if in_pieces {
                grow(&mut lengths, contents, random);
            }
            let disturbance = if killed { disturb(contents, random) } else { Disturbance::None };
            let short_reads = random.chance(50).then(|| random.bits());
            steps.push(Step { lengths: lengths.clone(), disturbance, short_reads });
        }
        let short_reads = random.chance(50).then(|| random.bits());
        steps.push(last_step(contents, short_reads));
        Self { steps }
    }

    /// Scenarios that are one change simpler, the greatest changes first.
    pub(crate) fn simpler(&self, contents: &[Content]) -> Vec<Self> {
        let mut simpler = Vec::new();
        let mut consider = |change: &dyn Fn(&mut Self)| {
            let mut candidate = self.clone();
            change(&mut candidate);
            if candidate != *self {
                simpler.push(candidate);
            }
        };
        let disturbed = self.steps.len().saturating_sub(1);
        for index in 0..disturbed {
            consider(&|scenario| drop(scenario.steps.remove(index)));
        }
        for index in 0..self.steps.len() {
            consider(&|scenario| scenario.steps[index].disturbance = Disturbance::None);
            consider(&|scenario| scenario.steps[index].short_reads = None);
        }
        for index in 0..disturbed {
            for (object, content) in contents.iter().enumerate() {
                let before = index.checked_sub(1).map_or(0, |before| self.steps[before].lengths[object]);
                consider(&|scenario| scenario.steps[index].lengths[object] = before);
                if content.growth == Growth::Bytes {
                    let halfway = usize::midpoint(before, self.steps[index].lengths[object]);
                    consider(&|scenario| scenario.steps[index].lengths[object] = halfway);
                }
            }
        }
        simpler
    }

    /// For people: a line a run.
    pub(crate) fn describe(&self, contents: &[Content]) -> String {
        let mut text = String::new();
        for (index, step) in self.steps.iter().enumerate() {
            let lengths: Vec<String> = contents
                .iter()
                .zip(&step.lengths)
                .map(|(content, length)| {
                    format!("{} {length} of {} bytes", content.name, content.bytes.len())
                })
                .collect();
            let disturbance = match step.disturbance {
                Disturbance::ReadFails { object, at } => {
                    let name = contents.get(object).map_or("?", |content| &content.name);
                    format!("reading {name} fails at byte {at}")
                }
                other => other.to_string(),
            };
            let reads = if step.short_reads.is_some() { ", short reads" } else { "" };
            text.push_str(&format!("\n  run {}: {}; {disturbance}{reads}", index + 1, lengths.join(", ")));
        }
        text
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("undisturbed"),
            Self::BeforeCommit(commit) => write!(f, "dies before commit {commit}"),
            Self::AfterCommit(commit) => write!(f, "dies after commit {commit}"),
            Self::ReadFails { object, at } => write!(f, "reading object {object} fails at byte {at}"),
        }
    }
}

fn last_step(contents: &[Content], short_reads: Option<u64>) -> Step {
    let lengths = contents.iter().map(|content| content.bytes.len()).collect();
    Step { lengths, disturbance: Disturbance::None, short_reads }
}

fn grow(lengths: &mut [usize], contents: &[Content], random: &mut Random) {
    for (length, content) in lengths.iter_mut().zip(contents) {
        let rest = content.bytes.len() - *length;
        match content.growth {
            // Now and then nothing comes: an unchanged object must stay what it is.
            _ if random.chance(25) => {}
            Growth::Whole => *length = content.bytes.len(),
            // Small steps as well as large ones, so that cuts lie close to each other too.
            Growth::Bytes if random.chance(50) => *length += random.index(rest.min(40) + 1),
            Growth::Bytes => *length += random.index(rest + 1),
        }
    }
}

fn disturb(contents: &[Content], random: &mut Random) -> Disturbance {
    let commit = 1 + random.below(4) as u32;
    match random.below(8) {
        0 => Disturbance::None,
        1..=3 => Disturbance::BeforeCommit(commit),
        4..=5 => Disturbance::AfterCommit(commit),
        _ => {
            let object = random.index(contents.len());
            let length = contents.get(object).map_or(0, |content| content.bytes.len());
            Disturbance::ReadFails { object, at: random.below(length as u64 + 1) }
        }
    }
}
