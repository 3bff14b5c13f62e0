//! [`FileSource`]: the listing and the opening, put together.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use egret_model::source::{Listing, ObjectReader};
use egret_model::{Object, Source, SourceContext, SourceError};

use crate::file::discover::{Discovery, Found};
use crate::file::glob::{Exclusion, InvalidPath, PathPattern};
use crate::file::identity::FileState;
use crate::file::layout::Layout;
use crate::file::{order, reader, recognise};
use crate::surroundings::{StandardInput, Surroundings};

/// The name of standard input, as a path and as an object.
const STANDARD_INPUT: &str = "-";

/// Files, folders, globs and standard input.
#[derive(Debug)]
pub struct FileSource {
    pub(crate) name: String,
    pub(crate) paths: Vec<PathPattern>,
    pub(crate) exclusion: Exclusion,
    pub(crate) layout: Option<Layout>,
    pub(crate) standard_input: StandardInput,
}

impl FileSource {
    /// Reads these paths, each as in the configuration: a file, a folder, a glob, or `-`.
    ///
    /// # Errors
    /// If a path can mean nothing: it is empty, or a glob that is not closed. Whether something is there
    /// shows when it is listed.
    pub fn from_paths<P: AsRef<str>>(
        paths: impl IntoIterator<Item = P>,
        surroundings: &Surroundings,
    ) -> Result<Self, InvalidPath> {
        let mut written = Vec::new();
        let mut patterns = Vec::new();
        for path in paths {
            patterns.push(PathPattern::new(
                path.as_ref(),
                &surroundings.folder,
                surroundings.home.as_deref(),
            )?);
            written.push(path.as_ref().to_owned());
        }
        Ok(Self {
            name: written.join(", "),
            paths: patterns,
            exclusion: Exclusion::default(),
            layout: None,
            standard_input: surroundings.standard_input.clone(),
        })
    }

    fn find(&self) -> (Found, bool) {
        let discovery = Discovery { exclusion: &self.exclusion, layout: self.layout.as_ref() };
        let mut found = Found::default();
        let mut standard_input = false;
        for path in &self.paths {
            match path {
                PathPattern::StandardInput => standard_input = true,
                PathPattern::Path(written) => discovery.find(written, &mut found),
            }
        }
        (found, standard_input)
    }
}

impl Source for FileSource {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn list(&self, context: &SourceContext) -> Result<Listing, SourceError> {
        let (found, standard_input) = self.find();
        let mut listing = Listing { failures: found.failures, ..Listing::default() };
        if standard_input {
            listing.objects.push(stream(STANDARD_INPUT.to_owned()));
        }
        recognise::recognise(found.files, &context.checkpoints, context.clock.now(), &mut listing);
        order::sort_by_day(&mut listing.objects);
        listing.objects.extend(found.streams.into_iter().map(stream));
        Ok(listing)
    }

    fn open(&self, object: &Object) -> Result<Box<dyn ObjectReader>, SourceError> {
        let path = Path::new(&object.location);
        let opened = match object.state.as_str() {
            "" if object.location == STANDARD_INPUT => self.open_standard_input(),
            "" => File::open(path).and_then(|file| reader::open_stream(Box::new(file))),
            state => FileState::from_json(state)
                .map_err(io::Error::other)
                .and_then(|state| reader::open_file(path, &state)),
        };
        opened.map_err(|error| SourceError::Io { action: "open", path: PathBuf::from(path), error })
    }
}

impl FileSource {
    fn open_standard_input(&self) -> io::Result<Box<dyn ObjectReader>> {
        let stream = self.standard_input.take();
        let stream =
            stream.ok_or_else(|| io::Error::other("there is no standard input, or it was read already"))?;
        reader::open_stream(stream)
    }
}

/// What can be read once and has no position that a later run could start from.
fn stream(name: String) -> Object {
    Object {
        location: name.clone(),
        name,
        offset: 0,
        size: None,
        modified: None,
        state: String::new(),
        complete: true,
    }
}
