//! Opcodes that are rare in a stream: imports, persistent ids, frames, the end (effects.py).

use crate::machine::{Machine, NO_FRAME, Step};
use crate::name;
use crate::opcode;
use crate::report::say;
use crate::tag::{Sort, Tag};
use crate::{Form, Name};

impl Machine<'_> {
    pub(crate) fn two_names(&mut self, ascii: bool) -> Step<Name> {
        let fits = |line: &[u8]| if ascii { line.is_ascii() } else { str::from_utf8(line).is_ok() };
        let mut both = [&[][..], &[][..]];
        for line in &mut both {
            *line = self.line()?;
            if !fits(line) {
                let kind = if ascii { "ASCII" } else { "UTF-8" };
                return self.malformed(say!(opcode::name(self.opcode), " has names that are not ", kind, "."));
            }
        }
        Ok((both[0].to_vec(), both[1].to_vec()))
    }

    pub(crate) fn import(&mut self, module: &[u8], name: &[u8], code: i64) -> Step<Tag> {
        if let Some(sentence) = name::fault(module, name) {
            return self.malformed(sentence);
        }
        let longest = self.v.settings.max_name;
        if name::characters(module) > longest || name::characters(name) > longest {
            return self.malformed(say!("A name is longer than ", &longest.to_string(), " characters."));
        }
        self.predict(module, name, self.proto, code)
    }

    pub(crate) fn stack_global(&mut self) -> Step {
        let (name, module) = (self.pop()?, self.pop()?);
        if !name.is_text() || !module.is_text() {
            let sentence = "The stream imports a name that it does not write as a text.";
            self.refuse("name-not-literal", "?", sentence, None);
            let made = self.v.memory.make_object(None, true);
            return self.push(made);
        }
        let (module, name) = (self.text(module).to_vec(), self.text(name).to_vec());
        let found = self.import(&module, &name, 0)?;
        self.push(found)
    }

    pub(crate) fn inst(&mut self) -> Step {
        let (module, name) = self.two_names(true)?;
        if self.marks.is_empty() {
            return self.malformed("INST finds no mark.");
        }
        let found = self.import(&module, &name, 0)?;
        let items = self.pop_mark()?;
        let made = self.instantiate(found, &items)?;
        self.push(made)
    }

    pub(crate) fn obj(&mut self) -> Step {
        let items = self.pop_mark()?;
        let Some((&class, args)) = items.split_first() else {
            return self.malformed("OBJ finds no class after its mark.");
        };
        let made = self.instantiate(class, args)?;
        self.push(made)
    }

    pub(crate) fn extension(&mut self, code: i64) -> Step {
        if let Some(&(_, index)) = self.extensions.iter().find(|(known, _)| *known == code) {
            return self.push(Tag::at(Sort::Import, index));
        }
        let known = if code > 0 { self.host.extension(code)? } else { None };
        let Some((module, name)) = known else {
            return self.malformed(say!("The extension code ", &code.to_string(), " is not registered."));
        };
        let found = self.import(&module, &name, code)?;
        self.extensions.push((code, found.index()));
        if self.is_stub(found) {
            let path = self.v.memory.import(found).path.clone();
            let how = say!(" by extension code ", &code.to_string(), ", which the policy does not allow.");
            let sentence = say!("The stream imports ", &path, &how);
            self.refuse("extension-not-allowed", &path, sentence, Some(crate::List::Globals));
        }
        self.push(found)
    }

    pub(crate) fn persistent_line(&mut self) -> Step {
        if !self.line()?.is_ascii() {
            return self.malformed("PERSID holds an id that is not ASCII.");
        }
        self.v.identified += 1;
        self.push(Tag::plain(Sort::Persistent))
    }

    pub(crate) fn persistent_id(&mut self) -> Step {
        let id = self.pop()?;
        self.check_persistent(id)?;
        if id.is(Sort::Tuple) {
            self.work(self.v.memory.tuple_length(id))?;
        }
        let tag = self.identify(id);
        self.v.identified += 1;
        self.push(tag)
    }

    pub(crate) fn frame(&mut self) -> Step {
        let size = self.number::<8>()?;
        if self.frame_end != NO_FRAME {
            return self.malformed("A frame begins before the end of another.");
        }
        if size > (self.data.len() - self.pos) as u64 + self.left_out() {
            return self.malformed("A frame is longer than the rest of the stream.");
        }
        self.frame_end = self.pos + self.shift + size as usize;
        Ok(())
    }

    pub(crate) fn stop(&mut self) -> Step {
        let result = self.pop()?;
        self.release(result);
        self.keep(result);
        Ok(())
    }

    /// Asks the host for a text.
    pub fn decode(&mut self, form: Form, bytes: &[u8]) -> Step<Vec<u8>> {
        match self.host.decode(form, opcode::name(self.opcode), bytes)? {
            Ok(text) => Ok(text),
            Err(sentence) => self.malformed(sentence),
        }
    }
}
