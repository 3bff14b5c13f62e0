//! How far into one object of a source.

/// The position in one object of a partition's source that a commit covers.
///
/// Stored in the lake's table `checkpoint` in the same commit as the rows up to it: both become visible, or
/// neither. For every object the newest one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The object's canonical name: its path or URL as first seen. Enters `tp_id`, so it never changes.
    pub object: String,
    /// Bytes of the decompressed object that are done with.
    pub offset: u64,
    /// Whether everything the object held when it was listed is done with.
    pub finished: bool,
    /// What the source needs to recognise the object again (inode, size, hash of its head, entity tag), in the
    /// source's own versioned JSON. Nobody else reads it; the pipeline stores it wrapped in its own.
    pub state: String,
}
