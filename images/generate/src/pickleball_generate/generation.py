"""One run of the generator: from a command line's options to the files that it leaves."""

from __future__ import annotations

import gc
import json
import os
import re
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pickleball_enforce.policy import LISTS
from pickleball_generate import comparison, explain, inference, model_files, packs, proposals
from pickleball_generate.acceptance import extend
from pickleball_generate.errors import BadInput, JoernCrashed
from pickleball_generate.facts import Environment, shared
from pickleball_generate.fetch import command as fetching
from pickleball_generate.joern import Joern, cache_folder, default_jars, parse_memory
from pickleball_generate.judging import Judge
from pickleball_generate.recovery import recover_types
from pickleball_generate.sources import Library

if TYPE_CHECKING:
    import argparse

    from pickleball_enforce.policy import Policy
    from pickleball_generate.progress import Progress

INFERRED = frozenset({"needed", "pack"})
JOERN_FORM = re.compile(r"(?P<file>.+?)\.py:<module>\.(?P<name>[\w.]+)\Z")


def dotted(name: str) -> str:
    """Turn `a/b.py:<module>.C`, Joern's form, into `a.b.C`; leave `a.b.C` as it is."""
    match = JOERN_FORM.match(name)
    plain = f"{match['file'].removesuffix('/__init__').replace('/', '.')}.{match['name']}" if match else name
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+", plain):
        raise BadInput(
            f"--model-class {name} is no class name: write sklearn.linear_model.LogisticRegression, or "
            "sklearn/linear_model/_logistic.py:<module>.LogisticRegression.",
            reason="bad-class-name",
        )
    return plain


def generate(options: argparse.Namespace, progress: Progress, start: float) -> dict[str, Any]:
    """Do what the command line asks for and describe the outcome."""
    if not options.classes:
        raise BadInput("Name the model's class with --model-class.", reason="no-class")
    if not (options.policy_path or options.dry_run or options.only_cpg or options.explain):
        raise BadInput("Say with --policy-path where the policy goes.", reason="no-policy-path")
    classes = [dotted(name) for name in options.classes]
    allowed = reasons(options.allow, options.reason)
    origin = fetching.load(options.fetched) if options.fetched else None
    files = model_files.scan(options.for_model)
    before = comparison.Side.load(options.diff) if options.diff else None
    cache = options.cache_path or cache_folder()
    taken = shared.take(options.shared_cache, cache) if options.shared_cache else []
    environment = opened(options, progress, quick=not (options.use_cpg or options.only_cpg))
    joern = environment.joern
    try:
        if options.dry_run:
            return describe(environment, classes, as_json=options.json)
        if options.use_cpg or options.only_cpg:
            for module in sorted({inference.locate(environment, name).module for name in classes}):
                if not recover_types(environment, module) and options.only_cpg:
                    raise JoernCrashed(f"No type facts of {module}: {'; '.join(environment.notes)}")
        if options.only_cpg:
            return {"status": "facts", "reason": "facts", "notes": [*environment.notes, *joern.notes]}
        result = inference.infer(environment, classes, inference.Options(widen=not options.no_widening))
        if origin is not None:
            result = replace(result, provenance={**result.provenance, "origin": origin})
        if files:
            gc.collect()  # an inference leaves up to gigabytes, in cycles: to judge names needs the place
        asked = proposals.propose(files, result.policy, judge(environment), inferred(result.provenance))
        result = extend(result, files, asked, options.accept, allowed)
        explanation = explained(environment, result.provenance, options.explain) if options.explain else None
    finally:
        environment.close()
        joern.close()
    given = shared.give(cache, options.shared_cache) if options.shared_cache else []
    for note in (*environment.notes, *joern.notes, *taken, *given):
        progress.log("note", sentence=note)
    progress.close()
    outcome: dict[str, Any] = {
        "status": "written" if options.policy_path else "explained",
        "reason": "written",
        "globals": len(result.policy.globals),
        "reduces": len(result.policy.reduces),
        "instances": len(result.policy.instances),
        "seconds": round(time.monotonic() - start, 2),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + joern.peak,
        "notes": [*environment.notes, *joern.notes],
        "unread": result.provenance["unread"],
    }
    if explanation:
        outcome["explanation"] = explanation
    if before:
        outcome["changes"] = comparison.compare(
            before, comparison.Side(str(options.policy_path or "this run"), result.policy, result.provenance)
        )
    if files:
        outcome |= coverage(files, asked, result.policy)
    if options.policy_path:
        provenance = options.policy_path.with_name("provenance.json")
        write_together({provenance: dump(result.provenance), options.policy_path: result.policy.dumps()})
        outcome |= {"policy": str(options.policy_path), "provenance": str(provenance)}
        outcome["sentence"] = counted(result.policy, classes)
        if not options.json:
            print(f"{options.policy_path}: {outcome['sentence']}")
            if outcome["unread"]:
                print(f"Not read, {len(outcome['unread'])} in all (see provenance.json): {outcome['unread'][0]}")
    if not options.json:
        tell(outcome, proposals.text(asked, result.policy, outcome["violations"]) if files else "")
    return outcome


def counted(policy: Policy, classes: list[str]) -> str:
    """Say how many names a policy has."""
    made = f" ({len(policy.instances)} only for instances)" if policy.instances else ""
    return f"{len(policy.globals)} globals{made} and {len(policy.reduces)} reduces for {', '.join(classes)}."


def explained(environment: Environment, provenance: dict[str, Any], name: str) -> dict[str, Any]:
    """Explain a name; of one that is nowhere in the policies, say what its code can do."""
    found = explain.explain(provenance, name)
    if found["found"] or "." not in name:
        return found
    return explain.explain(provenance, name, judge(environment).judge(name, "globals", ()).to_dict())


def tell(outcome: dict[str, Any], proposed: str) -> None:
    """Print to a person what was asked beside the policy."""
    for said in (
        explain.text(outcome["explanation"]) if "explanation" in outcome else "",
        comparison.text(outcome["changes"]) if "changes" in outcome else "",
        proposed,
    ):
        if said:
            print(said)


def diff(options: argparse.Namespace) -> dict[str, Any]:
    """Compare two policies that are there."""
    changes = comparison.compare(comparison.Side.load(options.old), comparison.Side.load(options.new))
    if not options.json:
        print(comparison.text(changes))
    return {"status": "compared", "changes": changes}


def check(options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Judge what model files ask for beyond a policy that is there; nothing is written."""
    side = comparison.Side.load(options.policy)
    policy = side.policy
    files = model_files.scan(options.files)
    environment = opened(options, progress)
    try:
        asked = proposals.propose(files, policy, judge(environment), inferred(side.provenance))
    finally:
        environment.close()
        environment.joern.close()
    outcome = {"status": "checked", "policy": policy.digest, **coverage(files, asked, policy)}
    if not options.json:
        print(proposals.text(asked, policy, outcome["violations"]))
    return outcome


def opened(options: argparse.Namespace, progress: Progress, *, quick: bool = True) -> Environment:
    """Open the packages below the library paths."""
    ignored = [rule.strip("/") for rule in options.ignore_paths.split(",") if rule.strip("/")]
    library = Library([path.resolve() for path in options.library_paths], ignored)
    joern = Joern(options.joern_path or default_jars(), parse_memory(options.mem), quick=quick)
    return Environment(library, joern, options.cache_path or cache_folder(), progress)


def judge(environment: Environment) -> Judge:
    """Make a judge of names over an environment."""
    return Judge(environment, packs.load())


def inferred(provenance: dict[str, Any]) -> frozenset[str]:
    """Name what a policy has by inference from its model classes, as its provenance says."""
    entries = (
        (name, entry)
        for described in provenance.get("classes", {}).values()
        for listed in LISTS
        for name, entry in described[listed].items()
    )
    return frozenset(name for name, entry in entries if entry["kind"] in INFERRED)


def reasons(names: list[str], texts: list[str]) -> dict[str, str]:
    """Pair the names that a person allows with the reasons for it: one for each, or one for all."""
    if names and len(texts) not in {1, len(names)}:
        raise BadInput(
            "Give a --reason for each --allow, in the same order, or one for all. It is kept in the provenance.",
            reason="no-reason",
        )
    return dict(zip(names, texts * len(names) if len(texts) == 1 else texts, strict=True)) if names else {}


def coverage(files: list[model_files.ModelFile], asked: list[proposals.Proposal], policy: Policy) -> dict[str, Any]:
    """Say whether files stay inside a policy, and what was said to the names that they ask for."""
    found = model_files.violations(files, policy)
    missing = [each for each in asked if each.name not in policy.allowed(each.listed)]
    return {
        "covered": not missing and not any(found.values()),
        "files": [{"path": file.path, "sha256": file.sha256, "format": file.format} for file in files],
        "proposals": [{**each.to_dict(), "in_policy": each not in missing} for each in asked],
        "violations": found,
    }


def describe(environment: Environment, classes: list[str], *, as_json: bool) -> dict[str, Any]:
    """Say what would be analysed, without asking Joern for anything."""
    plan = []
    for name in classes:
        package = environment.package_of(name)
        if package is None:
            raise BadInput(
                f"No package {name.partition('.')[0]} lies below "
                f"{', '.join(str(path) for path in environment.library.paths)}.",
                reason="class-not-found",
            )
        plan.append({"class": name, "package": package.name, "version": package.version, "root": str(package.root),
                     "modules": len(package.modules), "extensions": len(package.extensions)})  # fmt: skip
    if not as_json:
        for row in plan:
            print(f"{row['class']}: {row['package']} {row['version']} in {row['root']}, {row['modules']} modules, "
                  f"{row['extensions']} extension modules; other packages as they are reached")  # fmt: skip
    return {"status": "dry-run", "plan": plan, "packages": len(environment.library.names)}


def dump(document: dict[str, Any]) -> str:
    """Write JSON in the one form that equal documents share."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_together(texts: dict[Path, str]) -> None:
    """Write files in order, each complete beside its place before the first one takes it."""
    staged: list[tuple[str, Path]] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            staged.append((name, path))
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            Path(name).chmod(0o644)
        for name, path in staged:
            Path(name).replace(path)
    except OSError as error:
        raise BadInput(
            f"{error.filename or 'The policy'} cannot be written: {error.strerror}.", reason="unwritable"
        ) from error
    finally:
        for name, _ in staged:
            Path(name).unlink(missing_ok=True)
