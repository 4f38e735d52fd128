"""The policy of a flair tagger: inferred from the installed sources, it loads a saved tagger under enforcement."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from pickleball_enforce import verify
from pickleball_enforce.install import install_target
from pickleball_generate.inference import Options, Result, infer, sinks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_generate.facts import Environment

SENTENCE = "the cat sat on the mat"
# Saves a tagger and prints what it predicts; or loads taggers and prints what each predicts, or why it did not load.
PROGRAM = """
import pickle, sys
import torch, flair
from flair.data import Dictionary, Sentence
from flair.models import SequenceTagger
flair.device = torch.device("cpu")


def predict(tagger):
    sentence = Sentence(text)
    tagger.predict(sentence)
    print("TAGGED", sentence.to_tagged_string("pos"))


what, text, *paths = sys.argv[1:]
if what == "save":
    from flair.embeddings import OneHotEmbeddings
    flair.set_seed(0)
    words, tags = Dictionary(), Dictionary(add_unk=False)
    for word in text.split():
        words.add_item(word)
    for tag in ("NOUN", "VERB", "OTHER"):
        tags.add_item(tag)
    embeddings = OneHotEmbeddings(words, field="text", embedding_length=8)
    tagger = SequenceTagger(embeddings=embeddings, tag_dictionary=tags, tag_type="pos", hidden_size=8)
    tagger.eval()
    tagger.save(paths[0])
    predict(tagger)
else:
    for path in paths:
        try:
            tagger = SequenceTagger.load(path)
        except pickle.UnpicklingError as error:
            print("TAGGED", type(error).__name__)
        else:
            predict(tagger)
"""


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.marker,)


@pytest.fixture(scope="module")
def inferred(environment_of: Callable[..., Environment]) -> Result:
    """The policy, inferred from this environment's own packages."""
    environment = environment_of(Path(sysconfig.get_paths()["purelib"]))
    return infer(environment, ["flair.models.SequenceTagger"], Options())


def run(folder: Path, what: str, settings: dict[str, str], *paths: Path) -> list[str]:
    """Run the program, with flair's cache in a folder, and give what it says of each tagger."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, what, SENTENCE, *map(str, paths)]
    environment = {**os.environ, "FLAIR_CACHE_ROOT": str(folder / "cache"), **settings}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("TAGGED")]


def enforcing(folder: Path, result: Result) -> dict[str, str]:
    """Install the enforcer and the policy, and give the environment that hooks a process."""
    install_target(folder / "pickleball")
    (folder / "policy.json").write_text(result.policy.dumps())
    return {
        "PYTHONPATH": str(folder / "pickleball"),
        "PICKLEBALL_POLICY": str(folder / "policy.json"),
        "PICKLEBALL_VIOLATIONS": str(folder / "violations"),
    }


def test_a_tagger_loads_and_an_attack_in_it_does_not(inferred: Result, tmp_path: Path) -> None:
    """The library's own loader gives the same tags in a hooked process; a call hidden in the state is refused."""
    good, bad, marker = tmp_path / "good.pt", tmp_path / "bad.pt", tmp_path / "marker"
    (expected,) = run(tmp_path, "save", {"PYTHONPATH": ""}, good)
    torch.save({**torch.load(good, weights_only=False), "extra": Attack(marker)}, bad)
    assert [verify(path, inferred.policy).exit_code for path in (good, bad)] == [0, 1]
    said = run(tmp_path, "load", enforcing(tmp_path, inferred), good, bad)
    assert said == [expected, "TAGGED PolicyViolation"]
    assert not marker.exists()


def test_the_policy_is_small_and_calls_no_sink(inferred: Result) -> None:
    """A person can read the policy, and nothing in it is a callable with an effect."""
    policy = inferred.policy
    assert len(policy.globals) + len(policy.reduces) <= 300
    assert [name for name in policy.globals | policy.reduces if sinks.effect(name)] == []
    assert "flair.data.Dictionary" in policy.globals
    assert "torch._utils._rebuild_tensor_v2" in policy.reduces
