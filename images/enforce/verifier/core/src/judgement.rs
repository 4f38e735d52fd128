//! What every rule works with: the policy's answers, violations, predicted imports, obligations (judgement.py).

use std::collections::{HashMap, HashSet};

use crate::Name;
use crate::entries::END;
use crate::machine::{Machine, Step};
use crate::memory::IdentifiedNode;
use crate::name::{Facts, Helper, split_last};
use crate::opcode;
use crate::report::{Decision, Import, Kind, List, Obligation, Violation, say, uses};
use crate::tag::{HELPER, OPERAND, STUB, Sort, Tag};

impl Machine<'_> {
    // ---- answers of the policy --------------------------------------------------------------------------------------

    pub(crate) fn is_tracing(&self) -> bool {
        self.v.tables.tracing
    }

    pub(crate) fn may_reference(&self, facts: Facts) -> bool {
        self.is_tracing() || facts.global || facts.reduce
    }

    pub(crate) fn may_reference_path(&self, path: &[u8]) -> bool {
        self.may_reference(self.v.tables.facts(path))
    }

    pub(crate) fn may_call(&self, facts: Facts) -> bool {
        self.is_tracing() || facts.reduce
    }

    // ---- findings ---------------------------------------------------------------------------------------------------

    /// Notes a violation at the current opcode; `allow` names the list that would allow the name.
    pub(crate) fn refuse(
        &mut self,
        rule: &'static str,
        name: impl AsRef<[u8]>,
        sentence: impl Into<Vec<u8>>,
        allow: Option<List>,
    ) {
        if self.violations.len() >= self.v.settings.max_violations {
            self.suppressed += 1;
            return;
        }
        let name = name.as_ref().to_vec();
        let allow = allow.map(|list| (list, name.clone()));
        let (opcode, offset) = (opcode::name(self.opcode), self.at as u64);
        self.violations.push(Violation { rule, name, opcode, offset, sentence: sentence.into(), allow });
    }

    /// Attaches an obligation to an import, once for each kind and detail.
    #[inline(always)]
    pub(crate) fn oblige(&mut self, target: usize, kind: Kind, detail: &[u8]) {
        if !detail.is_empty() || self.v.memory.imports[target].seen_plain & 1 << kind as u8 == 0 {
            self.oblige_new(target, kind, detail);
        }
    }

    fn oblige_new(&mut self, target: usize, kind: Kind, detail: &[u8]) {
        let import = &mut self.v.memory.imports[target];
        if detail.is_empty() {
            import.seen_plain |= 1 << kind as u8;
        } else {
            if import.latest.0 == kind && import.latest.1 == detail {
                return; // the same again and again: objects of one class
            }
            let seen = import.seen.entry(kind).or_default();
            if seen.contains(detail) {
                return;
            }
            import.latest = (kind, detail.to_vec());
            seen.insert(detail.to_vec());
        }
        let (opcode, offset) = (opcode::name(self.opcode), self.at as u64);
        let obligation = Obligation { kind, detail: detail.to_vec(), opcode, offset };
        let told = import.guarded && kind.is_result() && kind != Kind::ResultMethod;
        import.guarded = import.guarded || kind.is_result();
        import.obligations.push(obligation.clone());
        if import.sealed && !told && !(self.following && kind.is_result()) {
            self.late.push((target, obligation));
        }
        self.v.memory.touch(target);
    }

    // ---- imports ----------------------------------------------------------------------------------------------------

    /// Decides on an import; what lies on the stack may be a helper that takes it.
    pub(crate) fn predict(&mut self, module: &[u8], name: &[u8], proto: u8, code: i64) -> Step<Tag> {
        let fix_imports = self.v.settings.fix_imports;
        let canonical = if proto < 3 && fix_imports {
            self.host.canonical(module, name)?
        } else {
            (module.to_vec(), name.to_vec())
        };
        let mut found = self.new_import(canonical);
        found.index = i64::try_from(self.imports.len()).unwrap_or(i64::MAX);
        found.module = module.to_vec();
        found.name = name.to_vec();
        found.proto = proto;
        found.code = code;
        found.fix_imports = fix_imports;
        if proto < 4 && name.contains(&b'.') {
            let how = say!(" by a dotted name, which protocol ", &proto.to_string(), " does not walk.");
            self.refuse("dotted-name", &found.path, say!("The stream imports ", &found.path, &how), None);
        }
        self.decide(&mut found);
        let index = self.add_import(found);
        self.imports.push(index);
        Ok(Tag::at(Sort::Import, index))
    }

    fn new_import(&self, canonical: Name) -> Import {
        let path = say!(&canonical.0, ".", &canonical.1);
        Import {
            index: -1,
            offset: self.at as u64,
            opcode: opcode::name(self.opcode),
            module: canonical.0.clone(),
            name: canonical.1.clone(),
            proto: 4,
            decision: Decision::Allow,
            code: 0,
            fix_imports: true,
            helper: false,
            operand: false,
            unkept: false,
            parent: None,
            attribute: Vec::new(),
            children: Vec::new(),
            obligations: Vec::new(),
            uses: 0,
            sealed: false,
            facts: self.v.tables.facts(&path),
            path,
            canonical,
            changed: false,
            guarded: false,
            items: Vec::new(),
            odd_items: false,
            routine: 0,
            taken: Vec::new(),
            slots: END,
            seen_plain: 0,
            seen: HashMap::new(),
            latest: (Kind::Callee, Vec::new()),
        }
    }

    fn add_import(&mut self, found: Import) -> usize {
        let index = self.v.memory.imports.len();
        self.v.memory.imports.push(found);
        self.v.memory.touch(index);
        self.needs.push(index);
        index
    }

    /// Makes the import that a getattr in the stream amounts to; no `find_class` call belongs to it.
    pub(crate) fn derive(&mut self, owner: usize, attribute: &[u8]) -> Tag {
        let parent = &self.v.memory.imports[owner];
        let (module, qualname) = &parent.canonical;
        let mut found = self.new_import((module.clone(), say!(qualname, ".", attribute)));
        found.proto = parent.proto;
        found.sealed = parent.sealed; // the owner of an earlier load has been checked: what comes now is told apart
        found.parent = Some(owner);
        found.attribute = attribute.to_vec();
        found.unkept = self.is_tracing() || found.facts.instances_only;
        let index = self.add_import(found);
        let parent = &mut self.v.memory.imports[owner];
        parent.children.push(index);
        self.v.memory.touch(owner);
        Tag::at(Sort::Import, index)
    }

    /// Notes a method that the stream binds, for traces.
    pub(crate) fn need_method(&mut self, holder: &[u8], name: &[u8]) -> Tag {
        let (module, qualname) = split_last(holder);
        let mut found = self.new_import((holder.to_vec(), name.to_vec()));
        found.opcode = "REDUCE";
        found.module = module.to_vec();
        found.name = qualname.to_vec();
        Tag::at(Sort::Bound, self.add_import(found))
    }

    fn decide(&self, found: &mut Import) {
        let listed = found.facts.global || found.facts.reduce;
        if !listed && !found.is_optional() {
            if found.facts.helper.is_some() {
                found.helper = true;
            } else if self.is_operand(found.facts) {
                found.helper = true;
                found.operand = true;
            }
        }
        found.decision = if found.helper || self.is_tracing() {
            Decision::Allow
        } else if self.v.settings.renames {
            Decision::Ask
        } else if listed {
            Decision::Allow
        } else {
            Decision::Stub
        };
        let asked = found.decision == Decision::Ask;
        found.unkept = !found.helper && (self.is_tracing() || asked || found.facts.instances_only);
    }

    /// Whether the import stands where a helper takes it as an operand.
    fn is_operand(&self, facts: Facts) -> bool {
        let [.., top] = self.stack[..] else { return false };
        if !top.is(Sort::Import) {
            return false;
        }
        let helper = |tag: Tag| self.v.memory.import(tag).facts.helper;
        if let [.., under, _] = self.stack[..]
            && under.is(Sort::Import)
            && helper(under) == Some(Helper::Reconstructor)
        {
            return facts.base;
        }
        match helper(top) {
            Some(Helper::Type) => facts.singleton,
            Some(Helper::Getattr) => self.is_tracing() || facts.owner,
            _ => false,
        }
    }

    pub(crate) fn is_stub(&self, tag: Tag) -> bool {
        tag.is(Sort::Import) && self.v.memory.import(tag).decision == Decision::Stub
    }

    // ---- values that go somewhere -----------------------------------------------------------------------------------

    /// Notes that an import is kept as it is, outside any container.
    pub(crate) fn keep(&mut self, tag: Tag) {
        if tag.is(Sort::Import) {
            self.v.memory.put_to(tag.index(), uses::DATA);
        }
    }

    /// Requires an entry for an import that was let through for a helper's sake, or for instances of it only.
    pub(crate) fn reference(&mut self, index: usize) {
        let import = &mut self.v.memory.imports[index];
        if self.v.tables.tracing {
            import.helper = false;
            import.operand = false;
            import.unkept = false;
            self.v.memory.touch(index);
            return;
        }
        let path = import.path.clone();
        if import.unkept {
            if import.decision == Decision::Ask {
                import.unkept = false;
                self.oblige(index, Kind::Kept, b"");
                return;
            }
            let sentence = say!("The stream keeps ", &path, " as data; the policy allows instances of it only.");
            self.refuse("instances-only", &path, sentence, Some(List::Globals));
            return;
        }
        let sentence = say!("The stream keeps ", &path, " as data, which the policy does not allow.");
        self.refuse("import-not-allowed", &path, sentence, Some(List::Globals));
    }

    pub(crate) fn helpers_in(&self, tag: Tag) -> Vec<usize> {
        let mut found = Vec::new();
        let mut pending = vec![tag];
        let mut seen = HashSet::new();
        while let Some(item) = pending.pop() {
            match item.sort() {
                Sort::Import if seen.insert((true, item.index())) => {
                    let import = self.v.memory.import(item);
                    if import.helper || import.unkept {
                        found.push(item.index());
                    }
                }
                Sort::Tuple
                    if self.v.memory.tuple(item).flags & (HELPER | OPERAND) != 0
                        && seen.insert((false, item.index())) =>
                {
                    pending.extend_from_slice(self.v.memory.tuple_items(item));
                }
                _ => {}
            }
        }
        found
    }

    /// Checks an id that goes to the application's `persistent_load`: what it holds counts as used.
    pub(crate) fn check_persistent(&mut self, tag: Tag) -> Step {
        self.release(tag);
        self.keep(tag);
        let full = self.violations.len() >= self.v.settings.max_violations;
        if full || self.v.memory.flags_of(tag) & STUB == 0 {
            return Ok(());
        }
        let stubs = self.stubs_in(tag);
        self.work(stubs.len())?;
        for item in stubs {
            let name = self.v.memory.describe(item);
            let sentence = say!("A persistent id holds ", &name, ", which the policy does not allow.");
            self.refuse("persistent-import", &name, sentence, Some(List::Globals));
        }
        Ok(())
    }

    fn stubs_in(&self, tag: Tag) -> Vec<Tag> {
        if !tag.is(Sort::Tuple) {
            return vec![tag];
        }
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut pending = self.v.memory.tuple_items(tag).to_vec();
        while let Some(item) = pending.pop() {
            if self.v.memory.flags_of(item) & STUB == 0 || !seen.insert((item.sort() as u8, item.index())) {
                continue;
            }
            if item.is(Sort::Tuple) {
                pending.extend_from_slice(self.v.memory.tuple_items(item));
            } else {
                found.push(item);
            }
        }
        found
    }

    /// Makes the tag of a persistent object: it remembers the one import that its id held, if that resolves.
    pub(crate) fn identify(&mut self, id: Tag) -> Tag {
        if !id.is(Sort::Tuple) {
            return Tag::plain(Sort::Persistent);
        }
        let mut held = self.v.memory.tuple_items(id).iter().filter(|item| item.is(Sort::Import));
        let (Some(only), None) = (held.next(), held.next()) else {
            return Tag::plain(Sort::Persistent);
        };
        let import = self.v.memory.import(*only);
        if import.decision == Decision::Stub || import.helper {
            return Tag::plain(Sort::Persistent);
        }
        let node = IdentifiedNode { index: self.v.identified, candidate: only.index() };
        self.v.memory.identified.push(node);
        Tag::at(Sort::Identified, self.v.memory.identified.len() - 1)
    }
}
