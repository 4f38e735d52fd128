//! Rules on what a stream may change: BUILD and the item operations (targets.py).

use crate::entries::{END, KEYS_KEPT};
use crate::machine::{Machine, Step};
use crate::memory::{ContainerKind, ITEMS, ITEMS_OF_RESULT, Made, Part};
use crate::name::ARRAY;
use crate::opcode;
use crate::report::{Decision, Kind, List, Obligation, say, uses};
use crate::tag::{LIVE, Sort, Tag};
use crate::verifier::latest;

impl Machine<'_> {
    // ---- BUILD ------------------------------------------------------------------------------------------------------

    /// Judges BUILD: the target, that it is the only one, and the state.
    #[inline(never)]
    pub(crate) fn build(&mut self, target: Tag, state: Tag) -> Step {
        self.release(state);
        self.keep(state);
        if !target.is(Sort::Object) {
            if state.is(Sort::None) && self.is_data(target) {
                return Ok(()); // None as the state of builtin data does nothing
            }
            let name = self.v.memory.describe(target);
            let only = " a state; only an object that the stream created can be given a state.";
            let allow = self.is_stub(target).then_some(List::Globals);
            self.refuse("build-target", &name, say!("The stream gives ", &name, only), allow);
            return Ok(());
        }
        if self.v.memory.object(target).built {
            let name = self.v.memory.describe(target);
            let sentence = say!("The stream changes ", &name, " after its state was set.");
            self.refuse("build-twice", &name, sentence, None);
            return Ok(());
        }
        self.v.memory.object_mut(target).built = true;
        if self.v.memory.object(target).origin().is_none() {
            return Ok(()); // what made it is refused already
        }
        self.oblige_instance(target, Kind::Build, b"");
        self.check_state(target, state)?;
        self.check_partial(target, state)
    }

    /// Attaches an obligation on an instance: to its class, or to the results of the callee that gave it.
    #[inline(always)]
    pub(crate) fn oblige_instance(&mut self, target: Tag, kind: Kind, detail: &[u8]) {
        let node = *self.v.memory.object(target);
        let Some(origin) = node.origin() else { return };
        let kind = if node.is_called() { kind.of_result() } else { kind };
        self.oblige(origin, kind, detail);
        if self.following && node.is_called() {
            let (opcode, offset) = (opcode::name(self.opcode), self.at as u64);
            self.events.push((target.index(), origin, Obligation { kind, detail: detail.to_vec(), opcode, offset }));
        }
    }

    fn check_state(&mut self, target: Tag, state: Tag) -> Step {
        if state.is(Sort::None) {
            return Ok(());
        }
        if self.v.memory.is_container(state, ContainerKind::Dict) {
            self.check_attributes(target, state, false)?;
        } else if let Some((first, second)) = self.slot_state(state) {
            if first.is(Sort::None) && self.sets_slots_alike(target, second)? {
                return Ok(());
            }
            if !first.is(Sort::None) {
                self.check_attributes(target, first, false)?;
            }
            self.check_slots(target, second)?;
        } else if state == target && self.is_own_state(target) {
            self.check_own_state(target)?;
        } else {
            self.oblige_instance(target, Kind::Setstate, b"");
            match state.sort() {
                Sort::Container => self.v.memory.container_mut(state).frozen = true,
                Sort::Object => self.v.memory.object_mut(state).frozen = true,
                _ => {}
            }
            if let Some(origin) = self.v.memory.object(target).origin()
                && (state.is(Sort::Object) || state.is_opaque())
            {
                self.check_received(origin, &[state])?;
            }
        }
        if state.is(Sort::Tuple) {
            self.check_parts(target, state)?;
        }
        Ok(())
    }

    /// Whether all items of an object are known that is given itself as its state.
    fn is_own_state(&self, target: Tag) -> bool {
        let node = *self.v.memory.object(target);
        node.origin().is_some_and(|origin| {
            let import = &self.v.memory.imports[origin];
            !node.is_called() && !import.odd_items && !import.facts.caller
        })
    }

    /// Judges the state of a dict that is its own namespace (`self.__dict__ = self`): its items become attributes.
    /// Where they were put they were checked for special names; what else may be called must replace no method. That is
    /// obliged for all instances of the class at once.
    fn check_own_state(&mut self, target: Tag) -> Step {
        self.oblige_instance(target, Kind::OwnState, b"");
        let Some(origin) = self.v.memory.object(target).origin() else { return Ok(()) };
        let items = std::mem::take(&mut self.v.memory.imports[origin].items);
        self.work(items.len())?;
        for key in items {
            self.oblige_instance(target, Kind::Shadow, &key);
        }
        Ok(())
    }

    /// Keeps the keys of items that may be called, for the case that the object becomes its own state.
    fn note_items(&mut self, origin: usize, kind: ContainerKind, items: &[Tag]) {
        if kind != ContainerKind::Dict {
            self.v.memory.imports[origin].odd_items = true;
            return;
        }
        for pair in items.chunks_exact(2) {
            let (key, value) = (pair[0], pair[1]);
            if self.v.memory.imports[origin].odd_items {
                return;
            }
            if key.is_dull_key() && value.is_dull() {
                continue;
            }
            if !key.is_text() {
                let plain = matches!(key.sort(), Sort::Bool | Sort::Int | Sort::None);
                self.v.memory.imports[origin].odd_items |= !plain;
                continue;
            }
            if self.is_refused(self.text(key), value) {
                self.v.memory.imports[origin].odd_items = true;
            } else if self.v.memory.is_callable_like(value) && !self.is_array(value) {
                let text = self.text(key).to_vec();
                let import = &mut self.v.memory.imports[origin];
                if import.items.contains(&text) {
                    continue;
                }
                import.odd_items = import.items.len() >= usize::from(KEYS_KEPT);
                import.items.push(text);
            }
        }
    }

    /// Whether a call gave a plain array of numpy, under names that no application changes.
    fn is_array(&self, value: Tag) -> bool {
        let Some(maker) = self.array_maker(value) else { return false };
        let asked = self.v.memory.array_classes.contains_key(&value.index());
        self.v.memory.imports[maker].decision == Decision::Allow && !asked
    }

    /// Gives the import whose call gave a plain array of numpy, if it is what it is called.
    fn array_maker(&self, value: Tag) -> Option<usize> {
        if !value.is(Sort::Object) {
            return None;
        }
        let node = *self.v.memory.object(value);
        node.origin().filter(|_| node.made == Made::Array)
    }

    /// Obliges what gave an array to be numpy's own where the application may have changed it; tells whether it is one.
    fn oblige_array(&mut self, value: Tag) -> bool {
        let Some(maker) = self.array_maker(value) else { return false };
        if self.v.memory.imports[maker].decision == Decision::Ask {
            self.oblige(maker, Kind::Array, b"");
        }
        if let Some(&class) = self.v.memory.array_classes.get(&value.index()) {
            self.oblige(class, Kind::Array, ARRAY);
        }
        true
    }

    /// Gives both parts of a state that stock sets as attributes.
    fn slot_state(&self, state: Tag) -> Option<(Tag, Tag)> {
        if !state.is(Sort::Tuple) {
            return None;
        }
        let &[first, second] = self.v.memory.tuple_items(state) else { return None };
        let is_dict = |tag: Tag| self.v.memory.is_container(tag, ContainerKind::Dict);
        ((first.is(Sort::None) || is_dict(first)) && is_dict(second)).then_some((first, second))
    }

    /// Gives the entries of a state; none where no rule looks at any of them.
    fn notable_entries(&self, state: Tag) -> Vec<(Tag, Tag)> {
        if !self.v.memory.container(state).notable {
            return Vec::new();
        }
        latest(&self.v.memory.entries(state), |key| self.text(key))
    }

    /// Whether this state was checked before for instances of this import: a frozen dict does not change.
    #[inline(always)]
    fn is_checked(&mut self, target: Tag, state: Tag, part: Part) -> Step<bool> {
        let node = *self.v.memory.object(target);
        let Some(origin) = node.origin() else { return Ok(false) };
        let each = self.following && node.is_called(); // each result of a call is looked at
        if self.v.memory.was_checked(state, origin, part) && !each {
            return Ok(true);
        }
        self.work(4 * self.v.memory.kept(state))?; // an obligation for each key, and more
        Ok(false)
    }

    fn check_attributes(&mut self, target: Tag, state: Tag, inner: bool) -> Step {
        self.v.memory.container_mut(state).frozen = true;
        if self.is_checked(target, state, Part::Attributes)? {
            return Ok(());
        }
        let node = *self.v.memory.container(state);
        if !node.notable && !node.obscure && node.cost != 1 {
            return Ok(()); // no rule looks at any entry
        }
        let entries = self.notable_entries(state);
        let space = entries.iter().find(|(key, _)| !inner && self.text(*key) == b"__dict__").map(|(_, value)| *value);
        let space = space.filter(|value| self.v.memory.is_container(*value, ContainerKind::Dict));
        if let Some(space) = space {
            self.oblige_instance(target, Kind::Setstate, b""); // a namespace as pydantic's models write it
            self.check_attributes(target, space, true)?;
        }
        if node.obscure {
            self.oblige_instance(target, Kind::Setstate, b"");
        }
        if node.cost == 1 {
            self.oblige_instance(target, Kind::EmptyState, b"");
        }
        self.check_keys(target, &entries, !inner);
        for &(key, value) in &entries {
            if self.v.memory.is_callable_like(value) {
                let key = self.text(key).to_vec();
                self.check_replacement(target, &key, value);
            }
        }
        if let Some(origin) = self.v.memory.object(target).origin()
            && self.v.memory.imports[origin].facts.caller
        {
            let values = entries.iter().map(|(_, value)| *value);
            let imports: Vec<Tag> = values.filter(|value| value.is(Sort::Import)).collect();
            self.check_named(origin, &imports)?;
        }
        Ok(())
    }

    /// Obliges what may stand where a method does: only what `reduces` lists, and calls nothing that it is given.
    /// An array is none: it cannot be called. What gave it is obliged to be numpy's own where a `find_class` of the
    /// application answers.
    fn check_replacement(&mut self, target: Tag, key: &[u8], value: Tag) {
        if value.is(Sort::Listed) || self.oblige_array(value) {
            return;
        }
        if value.is(Sort::Import) && !self.is_tracing() {
            let renames = self.v.settings.renames;
            let import = &self.v.memory.imports[value.index()];
            let wanted = if renames { Decision::Ask } else { Decision::Allow };
            if import.decision == wanted && import.facts.reduce && !import.facts.hands_on(false) {
                if renames {
                    self.oblige(value.index(), Kind::Called, b"");
                }
                self.oblige(value.index(), Kind::Handed, b"");
                return;
            }
        }
        if self.is_tracing()
            && (value.is(Sort::Import) || value.is(Sort::Bound))
            && let Some(origin) = self.v.memory.object(target).origin()
        {
            let replaced = say!(&self.v.memory.imports[origin].path, ".", key);
            self.oblige(value.index(), Kind::Replaces, &replaced);
        }
        self.oblige_instance(target, Kind::Shadow, key);
    }

    fn check_slots(&mut self, target: Tag, state: Tag) -> Step {
        self.v.memory.container_mut(state).frozen = true;
        if self.is_checked(target, state, Part::Slots)? {
            return Ok(());
        }
        let node = *self.v.memory.container(state);
        if node.obscure || node.overflow {
            self.oblige_instance(target, Kind::Setstate, b"");
        }
        if !node.notable && self.has_known_slots(target, state) {
            return self.work(0);
        }
        let entries = latest(&self.v.memory.entries(state), |key| self.text(key));
        self.check_keys(target, &entries, false);
        for &(key, value) in &entries {
            let key = self.text(key).to_vec();
            if self.is_refused(&key, value) {
                continue;
            }
            self.oblige_instance(target, Kind::Slot, &key);
            if self.v.memory.is_callable_like(value) {
                self.check_replacement(target, &key, value);
            }
        }
        if let Some(origin) = self.v.memory.object(target).origin() {
            let values = entries.iter().map(|(_, value)| *value);
            let live: Vec<Tag> = values.filter(|value| self.v.memory.is_callable_like(*value)).collect();
            self.check_named(origin, &live)?;
        }
        Ok(())
    }

    /// Does what `check_slots` and `check_parts` do for a dict that is the state of nothing else, as it was done for the
    /// instance before, with the same keys; gives false where there is more to judge.
    fn sets_slots_alike(&mut self, target: Tag, state: Tag) -> Step<bool> {
        let node = *self.v.memory.object(target);
        let Some(origin) = node.origin().filter(|_| !node.is_called() && !self.following) else { return Ok(false) };
        let known = self.v.memory.imports[origin].slots;
        let Some(kept) = self.v.memory.slots_alike(state, known, origin) else { return Ok(false) };
        self.work(5 * kept + 2)?; // four for each key, one for what the class receives, which is these and None
        Ok(true)
    }

    /// Whether each slot of a state has its obligation already.
    fn has_known_slots(&mut self, target: Tag, state: Tag) -> bool {
        let node = *self.v.memory.object(target);
        let Some(origin) = node.origin() else { return false };
        if self.following && node.is_called() {
            return false;
        }
        let shape = self.v.memory.shape(state);
        if shape != END && !node.is_called() && self.v.memory.imports[origin].slots == shape {
            return true;
        }
        let kind = if node.is_called() { Kind::ResultSlot } else { Kind::Slot };
        let Some(known) = self.v.memory.imports[origin].seen.get(&kind) else { return false };
        let all = self.v.memory.keys(state).all(|key| known.contains(self.text(key)));
        if all && !node.is_called() {
            self.v.memory.imports[origin].slots = shape;
        }
        all
    }

    /// Whether a state may not hold this name with this value, whatever the class.
    fn is_refused(&self, key: &[u8], value: Tag) -> bool {
        if self.v.tables.looked_up(key) {
            return !self.is_literal(value) || matches!(key, b"__class__" | b"__dict__");
        }
        self.v.tables.is_special(key) && self.v.memory.is_callable_like(value)
    }

    /// Refuses names of Python's protocols, but for those that literal data cannot harm.
    fn check_keys(&mut self, target: Tag, entries: &[(Tag, Tag)], space: bool) {
        for &(key, value) in entries {
            let text = self.text(key);
            if space && text == b"__dict__" && self.v.memory.is_container(value, ContainerKind::Dict) {
                continue; // judged as attributes
            }
            if self.is_refused(text, value) {
                let (key, of) = (text.to_vec(), self.v.memory.describe(target));
                let what = self.v.memory.describe(value);
                let sentence = say!("The state of ", &of, " sets ", &key, " to ", &what, ".");
                self.refuse("state-key", &key, sentence, None);
            }
        }
    }

    /// Checks what a tuple holds that the class's own `__setstate__` takes apart.
    fn check_parts(&mut self, target: Tag, state: Tag) -> Step {
        let received = self.v.memory.tuple_items(state);
        if let Some(origin) = self.v.memory.object(target).origin()
            && !received.iter().any(|&item| self.holds_live(item))
            && self.is_taken(origin, received)
        {
            return self.work(received.len());
        }
        for position in 0..self.v.memory.tuple_length(state) {
            let item = self.v.memory.tuple_item(state, position);
            if self.v.memory.is_open(item, ContainerKind::Dict) {
                self.v.memory.container_mut(item).frozen = true;
                self.work(self.v.memory.kept(item))?;
                let entries = self.notable_entries(item);
                self.check_keys(target, &entries, false);
            }
        }
        let Some(origin) = self.v.memory.object(target).origin() else { return Ok(()) };
        self.check_items(origin, state)?;
        if self.v.memory.imports[origin].facts.partial {
            return Ok(()); // check_partial
        }
        for position in 0..self.v.memory.tuple_length(state) {
            let item = self.v.memory.tuple_item(state, position);
            if self.holds_live(item) {
                self.check_items(origin, item)?; // a partial under another name holds its arguments so
            }
        }
        Ok(())
    }

    /// Whether it is a tuple that holds something live.
    fn holds_live(&self, item: Tag) -> bool {
        item.is(Sort::Tuple) && self.v.memory.flags_of(item) & LIVE != 0
    }

    // ---- items ------------------------------------------------------------------------------------------------------

    /// Judges APPEND(S), SETITEM(S) and ADDITEMS; `kind` is the container that they are for.
    pub(crate) fn add_items(&mut self, target: Tag, kind: ContainerKind, items: &[Tag]) {
        for &item in items {
            self.release(item);
        }
        if self.v.memory.is_container(target, kind) {
            if self.v.memory.container(target).frozen {
                let sentence = say!("The stream changes a ", kind.name(), " after it became the state of an object.");
                self.refuse("state-frozen", kind.name(), sentence, None);
            }
            return;
        }
        if !target.is(Sort::Object) {
            let name = self.v.memory.describe(target);
            let sentence = say!("The stream puts items into ", &name, "; only containers that it created take items.");
            let allow = self.is_stub(target).then_some(List::Globals);
            self.refuse("items-target", &name, sentence, allow);
            return;
        }
        let node = *self.v.memory.object(target);
        if node.built || node.frozen {
            let name = self.v.memory.describe(target);
            let sentence = say!("The stream puts items into ", &name, " after its state was set.");
            self.refuse("items-after-build", &name, sentence, None);
        } else if items.is_empty() && kind != ContainerKind::Dict {
            let name = self.v.memory.describe(target);
            let sentence = say!("The stream puts no items into ", &name, ", which C and Python do not do alike.");
            self.refuse("items-target", &name, sentence, None);
        } else if let Some(origin) = node.origin() {
            self.put_items(target, origin, node.is_called(), kind, items);
        }
    }

    fn put_items(&mut self, target: Tag, origin: usize, called: bool, kind: ContainerKind, items: &[Tag]) {
        for &item in items {
            self.keep(item);
        }
        if kind == ContainerKind::Dict {
            let named = |pair: &[Tag]| pair[0].is_text() && !pair[0].is_dull_key();
            let rest = if items.chunks_exact(2).any(named) { items } else { &[] };
            let pairs: Vec<(Tag, Tag)> =
                rest.chunks_exact(2).filter(|pair| pair[0].is_text()).map(|pair| (pair[0], pair[1])).collect();
            let pairs = latest(&pairs, |key| self.text(key));
            self.check_names(origin, &pairs);
        }
        if !called {
            self.note_items(origin, kind, items);
        }
        let import = &self.v.memory.imports[origin];
        if !called && import.decision != Decision::Ask && self.may_call(import.facts) {
            self.note_use(origin, uses::CALLABLE);
        }
        let operation: &[u8] = match kind {
            ContainerKind::List => b"append",
            ContainerKind::Dict => b"setitem",
            ContainerKind::Set => b"add",
        };
        self.oblige_instance(target, Kind::Items, operation);
        if kind == ContainerKind::Dict {
            self.v.memory.imports[origin].routine |= if called { ITEMS_OF_RESULT } else { ITEMS };
        }
    }
}
