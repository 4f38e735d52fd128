//! The objects of report.py, made from what the core says.

use pickleball_verifier as core;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PySet, PyString, PyTuple};

/// What the binding uses of `pickleball_enforce`.
pub struct Names {
    pub canonical: Py<PyAny>,
    pub extension: Py<PyAny>,
    pub read_text: Py<PyAny>,
    violation: Py<PyAny>,
    malformed: Py<PyAny>,
    obligation: Py<PyAny>,
    import: Py<PyAny>,
    verdict: Py<PyAny>,
}

impl Names {
    pub fn find(py: Python<'_>) -> PyResult<Names> {
        let report = py.import("pickleball_enforce.report")?;
        let native = py.import("pickleball_enforce.native")?;
        let of = |module: &Bound<'_, PyModule>, name: &str| module.getattr(name).map(Bound::unbind);
        Ok(Names {
            canonical: of(&native, "canonical_python2")?,
            extension: of(&native, "extension")?,
            read_text: of(&native, "read_text")?,
            violation: of(&report, "Violation")?,
            malformed: of(&report, "Malformed")?,
            obligation: of(&report, "Obligation")?,
            import: of(&report, "Import")?,
            verdict: of(&report, "Verdict")?,
        })
    }
}

/// Makes a text of Python; lone surrogates may stand in it.
pub fn to_text<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(PyString::new(py, text)),
        Err(_) => Ok(PyBytes::new(py, bytes).call_method1("decode", ("utf-8", "surrogatepass"))?.cast_into()?),
    }
}

/// Gives the UTF-8 of a text of Python, surrogates included.
pub fn to_bytes(text: &Bound<'_, PyString>) -> PyResult<Vec<u8>> {
    match text.encode_utf8() {
        Ok(bytes) => Ok(bytes.as_bytes().to_vec()),
        Err(_) => text.call_method1("encode", ("utf-8", "surrogatepass"))?.extract(),
    }
}

fn violation<'py>(py: Python<'py>, names: &Names, found: &core::Violation) -> PyResult<Bound<'py, PyAny>> {
    let allow = match &found.allow {
        None => None,
        Some((core::List::Globals, entry)) => Some(("globals", to_text(py, entry)?)),
        Some((core::List::Reduces, entry)) => Some(("reduces", to_text(py, entry)?)),
    };
    let (name, sentence) = (to_text(py, &found.name)?, to_text(py, &found.sentence)?);
    names.violation.bind(py).call1((found.rule, name, found.opcode, found.offset, sentence, allow))
}

pub fn obligation<'py>(py: Python<'py>, names: &Names, held: &core::Obligation) -> PyResult<Bound<'py, PyAny>> {
    let detail = to_text(py, &held.detail)?;
    names.obligation.bind(py).call1((held.kind.name(), detail, held.opcode, held.offset))
}

/// Makes the Import of a prediction; `sync` fills in what may change later.
fn import<'py>(
    py: Python<'py>,
    names: &Names,
    found: &core::Import,
    known: &[Py<PyAny>],
) -> PyResult<Bound<'py, PyAny>> {
    let decision = match found.decision {
        core::Decision::Allow => "allow",
        core::Decision::Stub => "stub",
        core::Decision::Ask => "ask",
    };
    let made = names.import.bind(py).call1((
        found.index,
        found.offset,
        found.opcode,
        to_text(py, &found.module)?,
        to_text(py, &found.name)?,
        found.proto,
        (to_text(py, &found.canonical.0)?, to_text(py, &found.canonical.1)?),
        decision,
        found.is_optional(),
        found.code,
        found.fix_imports,
    ))?;
    if let Some(parent) = found.parent {
        made.setattr(intern!(py, "parent"), &known[parent])?;
        made.setattr(intern!(py, "attribute"), to_text(py, &found.attribute)?)?;
    }
    Ok(made)
}

/// Brings the Import objects up to date with the core.
pub fn sync(py: Python<'_>, names: &Names, verifier: &mut core::Verifier, known: &mut Vec<Py<PyAny>>) -> PyResult<()> {
    let changed = verifier.take_changed();
    for &index in &changed {
        if index >= known.len() {
            let made = import(py, names, verifier.import(index), known)?;
            known.push(made.unbind());
        }
    }
    for index in changed {
        let (found, made) = (verifier.import(index), known[index].bind(py));
        made.setattr(intern!(py, "helper"), found.helper)?;
        made.setattr(intern!(py, "operand"), found.operand)?;
        made.setattr(intern!(py, "unkept"), found.unkept)?;
        let obligations = made.getattr(intern!(py, "obligations"))?.cast_into::<PyList>()?;
        for held in found.obligations.iter().skip(obligations.len()) {
            obligations.append(obligation(py, names, held)?)?;
        }
        let children = made.getattr(intern!(py, "children"))?.cast_into::<PyList>()?;
        for &child in found.children.iter().skip(children.len()) {
            children.append(&known[child])?;
        }
        if found.uses != 0 {
            let uses = made.getattr(intern!(py, "uses"))?.cast_into::<PySet>()?;
            for name in core::use_names(found.uses) {
                uses.add(name)?;
            }
        }
        if found.sealed {
            made.setattr(intern!(py, "sealed"), true)?;
        }
    }
    Ok(())
}

fn boundary<'py>(
    py: Python<'py>,
    names: &Names,
    known: &[Py<PyAny>],
    stretch: &core::Stretch,
    segment: &core::Segment,
) -> PyResult<Bound<'py, PyAny>> {
    let (start, end) = (segment.start, segment.end);
    let opcodes = PyBytes::new(py, &stretch.opcodes[start.opcodes..end.opcodes]);
    let arguments = PyBytes::new(py, &stretch.arguments[start.arguments..end.arguments]);
    let single = if segment.single {
        let mut events = Vec::with_capacity(segment.events.len());
        for (index, held) in &segment.events {
            events.push((&known[*index], obligation(py, names, held)?));
        }
        Some((segment.import.map(|index| &known[index]), events, segment.object))
    } else {
        None
    };
    Ok((opcodes, arguments, (end.marks, end.depth), single).into_pyobject(py)?.into_any())
}

/// Makes what `follow` gives: error, violations, late obligations, segments, whether STOP was read.
pub fn stretch<'py>(
    py: Python<'py>,
    names: &Names,
    found: &core::Stretch,
    known: &[Py<PyAny>],
) -> PyResult<Bound<'py, PyAny>> {
    let segments = PyList::empty(py);
    if found.error.is_none() && found.violations.is_empty() {
        for segment in &found.segments {
            segments.append(boundary(py, names, known, found, segment)?)?;
        }
    }
    let (error, violations, late): (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>) =
        findings(py, names, found, known)?.extract()?;
    Ok((error, violations, late, segments, found.stopped).into_pyobject(py)?.into_any())
}

/// Makes the error, the violations and the late obligations of a piece.
pub fn findings<'py>(
    py: Python<'py>,
    names: &Names,
    found: &core::Stretch,
    known: &[Py<PyAny>],
) -> PyResult<Bound<'py, PyTuple>> {
    let (error, violations) = (malformed(py, names, found.error.as_ref())?, violations(py, names, &found.violations)?);
    (error, violations, late(py, names, &found.late, known)?).into_pyobject(py)
}

fn malformed<'py>(
    py: Python<'py>,
    names: &Names,
    error: Option<&core::Malformed>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match error {
        None => Ok(None),
        Some(error) => names.malformed.bind(py).call1((error.offset, to_text(py, &error.sentence)?)).map(Some),
    }
}

fn violations<'py>(py: Python<'py>, names: &Names, found: &[core::Violation]) -> PyResult<Bound<'py, PyList>> {
    let violations = PyList::empty(py);
    for item in found {
        violations.append(violation(py, names, item)?)?;
    }
    Ok(violations)
}

fn late<'py>(
    py: Python<'py>,
    names: &Names,
    found: &[(usize, core::Obligation)],
    known: &[Py<PyAny>],
) -> PyResult<Bound<'py, PyList>> {
    let late = PyList::empty(py);
    for (index, held) in found {
        late.append((&known[*index], obligation(py, names, held)?))?;
    }
    Ok(late)
}

/// Makes the Verdict.
pub fn verdict<'py>(
    py: Python<'py>,
    names: &Names,
    found: &core::Verdict,
    known: &[Py<PyAny>],
) -> PyResult<Bound<'py, PyAny>> {
    let violations = violations(py, names, &found.violations)?;
    let error = malformed(py, names, found.error.as_ref())?;
    let imports = PyList::new(py, found.imports.iter().map(|&index| &known[index]))?;
    let late = late(py, names, &found.late, known)?;
    let persistent = PyDict::new(py);
    for (place, index) in &found.persistent {
        persistent.set_item(place, &known[*index])?;
    }
    names.verdict.bind(py).call1((found.start, found.end, error, violations, imports, late, persistent))
}
