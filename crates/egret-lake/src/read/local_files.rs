//! Local files whose path has characters that DuckDB or the user escaped.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The local file system, where a file is found by its name as it is.
///
/// The catalog's paths hold escapes of their own: the directory of partition `a b` is called
/// `tp_partition=a%20b`. The reader of the catalog escapes them once more, to `a%2520b`, and no file has that
/// name. So what is not found is looked for again with one level of escapes taken away.
#[derive(Debug)]
pub(super) struct LocalFiles(LocalFileSystem);

impl LocalFiles {
    pub(super) fn new() -> Self {
        Self(LocalFileSystem::new())
    }
}

impl fmt::Display for LocalFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The path without one level of escapes, if it has any.
fn unescaped(path: &Path) -> Option<Path> {
    let escaped = path.as_ref();
    if !escaped.contains('%') {
        return None;
    }
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((plain, escape)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        let byte = u8::from_str_radix(escape.get(..2)?, 16).ok()?;
        bytes.push(byte);
        rest = &escape[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Path::parse(String::from_utf8(bytes).ok()?).ok()
}

#[async_trait]
impl ObjectStore for LocalFiles {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match (self.0.get_opts(location, options.clone()).await, unescaped(location)) {
            (Err(object_store::Error::NotFound { .. }), Some(plain)) => {
                self.0.get_opts(&plain, options).await
            }
            (result, _) => result,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match (self.0.get_ranges(location, ranges).await, unescaped(location)) {
            (Err(object_store::Error::NotFound { .. }), Some(plain)) => {
                self.0.get_ranges(&plain, ranges).await
            }
            (result, _) => result,
        }
    }

    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_level_of_escapes_is_taken_away() {
        let plain = |text: &str| unescaped(&Path::parse(text).unwrap()).map(|path| path.to_string());
        assert_eq!(plain("a%2520b/c").as_deref(), Some("a%20b/c"));
        assert_eq!(plain("a b/c"), None);
        assert_eq!(plain("100%"), None);
        assert_eq!(plain("a%2e%2e/%2E%2E/x"), None, "no way up");
    }
}
