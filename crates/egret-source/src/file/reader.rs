//! Reads the bytes of one file, plain or decompressed.

use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use egret_model::source::ObjectReader;

use crate::file::encoding::{Encoding, MAGIC_BYTES, READ_BYTES};
use crate::file::identity::{FileState, Stat};

/// Opens the file that was listed, also if it was renamed within its folder since then.
pub(crate) fn open_file(path: &Path, state: &FileState) -> io::Result<Box<dyn ObjectReader>> {
    let file = open_same(path, state)?;
    if state.encoding == Encoding::Plain {
        return Ok(Box::new(PlainReader {
            file: BufReader::with_capacity(READ_BYTES, file),
            position: 0,
            end: state.size,
        }));
    }
    Ok(Box::new(DecodingReader::new(file, state.encoding)?))
}

/// Reads a stream that cannot seek: standard input, a named pipe.
pub(crate) fn open_stream(mut stream: Box<dyn Read + Send>) -> io::Result<Box<dyn ObjectReader>> {
    let mut head = Vec::new();
    stream.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut head)?;
    let encoding = Encoding::recognise(&head)?;
    Ok(Box::new(DecodingReader::new(Cursor::new(head).chain(stream), encoding)?))
}

fn open_same(path: &Path, state: &FileState) -> io::Result<File> {
    let listed = state.stat().id;
    let is_same = |file: &File| Ok::<_, io::Error>(Stat::new(&file.metadata()?).id == listed);
    let opened = File::open(path);
    if let Ok(file) = opened
        && is_same(&file)?
    {
        return Ok(file);
    }
    // Rotated between listing and opening, which for a long run is likely at some time.
    let folder = path.parent().unwrap_or(Path::new("/"));
    for entry in fs::read_dir(folder)?.flatten() {
        if !entry.metadata().is_ok_and(|metadata| Stat::new(&metadata).id == listed) {
            continue;
        }
        let file = File::open(entry.path())?;
        if is_same(&file)? {
            return Ok(file);
        }
    }
    // Still there, so what was refused is the reason; else it is gone.
    File::open(path)?;
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        "it was replaced since it was listed; the next run reads the new one",
    ))
}

/// A plain file, up to where it ended when it was listed. What is appended later is the next run's: only for
/// what was there at the listing is it known whether somebody was in the middle of a line.
struct PlainReader {
    file: BufReader<File>,
    position: u64,
    end: u64,
}

impl PlainReader {
    fn shrunk(&self) -> io::Error {
        let message = format!("it shrank while it was read: it held {} bytes and now ends before", self.end);
        io::Error::new(io::ErrorKind::UnexpectedEof, message)
    }
}

impl Read for PlainReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(rest);
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.file.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(self.shrunk());
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl ObjectReader for PlainReader {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let target = self.position.checked_add(bytes).filter(|target| *target <= self.end);
        self.position = target.ok_or_else(|| ends_before(bytes))?;
        self.file.seek(SeekFrom::Start(self.position))?;
        Ok(())
    }

    fn stored_bytes(&self) -> u64 {
        self.position
    }
}

/// The decompressed bytes of anything.
struct DecodingReader {
    decoder: Box<dyn Read + Send>,
    stored_bytes: Arc<AtomicU64>,
}

impl DecodingReader {
    fn new(stored: impl Read + Send + 'static, encoding: Encoding) -> io::Result<Self> {
        let stored_bytes = Arc::new(AtomicU64::new(0));
        let decoder = encoding.decode(Counted { stored, count: Arc::clone(&stored_bytes) }, READ_BYTES)?;
        Ok(Self { decoder, stored_bytes })
    }
}

impl Read for DecodingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer)
    }
}

impl ObjectReader for DecodingReader {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.decoder.by_ref().take(bytes), &mut io::sink())?;
        if skipped < bytes { Err(ends_before(bytes)) } else { Ok(()) }
    }

    fn stored_bytes(&self) -> u64 {
        self.stored_bytes.load(Ordering::Relaxed)
    }
}

/// Counts what is read.
struct Counted<R> {
    stored: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stored.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn ends_before(bytes: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("it ends before the {bytes} bytes that earlier runs have read"),
    )
}
