//! Archives that are cut, packed to burst, or lead out of themselves.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use routecause::evidence::capture::archive::{Contents, Limits, read};
use routecause::evidence::capture::{Capture, CaptureError};
use tempfile::TempDir;

use super::capture::{INGRESS, gaps, ingresses};

/// A member of a tar archive.
#[derive(Clone, Copy)]
enum Member<'a> {
    File(&'a str, &'a [u8]),
    Symlink(&'a str, &'a str),
    Hardlink(&'a str, &'a str),
    Device(&'a str),
}
use Member::{Device, File, Hardlink, Symlink};

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for member in members {
        let (name, kind, link, bytes): (_, _, _, &[u8]) = match *member {
            File(name, bytes) => (name, tar::EntryType::Regular, "", bytes),
            Symlink(name, target) => (name, tar::EntryType::Symlink, target, b""),
            Hardlink(name, target) => (name, tar::EntryType::Link, target, b""),
            Device(name) => (name, tar::EntryType::Char, "", b""),
        };
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Written as they are: the library's own setters refuse what is tested here.
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        old.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes).expect("appended");
    }
    builder.into_inner().expect("an archive")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

fn zip(members: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in members {
        writer.start_file(*name, options).expect("a member");
        writer.write_all(bytes).expect("packed");
    }
    for (name, target) in links {
        writer.add_symlink(*name, *target, options).expect("a link");
    }
    writer.finish().expect("an archive").into_inner()
}

struct Archive {
    _folder: TempDir,
    path: PathBuf,
}

fn archive(name: &str, bytes: &[u8]) -> Archive {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    Archive { _folder: folder, path }
}

fn open(path: &Path) -> Capture {
    Capture::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The good Ingress is read all the same, and these files are named with these words.
fn survives(name: &str, bytes: &[u8], expected: &[(&str, &str)]) {
    let archive = archive(name, bytes);
    let capture = open(&archive.path);
    assert_eq!(ingresses(&capture), ["shop/web"], "{name}");
    let gaps = gaps(&capture);
    assert_eq!(gaps.len(), expected.len(), "{name}: {gaps:#?}");
    for (path, words) in expected {
        let is_told = gaps.iter().any(|gap| gap.contains(&format!("file {path} of")) && gap.contains(words));
        assert!(is_told, "{name}: {path}: {words}: {gaps:#?}");
    }
}

/// Nothing can be read, and these words say why.
fn refused(name: &str, bytes: &[u8], words: &str) {
    let archive = archive(name, bytes);
    let error = Capture::open(&archive.path).expect_err(name).to_string();
    assert!(error.contains(words), "{name}: {error}");
}

const WEB: Member<'static> = File("c/web.yaml", INGRESS.as_bytes());

#[test]
fn members_that_lead_out_are_named_and_the_rest_is_read() {
    const OUT: &str = "its path leads out of the archive";
    const LINK: &str = "a link that leads out of the archive";
    for (member, path, words) in [
        (File("../up.yaml", b"x"), "../up.yaml", OUT),
        (File("/etc/cron.d/x.yaml", b"x"), "/etc/cron.d/x.yaml", OUT),
        (File("c/../../up.yaml", b"x"), "c/../../up.yaml", OUT),
        (Symlink("c/passwd.yaml", "/etc/passwd"), "c/passwd.yaml", LINK),
        (Symlink("c/up.yaml", "../../up.yaml"), "c/up.yaml", LINK),
        (Hardlink("c/hard.yaml", "../up.yaml"), "c/hard.yaml", LINK),
        (Symlink("c/none.log", "other.log"), "c/none.log", "a link to what the archive does not hold"),
        (Device("c/null"), "c/null", "neither a file nor a folder"),
    ] {
        survives("c.tar", &tar(&[member, WEB]), &[(path, words)]);
        survives("c.tgz", &gzip(&tar(&[WEB, member])), &[(path, words)]);
    }
    let good: (&str, &[u8]) = ("c/web.yaml", INGRESS.as_bytes());
    survives("c.zip", &zip(&[("../up.yaml", b"x"), good], &[]), &[("../up.yaml", OUT)]);
    survives("c.zip", &zip(&[("/abs.yaml", b"x"), good], &[]), &[("/abs.yaml", OUT)]);
    survives("c.zip", &zip(&[good], &[("c/l.yaml", "/etc/passwd")]), &[("c/l.yaml", LINK)]);
    survives("c.zip", &zip(&[good], &[("c/l.yaml", "../../x")]), &[("c/l.yaml", LINK)]);
    // A backslash is no separator here, and nothing is ever written.
    survives("c.zip", &zip(&[good, ("..\\up.txt", b"x")], &[]), &[]);
}

#[test]
fn links_inside_are_followed_for_logs_and_needless_for_objects() {
    let log = File("c/elsewhere/a.log", b"line\n");
    let link = Symlink("c/logs/shop/web-1/app.log", "../../../elsewhere/a.log");
    let again = Symlink("c/again.yaml", "web.yaml");
    let archive = archive("c.tgz", &gzip(&tar(&[link, again, WEB, log])));
    let capture = open(&archive.path);
    assert_eq!((ingresses(&capture), gaps(&capture)), (vec!["shop/web".to_owned()], Vec::new()));
    let stream = capture.streams().next().expect("a log").clone();
    assert_eq!((stream.pod.as_str(), capture.log(&stream)), ("web-1", Some(&b"line\n"[..])));
}

#[test]
fn names_in_other_encodings_are_read_and_shown_harmless() {
    let mut bytes = tar(&[WEB, File("c/odd-XX.yaml", b"a: [")]);
    let at = bytes.windows(2).position(|pair| pair == b"XX").expect("the name");
    bytes[at..at + 2].copy_from_slice(b"\xff\x1b");
    // The header's checksum is the sum of its bytes.
    let header = at - at % 512;
    bytes[header + 148..header + 156].fill(b' ');
    let sum: u32 = bytes[header..header + 512].iter().map(|byte| u32::from(*byte)).sum();
    bytes[header + 148..header + 155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    survives("c.tar", &bytes, &[("odd-\u{fffd}␛.yaml", "it could not be read")]);
}

/// The place behind these bytes.
fn behind(bytes: &[u8], needle: &[u8]) -> usize {
    let at = bytes.windows(needle.len()).position(|window| window == needle).expect("it stands there");
    at + needle.len()
}

#[test]
fn what_is_cut_is_no_witness() {
    let block = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: half, namespace: shop}\nspec:\n  \
                 rules:\n  - host: a.example.com\n  - host: b.example.com\n";
    let whole = tar(&[WEB, File("c/half.yaml", block.as_bytes())]);
    // The cut falls behind the first host: what is left is an Ingress, and not this one.
    let cut = behind(&whole, b"a.example.com\n");
    const REST: (&str, &str) = ("c.tar", "unexpected EOF");
    survives("c.tar", &whole[..cut], &[("c/half.yaml", "it ends after"), REST]);
    refused("c.tar", &tar(&[WEB])[..600], "it ends after 88 of");
    refused("c.tar", &tar(&[WEB])[..300], "failed to read entire block");

    // Of documents those before the cut, of logs the whole lines.
    let two = format!("{INGRESS}---\n{block}");
    let whole = tar(&[File("c/two.yaml", two.as_bytes())]);
    let pair = archive("c.tar", &whole[..behind(&whole, b"a.example.com\n")]);
    let capture = open(&pair.path);
    assert_eq!((ingresses(&capture), gaps(&capture).len()), (vec!["shop/web".to_owned()], 2));
    let log = tar(&[WEB, File("c/logs/shop/web-1/app.log", b"one\ntwo\nthr")]);
    let cut = archive("c.tar", &log[..behind(&log, b"two\nt")]);
    let capture = open(&cut.path);
    let stream = capture.streams().next().expect("a log");
    assert_eq!(capture.log(stream), Some(&b"one\ntwo\n"[..]));
    assert_eq!(gaps(&capture).len(), 2);

    let packed = gzip(&tar(&[WEB]));
    for length in [2, 9, 11, packed.len() / 2, packed.len() - 9] {
        match Capture::open(&archive("c.tgz", &packed[..length]).path) {
            Ok(capture) => assert_eq!(ingresses(&capture), ["shop/web"], "{length}"),
            Err(error) => assert!(error.to_string().contains("first fault: c"), "{length}: {error}"),
        }
    }
    let zipped = zip(&[("c/web.yaml", INGRESS.as_bytes())], &[]);
    refused("c.zip", &zipped[..zipped.len() / 2], "invalid Zip archive");
}

#[test]
fn what_is_no_archive_is_said_so() {
    for (name, bytes, words) in [
        ("c.tgz", &b""[..], "is empty"),
        ("c.bin", b"\x7fELF\x02\x01\x01 and so on", "is not a folder, a YAML or JSON file"),
        ("c.tgz", b"\x1f\x8bnothing of this kind", "first fault: c.tgz: invalid gzip header"),
        ("c.zip", b"PK\x03\x04nothing of this kind", "first fault: c.zip: invalid Zip archive"),
        ("c.tgz", &gzip(b""), "holds no Kubernetes object"),
        ("c.tgz", &gzip(&gzip(&tar(&[WEB]))), "holds no Kubernetes object"),
    ] {
        refused(name, bytes, words);
    }
    let nowhere = Capture::open(Path::new("/nowhere/at/all")).expect_err("nothing");
    assert_eq!(nowhere, CaptureError::NotFound { path: "/nowhere/at/all".to_owned() });
    let device = Capture::open(Path::new("/dev/null")).expect_err("a device");
    assert!(matches!(device, CaptureError::NotACapture { .. }), "{device}");
}

const SMALL: Limits = Limits { total: 1 << 20, file: 64 << 10, files: 8 };

fn small(name: &str, bytes: &[u8]) -> Contents {
    let archive = archive(name, bytes);
    read(&archive.path, SMALL).expect("contents")
}

#[test]
fn no_archive_is_unpacked_further_than_its_limits() {
    let zeros = vec![0_u8; 8 << 20];
    let bombs = [
        ("one.yaml.gz", gzip(&zeros)),
        ("one.tgz", gzip(&tar(&[WEB, File("c/zeros.yaml", &zeros), File("c/last.yaml", b"a: 1")]))),
        ("many.tgz", gzip(&tar(&[File("c/zeros.log", &zeros[..60_000]); 200]))),
        ("long.zip", zip(&[("c/web.yaml", INGRESS.as_bytes()), ("c/zeros.yaml", &zeros)], &[])),
    ];
    for (name, bytes) in bombs {
        assert!(bytes.len() < 300_000, "{name} is packed well: {}", bytes.len());
        let contents = small(name, &bytes);
        // One file may be begun at the end of the whole allowance.
        assert!(contents.unpacked <= SMALL.total + 1, "{name}: {}", contents.unpacked);
        assert!(!contents.gaps.is_empty(), "{name} says what it left out");
        let kept: usize = contents.files.values().map(|bytes| bytes.len()).sum();
        assert!(kept as u64 <= SMALL.total, "{name}: {kept}");
    }
    let contents = small("one.tgz", &gzip(&tar(&[WEB, File("c/zeros.yaml", &zeros)])));
    assert!(contents.files.contains_key("c/web.yaml"), "what comes before is read");
}

#[test]
fn a_lying_size_does_not_help_a_bomb() {
    // Each member says that it is small; what is left out counts all the same.
    let zeros = vec![0_u8; 1 << 20];
    let names: Vec<String> = (0..50).map(|n| format!("c/{n}.yaml")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), zeros.as_slice())).collect();
    let mut bytes = zip(&members, &[]);
    let size = u32::try_from(zeros.len()).expect("small").to_le_bytes();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..*at + 4] == size).collect();
    assert!(50 <= places.len());
    for at in places {
        bytes[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    }
    let contents = small("liar.zip", &bytes);
    assert!(contents.unpacked <= SMALL.total + 1, "{}", contents.unpacked);
    assert!(!contents.gaps.is_empty());
}

#[test]
fn too_many_files_are_not_read() {
    let names: Vec<String> = (0..20).map(|n| format!("c/{n:02}.yaml")).collect();
    let members: Vec<Member<'_>> = names.iter().map(|name| File(name, b"a: 1")).collect();
    let contents = small("many.tar", &tar(&members));
    assert_eq!((contents.files.len(), contents.gaps.len()), (8, 1));
    let folder = tempfile::tempdir().expect("a folder");
    for name in &names {
        std::fs::write(folder.path().join(name.trim_start_matches("c/")), "a: 1").expect("written");
    }
    let contents = read(folder.path(), SMALL).expect("contents");
    assert_eq!((contents.files.len(), contents.gaps.len()), (8, 1));
}

#[cfg(unix)]
#[test]
fn a_folder_is_read_no_further_than_itself() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("secret.yaml"), INGRESS.replace("web", "secret")).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("web.yaml"), INGRESS).expect("written");
    symlink(outside.path().join("secret.yaml"), at("out.yaml")).expect("a link");
    symlink(outside.path(), at("out")).expect("a link");
    symlink(folder.path(), at("round")).expect("a link");
    symlink(at("nowhere"), at("dangling.yaml")).expect("a link");
    symlink(at("web.yaml"), at("again.yaml")).expect("a link");
    let made = std::process::Command::new("mkfifo").arg(at("pipe.yaml")).status();
    let pipes = usize::from(made.is_ok_and(|status| status.success()));
    let deep = (0..60).fold(at("deep"), |path, _| path.join("d"));
    std::fs::create_dir_all(&deep).expect("folders");
    std::fs::write(deep.join("deep.yaml"), INGRESS.replace("web", "deep")).expect("written");
    let capture = open(folder.path());
    assert_eq!(ingresses(&capture), ["shop/web"]);
    assert_eq!(gaps(&capture).len(), 4 + pipes, "{:#?}", gaps(&capture));
}
