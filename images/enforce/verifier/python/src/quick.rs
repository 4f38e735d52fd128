//! The short way: the judgement before, and the checks of imports as they come, for the compiled module or while stock's
//! audit hook is asked (drivers/quick.py says what is loaded so, and gives what is asked of Python here).

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCFunction, PyDict, PyFrozenSet, PyModule, PyString, PyTuple, PyType, PyWeakrefReference};

use pickleball_verifier::{Shape, Survey, survey};

use crate::builder::Gaps;
use crate::guard::Guard;
use crate::interpreter;
use crate::made;
use crate::places::{Places, Scene};
use crate::sanction;
use crate::verifier::Verifier;

const SHORT: usize = 1 << 16; // bytes of a pickle that stock loads at once
const KEPT: usize = 256; // kinds of streams whose predictions are kept
const EVENT: &str = "pickle.find_class";

thread_local! {
    /// The loads that run in this thread, each within the one before it; where programs switch between stacks of C
    /// (greenlets), any of them may be the one that asks, or ends.
    static RUNNING: RefCell<Vec<Py<Load>>> = const { RefCell::new(Vec::new()) };
}

/// Whether this import is the next one of the load that asks for it; raises when its object is not what the policy allows.
fn admitted(py: Python<'_>, module: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
    let mut at = RUNNING.with_borrow(Vec::len);
    while at > 0 {
        at -= 1;
        let load = RUNNING.with_borrow(|running| running.get(at).map(|load| load.clone_ref(py)));
        if let Some(load) = load
            && load.get().is_own(py)?
        {
            return load.get().admits(py, module, name);
        }
    }
    Ok(false)
}

/// Puts a value where others look for it. What lay there goes when nothing is locked any more: that may run Python.
fn swap<T>(place: &Mutex<T>, value: T) {
    let before = std::mem::replace(&mut *place.lock().unwrap_or_else(PoisonError::into_inner), value);
    drop(before);
}

/// What Python answers, and what stands for all loads.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Rules {
    /// Whether an object loads nothing itself and needs no guard where stock loads: None, or what its outcome rests on.
    examine: Py<PyAny>,
    /// Raises when the object that stands there is not allowed; else gives it, or a guard around it.
    check: Py<PyAny>,
    /// Gives what checks the results of a callee.
    pub guard: Py<PyAny>,
    /// What outcomes that are kept rest on.
    world: Py<Places>,
    /// Where callables stand that call what they are given.
    callers: Py<Places>,
    missing: Py<PyAny>,
    /// The code of the function that may stand between a load and stock.
    between: Py<PyAny>,
    /// Tells the audit hooks.
    audit: Py<PyAny>,
}

#[pymethods]
impl Rules {
    #[new]
    fn new(
        examine: Py<PyAny>,
        check: Py<PyAny>,
        guard: Py<PyAny>,
        places: (Py<Places>, Py<Places>),
        missing: Py<PyAny>,
        between: Py<PyAny>,
        audit: Py<PyAny>,
    ) -> Rules {
        let (world, callers) = places;
        Rules { examine, check, guard, world, callers, missing, between, audit }
    }
}

/// What an outcome rests on beside the world, as `obligations.Rests` numbers it.
#[derive(Clone, Copy, PartialEq)]
enum Rests {
    /// Nothing: it is asked for each time.
    Unkept,
    /// The bases of a class and its `__new__`; its metaclass is `type`, which cannot change.
    Bases,
    /// That it is this class, of which nothing can change.
    Class,
    /// That it is this function, and none that is known to call or hold what it is given. A module that comes, or gets
    /// more names, may make another one known.
    Function,
    /// The same, and its results are checked.
    Guarded,
}

impl<'py> FromPyObject<'_, 'py> for Rests {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Rests> {
        let known = [Rests::Unkept, Rests::Bases, Rests::Class, Rests::Function, Rests::Guarded];
        known.get(given.extract::<usize>()?).copied().ok_or_else(|| PyRuntimeError::new_err("no such outcome"))
    }
}

/// An object that met its obligations, and all that this rested on.
pub struct Passed {
    object: Object,
    rests: Rests,
    /// Of a class, if it rests on them.
    bases: Option<Bases>,
    world: Vec<Option<Py<PyAny>>>,
    /// The modules that were looked through for callables that call what they are given.
    scene: Scene,
    /// Classes of which nothing can change, new instances of which passed as results.
    results: Mutex<Vec<Py<PyType>>>,
}

/// An object by which a name is known again; a function goes when the program has given it up.
enum Object {
    Class(Py<PyAny>),
    Function(Py<PyWeakrefReference>),
}

impl Object {
    fn is(&self, obj: &Bound<'_, PyAny>) -> bool {
        match self {
            Object::Class(known) => obj.is(known),
            Object::Function(known) => known.bind(obj.py()).upgrade().is_some_and(|known| obj.is(&known)),
        }
    }
}

/// The bases of a class, and what makes its instances.
struct Bases {
    listed: Py<PyAny>,
    /// The namespaces of the bases, up to the first that has a `__new__`; and that.
    spaces: Vec<Py<PyAny>>,
    maker: Option<Py<PyAny>>,
}

fn bases_of<'py>(class: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    class.getattr(intern!(class.py(), "__mro__"))
}

impl Bases {
    fn new(class: &Bound<'_, PyAny>) -> PyResult<Bases> {
        let py = class.py();
        let listed = bases_of(class)?;
        let (mut spaces, mut maker) = (Vec::new(), None);
        for base in listed.cast::<PyTuple>()? {
            let space = base.getattr(intern!(py, "__dict__"))?; // a view of what is there at any time
            if space.contains(intern!(py, "__new__"))? {
                maker = Some(space.get_item(intern!(py, "__new__"))?.unbind());
            }
            spaces.push(space.unbind());
            if maker.is_some() {
                break;
            }
        }
        Ok(Bases { listed: listed.unbind(), spaces, maker })
    }

    /// Whether they are those of a class still, and make its instances as before.
    fn stand(&self, class: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = class.py();
        if !bases_of(class)?.is(&self.listed) {
            return Ok(false);
        }
        let name = intern!(py, "__new__");
        let (last, before) = match (&self.maker, self.spaces.split_last()) {
            (Some(maker), Some((last, before))) => (Some((maker, last)), before),
            _ => (None, &self.spaces[..]),
        };
        for space in before {
            if space.bind(py).contains(name)? {
                return Ok(false);
            }
        }
        let Some((maker, space)) = last else { return Ok(true) };
        let space = space.bind(py);
        Ok(space.contains(name)? && space.get_item(name)?.is(maker))
    }
}

/// What outcomes rest on beside their objects, as it is now.
struct Before {
    world: Vec<Option<Py<PyAny>>>,
    scene: Scene,
}

impl Before {
    fn new(py: Python<'_>, rules: &Rules) -> PyResult<Before> {
        Ok(Before { world: rules.world.get().stand(py)?, scene: rules.callers.get().modules(py)? })
    }
}

impl Passed {
    fn new(obj: &Bound<'_, PyAny>, rests: Rests, before: Before) -> PyResult<Option<Passed>> {
        let Before { world, scene } = before;
        let (object, bases) = match rests {
            Rests::Unkept => return Ok(None),
            Rests::Bases => (Object::Class(obj.clone().unbind()), Some(Bases::new(obj)?)),
            Rests::Class => (Object::Class(obj.clone().unbind()), None),
            Rests::Function | Rests::Guarded => (Object::Function(PyWeakrefReference::new(obj)?.unbind()), None),
        };
        Ok(Some(Passed { object, rests, bases, world, scene, results: Mutex::default() }))
    }

    /// Whether nothing of the object itself has changed.
    fn stands(&self, obj: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.object.is(obj) && self.bases.as_ref().map_or(Ok(true), |bases| bases.stand(obj))?)
    }

    /// Whether nothing else has changed on which the outcome rests.
    fn holds(&self, obj: &Bound<'_, PyAny>, rules: &Rules) -> PyResult<bool> {
        let py = obj.py();
        let function = matches!(self.rests, Rests::Function | Rests::Guarded);
        Ok(self.is_in_world(py, rules)? && (!function || rules.callers.get().are_modules(py, &self.scene)?))
    }

    fn is_in_world(&self, py: Python<'_>, rules: &Rules) -> PyResult<bool> {
        Ok(interpreter::shows_modules(py)? && rules.world.get().are(py, &self.world)?)
    }

    /// Whether new instances of a class pass.
    pub fn passes(&self, class: &Bound<'_, PyType>, rules: &Rules) -> PyResult<bool> {
        let known = self.results.lock().is_ok_and(|known| known.iter().any(|known| known.is(class)));
        Ok(known && self.is_in_world(class.py(), rules)?)
    }

    /// Remembers that they do, if what the outcome rests on is the same still.
    pub fn keep(&self, class: &Bound<'_, PyType>, rules: &Rules) -> PyResult<()> {
        if made::looks_up_plainly(class)
            && self.is_in_world(class.py(), rules)?
            && let Ok(mut known) = self.results.lock()
        {
            known.push(class.clone().unbind());
        }
        Ok(())
    }
}

/// An import that was predicted for all streams of one shape.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Expected {
    rules: Py<Rules>,
    asked: (Py<PyString>, Py<PyString>),
    canonical: (Py<PyString>, Py<PyString>),
    prediction: Py<PyAny>,
    passed: Mutex<Option<Arc<Passed>>>,
}

impl Expected {
    /// Gives its module, if it is there and a plain one.
    fn module<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyModule>>> {
        interpreter::module(py, self.canonical.0.bind(py))
    }

    /// Gives what stock will find, by looking only; what stands for nothing where its module is not there or no plain one.
    fn find<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let missing = || self.rules.get().missing.bind(py).clone();
        let Some(module) = self.module(py)? else { return Ok(missing()) };
        Ok(module.dict().get_item(self.canonical.1.bind(py))?.unwrap_or_else(missing))
    }

    fn passed(&self) -> Option<Arc<Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, passed: Option<Passed>) {
        swap(&self.passed, passed.map(Arc::new));
    }

    /// Whether there is, at once, an object that may be loaded so, by the compiled module or by stock.
    fn fits(&self, py: Python<'_>, by_us: bool) -> PyResult<bool> {
        if self.module(py)?.is_some_and(|module| interpreter::is_initializing(&module).unwrap_or(true)) {
            return Ok(false); // stock waits for who imports it
        }
        let obj = self.find(py)?;
        if let Some(passed) = self.passed()
            && passed.stands(&obj)?
        {
            return Ok(by_us || passed.rests != Rests::Guarded); // `check` looks at the rest when it is imported
        }
        let rules = self.rules.get();
        let before = Before::new(py, rules)?; // what changes from here on is seen
        let found: Option<Rests> = rules.examine.bind(py).call1((&obj, self.prediction.bind(py), by_us))?.extract()?;
        self.keep(found.map_or(Ok(None), |rests| Passed::new(&obj, rests, before))?);
        Ok(found.is_some())
    }

    /// Checks the object that stands there now, and gives what is to be used for it.
    fn check<'py>(&self, py: Python<'py>, load: &Load, at: usize) -> PyResult<Bound<'py, PyAny>> {
        let obj = self.find(py)?;
        let rules = self.rules.get();
        let stream = || (load.content.bind(py), load.start, &load.gaps).into_pyobject(py);
        if let Some(passed) = self.passed() {
            if (load.by_us || passed.rests != Rests::Guarded) && passed.stands(&obj)? && passed.holds(&obj, rules)? {
                if passed.rests != Rests::Guarded {
                    return Ok(obj);
                }
                let asked = (&obj, self.prediction.bind(py), at, stream()?).into_pyobject(py)?;
                let guard = Guard::kept(obj.clone().unbind(), passed, self.rules.clone_ref(py), asked.unbind());
                return Ok(Bound::new(py, guard)?.into_any());
            }
            self.keep(None);
        }
        rules.check.bind(py).call1((&obj, self.prediction.bind(py), at, stream()?, load.by_us))
    }
}

#[pymethods]
impl Expected {
    #[new]
    fn new(
        rules: Py<Rules>,
        asked: (Py<PyString>, Py<PyString>),
        canonical: (Py<PyString>, Py<PyString>),
        prediction: Py<PyAny>,
    ) -> Expected {
        Expected { rules, asked, canonical, prediction, passed: Mutex::new(None) }
    }

    /// Whether something stands there.
    fn is_there(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(!self.find(py)?.is(&self.rules.get().missing))
    }
}

/// The imports of a stream, one after the other.
type Sequence = Arc<Vec<Py<Expected>>>;

/// A load: what it imports one after the other; where stock makes it, in this very frame.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Load {
    rules: Py<Rules>,
    expected: Sequence,
    content: Py<PyBytes>,
    start: usize,
    /// Where the content leaves out bytes of literals, and how many.
    gaps: Vec<(usize, u64)>,
    /// Whether the compiled module makes it; it takes what was seen of its opcodes.
    by_us: bool,
    survey: Mutex<Option<Survey>>,
    at: AtomicUsize,
    frame: Mutex<Option<Py<PyAny>>>,
}

impl Load {
    /// Gives what was seen of the opcodes of these bytes, once.
    pub fn take_survey(&self, data: &Bound<'_, PyBytes>, start: usize, gaps: &[(usize, u64)]) -> Option<Survey> {
        if !data.is(&self.content) || start != self.start || gaps != self.gaps {
            return None;
        }
        self.survey.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn hold(&self, frame: Option<Py<PyAny>>) {
        swap(&self.frame, frame);
    }

    /// Whether the function that runs is the one that has called stock: another unpickler is asked for elsewhere.
    fn is_own(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(own) = self.frame.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|own| own.clone_ref(py))
        else {
            return Ok(false);
        };
        let Some(frame) = interpreter::frame(py) else { return Ok(false) };
        if frame.is(&own) {
            return Ok(true);
        }
        let between = frame.getattr(intern!(py, "f_code"))?.is(&self.rules.get().between);
        Ok(between && frame.getattr(intern!(py, "f_back"))?.is(&own))
    }

    /// Gives the next import to the builder: tells the audit hooks, as stock does, and then checks what stands there.
    pub fn import<'py>(
        &self,
        py: Python<'py>,
        module: &Bound<'py, PyAny>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let at = self.at.load(Ordering::Relaxed);
        let item = self.expected.get(at).map(Py::get);
        let Some(item) = item.filter(|item| {
            is_text(module, &item.asked.0).unwrap_or(false) && is_text(name, &item.asked.1).unwrap_or(false)
        }) else {
            return Err(PyRuntimeError::new_err("the judged pickle imports something else"));
        };
        sanction::told(module, name, || {
            let told = self.rules.get().audit.bind(py).call1((intern!(py, "pickle.find_class"), module, name));
            told.map(drop)
        })?;
        let found = item.check(py, self, at)?;
        self.at.store(at + 1, Ordering::Relaxed);
        Ok(found)
    }

    /// Whether this import, which its own frame asks for, comes next; raises when its object is not what the policy allows.
    fn admits(&self, py: Python<'_>, module: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        let at = self.at.load(Ordering::Relaxed);
        let Some(item) = self.expected.get(at) else { return Ok(false) };
        let item = item.get();
        if !is_text(module, &item.asked.0)? || !is_text(name, &item.asked.1)? {
            return Ok(false);
        }
        item.check(py, self, at).map(drop)?;
        self.at.store(at + 1, Ordering::Relaxed);
        Ok(true)
    }
}

/// Whether Python imports by its own function. One that a program has put there has to be asked, and may change what a
/// name stands for after the audit hook was asked.
pub fn imports_by_itself(py: Python<'_>) -> PyResult<bool> {
    let Some(builtins) = interpreter::module(py, intern!(py, "builtins"))? else { return Ok(false) };
    let importer = builtins.dict().get_item(intern!(py, "__import__"))?;
    Ok(importer.is_some_and(|importer| importer.is_exact_instance_of::<PyCFunction>()))
}

/// Whether something is this very text.
fn is_text(given: &Bound<'_, PyAny>, expected: &Py<PyString>) -> PyResult<bool> {
    match given.cast_exact::<PyString>() {
        Ok(given) => Ok(given.is(expected) || given.as_any().eq(expected)?),
        Err(_) => Ok(false),
    }
}

#[pymethods]
impl Load {
    /// Has stock load; the function that calls this is the one that is asked for.
    #[pyo3(signature = (call, *arguments))]
    fn run<'py>(
        slf: &Bound<'py, Self>,
        call: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, load) = (slf.py(), slf.get());
        load.hold(interpreter::frame(py).map(Bound::unbind));
        RUNNING.with_borrow_mut(|running| running.push(slf.clone().unbind()));
        let result = call.call1(arguments);
        let ended = RUNNING.with_borrow_mut(|running| {
            let place = running.iter().rposition(|load| load.is(slf))?;
            Some(running.remove(place))
        });
        drop(ended);
        load.hold(None);
        result
    }
}

/// What is kept for a policy: verifiers that no thread uses now, and predictions.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Gate {
    rules: Py<Rules>,
    make: Py<PyAny>,
    /// Says how predicted imports are expected, or that they cannot be, and whether that is true of all of their shape.
    learn: Py<PyAny>,
    spare: Mutex<Vec<Py<Verifier>>>,
    known: Mutex<HashMap<Vec<u8>, Option<Sequence>>>,
}

impl Gate {
    fn verifier(&self, py: Python<'_>) -> PyResult<Py<Verifier>> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.map_or_else(|| Ok(self.make.bind(py).call0()?.cast_into::<Verifier>()?.unbind()), Ok)
    }

    /// Gives the imports of what was judged; None where the long way has to be taken.
    fn expected(&self, py: Python<'_>, verifier: &mut Verifier, shape: &Shape) -> PyResult<Option<Sequence>> {
        if let Some(found) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&shape.text) {
            return Ok(found.clone());
        }
        let answer = self.learn.bind(py).call1((verifier.predictions(py, shape)?,))?;
        let (found, always): (Option<Vec<Py<Expected>>>, bool) = answer.extract()?;
        let found = found.map(Arc::new);
        if always {
            if self.known.lock().unwrap_or_else(PoisonError::into_inner).len() >= KEPT {
                swap(&self.known, HashMap::new());
            }
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let before = known.insert(shape.text.clone(), found.clone());
            drop(known);
            drop(before);
        }
        Ok(found)
    }

    fn look<'py>(
        &self,
        verifier: &mut Verifier,
        content: &Bound<'py, PyBytes>,
        start: usize,
        gaps: Vec<(usize, u64)>,
    ) -> PyResult<Option<Judged<'py>>> {
        let (py, data) = (content.py(), content.as_bytes());
        let seen = if gaps.is_empty() { None } else { survey(data, start, &gaps, true) };
        if seen.is_none() && !gaps.is_empty() {
            return Ok(None);
        }
        let Some(mut shape) = verifier.shape(py, content, &gaps, start, SHORT)? else { return Ok(None) };
        let survey = seen.or(shape.survey.take());
        let by_us = survey.is_some();
        let end = match &survey {
            Some(survey) if survey.end as u64 + survey.left_out == shape.end => survey.end,
            Some(_) => return Ok(None),
            None => shape.end as usize,
        };
        let Some(expected) = self.expected(py, verifier, &shape)? else { return Ok(None) };
        for item in expected.iter() {
            if !item.get().fits(py, by_us)? {
                return Ok(None);
            }
        }
        if !imports_by_itself(py)? {
            return Ok(None);
        }
        let stream = if by_us { None } else { Some(verifier.stream(content, start, end)?) };
        let load = Load {
            rules: self.rules.clone_ref(py),
            expected,
            content: content.clone().unbind(),
            start,
            gaps,
            by_us,
            survey: Mutex::new(survey),
            at: AtomicUsize::new(0),
            frame: Mutex::default(),
        };
        Ok(Some((end, stream, Bound::new(py, load)?)))
    }
}

/// Where a pickle ends, what stock is to load for it where the compiled module cannot, and what is asked about its imports.
type Judged<'py> = (usize, Option<Bound<'py, PyBytes>>, Bound<'py, Load>);

#[pymethods]
impl Gate {
    #[new]
    fn new(rules: Py<Rules>, make: Py<PyAny>, learn: Py<PyAny>) -> Gate {
        Gate { rules, make, learn, spare: Mutex::default(), known: Mutex::default() }
    }

    /// Judges a pickle; None when the long way has to be taken. `gaps` reads what the content leaves out.
    #[pyo3(signature = (content, start, gaps = None))]
    fn judge<'py>(
        &self,
        py: Python<'py>,
        content: &Bound<'py, PyBytes>,
        start: usize,
        gaps: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Judged<'py>>> {
        let gaps = Gaps::new(gaps)?.places;
        let verifier = self.verifier(py)?;
        let found = self.look(&mut verifier.bind(py).borrow_mut(), content, start, gaps);
        verifier.bind(py).borrow_mut().reset();
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(verifier);
        found
    }
}

/// The audit hook: lets pass what the load of this thread imports next, and asks about other imports.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Watch {
    other: Py<PyAny>,
    probe: String,
}

#[pymethods]
impl Watch {
    #[new]
    fn new(other: Py<PyAny>, probe: String) -> Watch {
        Watch { other, probe }
    }

    fn __call__(&self, py: Python<'_>, event: &Bound<'_, PyString>, args: &Bound<'_, PyTuple>) -> PyResult<()> {
        if *event == *EVENT {
            let (module, name) = (args.get_item(0)?, args.get_item(1)?);
            if sanction::is_told(&module, &name) || admitted(py, &module, &name)? {
                return Ok(());
            }
        } else if *event != *self.probe {
            return Ok(());
        }
        self.other.bind(py).call1((event, args)).map(drop)
    }
}

/// Who calls a load: modules whose loads may be exempt, and whether an exempt load runs.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Callers {
    noted: Py<PyFrozenSet>,
}

#[pymethods]
impl Callers {
    #[new]
    fn new(noted: Py<PyFrozenSet>) -> Callers {
        Callers { noted }
    }

    /// Whether it is plain, as nearly always, that the caller of the function that asks may not load without being judged.
    fn is_common(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(asking) = interpreter::frame(py) else { return Ok(false) };
        let frame = asking.getattr(intern!(py, "f_back"))?;
        if frame.is_none() {
            return Ok(false); // C calls
        }
        let space = frame.getattr(intern!(py, "f_globals"))?;
        let Some(name) = space.cast::<PyDict>()?.get_item(intern!(py, "__name__"))? else { return Ok(false) };
        let Ok(name) = name.cast_exact::<PyString>() else { return Ok(false) };
        let noted = self.noted.bind(py).as_any().contains(name)?;
        let spec = if noted && *name == *"__main__" { space.get_item(intern!(py, "__spec__")).ok() } else { None };
        let plain = !noted || spec.is_some_and(|spec| spec.is_none()); // a script, no `python -m`
        Ok(plain && !sanction::is_in_exempt())
    }
}
