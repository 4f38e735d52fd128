//! The contract on a few streams, without any Python; and on many random ones, that nothing panics.

use std::sync::Arc;

use pickleball_verifier::{
    Decision, Form, Host, Interrupted, Name, Settings, Tables, Texts, Verdict, Verifier, survey,
};

/// A Python without tables of old names and without extension codes.
struct Bare;

impl Host for Bare {
    fn canonical(&mut self, module: &[u8], name: &[u8]) -> Result<Name, Interrupted> {
        Ok((module.to_vec(), name.to_vec()))
    }

    fn extension(&mut self, _code: i64) -> Result<Option<Name>, Interrupted> {
        Ok(None)
    }

    fn decode(&mut self, _form: Form, opcode: &str, bytes: &[u8]) -> Result<Result<Vec<u8>, Vec<u8>>, Interrupted> {
        Ok(String::from_utf8(bytes.to_vec()).map(Into::into).map_err(|_| format!("{opcode} holds no text.").into()))
    }

    fn is_identifier(&mut self, text: &[u8]) -> Result<bool, Interrupted> {
        Ok(!text.is_empty())
    }
}

fn settings() -> Settings {
    Settings {
        texts: Texts::Ascii,
        fix_imports: true,
        no_buffers: false,
        renames: false,
        persistent_classes: false,
        max_length: 1 << 40,
        max_depth: 10_000_000,
        max_memo: 50_000_000,
        memo_floor: 1 << 16,
        max_hash_cost: 1 << 26,
        max_hash_depth: 500,
        max_work: 1 << 20,
        max_name: 1024,
        max_violations: 1000,
    }
}

fn verifier(globals: &[&str], reduces: &[&str]) -> Verifier {
    let listed = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
    Verifier::new(Arc::new(Tables::new().with_policy(listed(globals), listed(reduces), listed(&[]))), settings())
}

fn judge(verifier: &mut Verifier, stream: &[u8]) -> Verdict {
    verifier.verify(&mut Bare, stream, &[], 0, false).expect("the host never fails")
}

fn rules(verdict: &Verdict) -> Vec<&str> {
    verdict.violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn data_is_clean() {
    let verdict = judge(&mut verifier(&[], &[]), b"\x80\x04(K\x01\x8c\x01a\x94G\0\0\0\0\0\0\0\0Nt\x94.");
    assert!(verdict.is_clean(), "{verdict:?}");
    assert_eq!(verdict.end, 22);
}

#[test]
fn a_call_needs_an_entry_of_reduces() {
    let stream = b"cposix\nsystem\n(S'id'\ntR.";
    let verdict = judge(&mut verifier(&["posix.system"], &[]), stream);
    assert_eq!(rules(&verdict), ["reduce-not-allowed"]);
    assert_eq!((verdict.violations[0].opcode, verdict.violations[0].offset), ("REDUCE", 22));
    assert!(judge(&mut verifier(&[], &["posix.system"]), stream).is_clean());
}

#[test]
fn an_import_outside_the_policy_is_a_stub() {
    let mut verifier = verifier(&["a.B"], &[]);
    let verdict = judge(&mut verifier, b"\x80\x02(ca\nB\nca\nC\nt.");
    let decisions: Vec<Decision> = verdict.imports.iter().map(|&index| verifier.import(index).decision).collect();
    assert_eq!(decisions, [Decision::Allow, Decision::Stub]);
}

#[test]
fn the_memo_outlives_a_load_and_not_its_failure() {
    let mut verifier = verifier(&["a.B"], &[]);
    assert!(judge(&mut verifier, b"\x80\x02ca\nB\nq\x00.").is_clean());
    let second = judge(&mut verifier, b"\x80\x02h\x00)\x81}b.");
    assert!(second.is_clean() && !second.late.is_empty(), "{second:?}");
    verifier.abandon();
    let third = judge(&mut verifier, b"\x80\x02h\x00.");
    assert!(third.error.is_some_and(|error| error.sentence == b"The memo entry 0 is of a load that failed."));
}

#[test]
fn bytes_that_are_left_out_are_counted() {
    let stream = b"\x80\x04\x8e\x03\0\0\0\0\0\0\0abc\x94cx\ny\n\x93.";
    let left_out = [&stream[..11], &stream[14..]].concat();
    let whole = judge(&mut verifier(&[], &[]), stream);
    let gapped = verifier(&[], &[]).verify(&mut Bare, &left_out, &[(11, 3)], 0, false).expect("the host never fails");
    assert_eq!((gapped.end, gapped.violations[0].offset), (whole.end, whole.violations[0].offset));
    assert!(verifier(&[], &[]).verify(&mut Bare, &left_out, &[], 0, false).is_ok_and(|found| found.error.is_some()));
}

#[test]
fn a_false_length_is_an_error() {
    for stream in
        [&b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff."[..], b"\x95\xff\0\0\0\0\0\0\0N.", b"X\xff\xff\xff\xff.", b"N"]
    {
        assert!(judge(&mut verifier(&[], &[]), stream).error.is_some(), "{stream:?}");
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

#[rustfmt::skip]
const PIECES: &[&[u8]] = &[
    b"(", b")", b"0", b"1", b"2", b"N", b"K\x01", b"R", b"\x81", b"\x92", b"b", b"a", b"e", b"s", b"u", b"]", b"}",
    b"\x8f", b"\x90", b"\x91", b"t", b"l", b"d", b"o", b"Q", b"\x85", b"\x86", b"\x87", b"q\x00", b"h\x00", b"\x94",
    b"ca\nB\n", b"ca\nf\n", b"cx\ny\n", b"ia\nB\n", b"ccopyreg\n_reconstructor\n", b"cbuiltins\nobject\n",
    b"cbuiltins\ngetattr\n", b"\x8c\x01a", b"\x8c\x0c__setstate__", b"C\x01x", b"\x93", b"\x80\x04", b".",
];

#[test]
fn no_stream_makes_it_panic() {
    let mut numbers = Numbers(7);
    let mut clean = 0;
    for _ in 0..200_000 {
        let mut stream = b"\x80\x02".to_vec();
        for _ in 0..numbers.below(24) {
            stream.extend_from_slice(PIECES[numbers.below(PIECES.len())]);
        }
        stream.push(b'.');
        clean += usize::from(judge(&mut verifier(&["a.B"], &["a.f"]), &stream).is_clean());
    }
    assert!(clean > 1000, "{clean}");
}

/// Judges a stream that is loaded once, where one that is longer than `longest` must have the builder's opcodes only.
fn shape(stream: &[u8], longest: usize) -> Option<pickleball_verifier::Shape> {
    verifier(&["m.C"], &["m.f"]).shape(&mut Bare, stream, &[], 0, longest)
}

#[test]
fn a_judgement_tells_what_a_look_at_each_opcode_tells() {
    for stream in [
        &b"cm\nf\n)R."[..],
        b"\x80\x04\x8c\x01m\x94\x8c\x01f\x94\x93\x94K\x01\x85\x94R\x94h\x02)R\x86.",
        b"\x80\x02cm\nf\nq\x00)Rq\x01}q\x02X\x01\0\0\0xq\x03h\x03sb.",
        b"\x80\x02cm\nf\nq\x05)R0h\x05.",
        b"\x80\x02cm\nf\nq\x00q\x000h\x00.",
        b"\x80\x04\x95\x09\0\0\0\0\0\0\0cm\nf\n)R\x94.",
        b"cm\nf\n)R.behind it",
    ] {
        let (judged, seen) = (shape(stream, 0).expect("clean").survey.expect("ours"), survey(stream, 0, &[], true));
        let seen = seen.expect("data and calls");
        assert_eq!(
            (judged.end, judged.ordered, judged.left_out),
            (seen.end, seen.ordered, seen.left_out),
            "{stream:?}"
        );
        let vain = |found: &pickleball_verifier::Survey| (0..200).map(|at| found.is_vain(at)).collect::<Vec<_>>();
        assert!(!seen.ordered || vain(&judged) == vain(&seen), "{stream:?}");
    }
}

#[test]
fn what_the_builder_lacks_is_left_to_stock() {
    let wide = [&b"cm\nf\n0\x8b\x01\x10\0\0"[..], &[0; 4097], b"."].concat();
    for stream in [
        &b"cm\nC\n)\x81."[..],
        b"cm\nf\n0\x80\x02N.",
        b"cm\nf\np0\n0g0\n.",
        b"cm\nf\n0I1\n.",
        b"cm\nf\n0U\x01x.",
        b"(cm\nC\no.",
        b"(im\nC\n.",
        &wide,
    ] {
        assert!(survey(stream, 0, &[], true).is_none(), "{stream:?}");
        assert!(shape(stream, stream.len()).is_some_and(|found| found.survey.is_none()), "{stream:?}");
        assert!(shape(stream, stream.len() - 1).is_none(), "{stream:?}: it is not judged to its end");
    }
}
