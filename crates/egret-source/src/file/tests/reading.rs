//! Reading: plain, compressed, broken, from a stream, and while files move.

use egret_testkit::Random;

use super::*;

fn first_object(source: &FileSource) -> Object {
    let context = SourceContext { clock: Arc::new(FakeClock::new(at_rest())), checkpoints: Arc::default() };
    let mut listing = source.list(&context).unwrap();
    assert!(listing.failures.is_empty(), "{:?}", listing.failures);
    listing.objects.remove(0)
}

/// A million and a half bytes that do not compress, so that half of a compressed file is half of the text.
fn bytes() -> Vec<u8> {
    let mut random = Random::new(1);
    (0..200_000).flat_map(|_| random.bits().to_le_bytes()).collect()
}

#[test]
fn every_encoding_is_read_and_skipped_in() {
    let bytes = bytes();
    let (first, second) = bytes.split_at(700_000);
    let members = |encode: fn(&[u8]) -> Vec<u8>| [encode(first), encode(second)].concat();
    for (what, stored) in [
        ("plain", bytes.clone()),
        ("gzip", gzip(&bytes)),
        ("gzip members", members(gzip)),
        ("zstd", zstd(&bytes)),
        ("zstd frames", members(zstd)),
        ("zstd behind a skippable frame", [&b"\x50\x2a\x4d\x18\x03\0\0\0abc"[..], &zstd(&bytes)].concat()),
    ] {
        // The name says nothing: content does.
        let folder = TemporaryFolder::new();
        folder.write("file.txt", &stored);
        let source = source(&folder, &["file.txt"]);
        let object = first_object(&source);
        assert_eq!(object.size, Some(stored.len() as u64));
        for skipped in [0, 1, 699_999, 700_001, bytes.len()] {
            let mut reader = source.open(&object).unwrap();
            reader.skip(skipped as u64).unwrap();
            let mut got = Vec::new();
            reader.read_to_end(&mut got).unwrap();
            assert!(got == bytes[skipped..], "{what} after {skipped}");
            assert_eq!(reader.stored_bytes(), stored.len() as u64, "{what}");
        }
        let too_far = source.open(&object).unwrap().skip(bytes.len() as u64 + 1).unwrap_err();
        assert_eq!(too_far.kind(), std::io::ErrorKind::UnexpectedEof, "{what}");
    }
}

#[test]
fn a_compressed_file_that_breaks_off_gives_what_it_holds_and_then_an_error() {
    let bytes = bytes();
    for stored in [gzip(&bytes), zstd(&bytes)] {
        let folder = TemporaryFolder::new();
        folder.write("a", &stored[..stored.len() / 2]);
        let source = source(&folder, &["a"]);
        let mut got = Vec::new();
        let error = source.open(&first_object(&source)).unwrap().read_to_end(&mut got).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
        // All but the block that is not whole.
        let at_least = stored.len() / 2 - (128 << 10);
        assert!(got.len() >= at_least && bytes.starts_with(&got), "{} bytes", got.len());
    }
}

#[test]
fn a_frame_that_wants_too_much_memory_is_refused() {
    // Magic, descriptor with a window of 2^31 bytes and no size, an empty last block.
    let folder = TemporaryFolder::new();
    folder.write("a", b"\x28\xb5\x2f\xfd\x00\xa8\x01\0\0");
    let source = source(&folder, &["a"]);
    let mut reader = source.open(&first_object(&source)).unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("too much memory"), "{error}");
}

#[test]
fn standard_input_is_read_once_and_recognised_too() {
    for stored in [b"one\ntwo\n".to_vec(), gzip(b"one\ntwo\n"), zstd(b"one\ntwo\n")] {
        let surroundings = Surroundings::new("/").with_standard_input(std::io::Cursor::new(stored));
        let source = FileSource::from_paths(["-"], &surroundings).unwrap();
        let object = first_object(&source);
        assert_eq!((&*object.name, object.size, object.complete), ("-", None, true));
        let mut text = String::new();
        source.open(&object).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\n");
        let error = source.open(&object).err().unwrap().to_string();
        assert!(error.contains("was read already"), "{error}");
    }
}

#[test]
fn a_named_pipe_is_a_stream() {
    let folder = TemporaryFolder::new();
    let pipe = folder.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let source = source(&folder, &["pipe"]);
    let object = first_object(&source);
    let writer = std::thread::spawn(move || fs::write(pipe, "one\n").unwrap());
    let mut text = String::new();
    source.open(&object).unwrap().read_to_string(&mut text).unwrap();
    writer.join().unwrap();
    assert_eq!(text, "one\n");
}

#[test]
fn what_is_appended_after_the_listing_is_the_next_runs() {
    let folder = TemporaryFolder::new();
    folder.write("a.log", "one\n");
    let mut collector = LineCollector::new(source(&folder, &["a.log"]));
    let object = first_object(&collector.source);
    folder.append("a.log", "tw");
    assert_eq!(collector.collect_object(&object, u64::MAX), ["one"]);
    folder.append("a.log", "o\n");
    assert_eq!(collector.collect(at_rest()), ["two"]);
}

#[test]
fn a_file_that_moves_between_listing_and_opening_is_found() {
    let folder = TemporaryFolder::new();
    folder.write("a.log", "old\n");
    let mut collector = LineCollector::new(source(&folder, &["."]));
    let object = first_object(&collector.source);
    fs::rename(folder.join("a.log"), folder.join("a.log.1")).unwrap();
    folder.write("a.log", "new\n");
    assert_eq!(collector.collect_object(&object, u64::MAX), ["old"]);
    fs::remove_file(folder.join("a.log.1")).unwrap();
    let error = collector.source.open(&object).err().unwrap().to_string();
    assert!(error.contains("replaced since it was listed"), "{error}");
    assert_eq!(collector.collect(at_rest()), ["new"]);
}

#[test]
fn a_file_that_shrinks_while_it_is_read_says_so() {
    let folder = TemporaryFolder::new();
    folder.write("a.log", "one\ntwo\n");
    let source = source(&folder, &["a.log"]);
    let object = first_object(&source);
    fs::File::options().write(true).open(folder.join("a.log")).unwrap().set_len(5).unwrap();
    let mut got = Vec::new();
    let error = source.open(&object).unwrap().read_to_end(&mut got).unwrap_err();
    assert_eq!(got, b"one\nt");
    assert!(error.to_string().contains("shrank while it was read"), "{error}");
}
