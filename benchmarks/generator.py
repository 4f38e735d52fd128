"""Time and memory of the generator over real libraries: `make bench-generator`.

For each library one class is analysed by the command that users run: cold (no facts kept), cached (the same again; of
three short runs the shortest counts, as what else a machine does is by chance), and cold with `--use-cpg`. Processor
time and peak memory are those of the generator and of Joern together. `whole` reads every module of every package of
the largest environment. Environments that are not made yet are named and left out; `make evaluate` makes them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from evaluation.environments import Environment, named

# Library, environment, class; the libraries are those of the evaluation.
CLASSES = (
    ("scikit-learn", "tabular", "sklearn.ensemble.RandomForestClassifier"),
    ("lightgbm", "tabular", "lightgbm.LGBMClassifier"),
    ("xgboost", "tabular", "xgboost.XGBClassifier"),
    ("catboost", "tabular", "catboost.CatBoostClassifier"),
    ("gensim", "tabular", "gensim.models.LdaModel"),
    ("statsmodels", "tabular", "statsmodels.tsa.arima.model.ARIMAResults"),
    ("imbalanced-learn", "tabular", "imblearn.over_sampling.SMOTE"),
    ("category-encoders", "tabular", "category_encoders.CatBoostEncoder"),
    ("pandas", "tabular", "pandas.DataFrame"),
    ("nltk", "tabular", "nltk.classify.NaiveBayesClassifier"),
    ("spacy", "tabular", "spacy.language.Language"),
    ("umap-learn", "tabular", "umap.UMAP"),
    ("hdbscan", "tabular", "hdbscan.HDBSCAN"),
    ("prophet", "tabular", "prophet.Prophet"),
    ("scikit-surprise", "tabular", "surprise.KNNBasic"),
    ("flair", "project:torch", "flair.models.SequenceTagger"),
    ("gliner", "torch", "gliner.GLiNER"),
    ("ultralytics", "torch", "ultralytics.nn.tasks.DetectionModel"),
    ("sentence-transformers", "torch", "sentence_transformers.SentenceTransformer"),
    ("flagembedding", "torch", "FlagEmbedding.BGEM3FlagModel"),
    ("setfit", "torch", "setfit.SetFitModel"),
    ("bertopic", "torch", "bertopic.BERTopic"),
    ("torchvision", "torch", "torchvision.models.vision_transformer.VisionTransformer"),
    ("timm", "torch", "timm.models.convnext.ConvNeXt"),
    ("transformers", "torch", "transformers.BertModel"),
    ("pytorch-lightning", "torch", "pytorch_lightning.LightningModule"),
    ("stable-baselines3", "torch", "stable_baselines3.common.policies.ActorCriticPolicy"),
    ("yolov5", "torch-older", "yolov5.models.yolo.DetectionModel"),
    ("pysentimiento", "torch-older", "pysentimiento.analyzer.AnalyzerForSequenceClassification"),
    ("super-image", "torch-older", "super_image.EdsrModel"),
    ("tweetnlp", "torch-older", "tweetnlp.Classifier"),
    ("pyannote-audio", "torch-audio", "pyannote.audio.models.segmentation.PyanNet"),
    ("speechbrain", "torch-audio", "speechbrain.processing.features.InputNormalization"),
    ("tner", "torch-lifted", "tner.TransformersNER"),
    ("huggingsound", "torch-lifted", "huggingsound.SpeechRecognitionModel"),
)
LARGEST = "torch"
TARGETS = {"cold": 15.0, "cached": 2.0, "cpg": 60.0, "whole": 90.0}  # seconds; the median, and the one run of `whole`
MEMORY = 4 * 2**30
SHORT = 10.0  # seconds
COMMAND = Path(sys.executable).parent / "pickleball-generate"


@dataclass(frozen=True)
class Run:
    """What one run cost: seconds of wall and processor, peak memory in bytes, entries; or why it failed."""

    wall: float
    processor: float
    memory: int
    entries: int
    failure: str = ""

    def row(self) -> str:
        """Give the columns of a table."""
        if self.failure:
            return f"{self.wall:7.1f}  {self.failure}"
        return f"{self.wall:7.1f} {self.processor:7.1f} {self.memory / 2**20:7.0f} {self.entries:7}"


def generate(site: Path, name: str, cache: Path, *flags: str) -> Run:
    """Run the command once."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "policy.json"
        command = [COMMAND, "--library-path", site, "--model-class", name, "--policy-path", out,
                   "--cache-path", cache, "--json", *flags]  # fmt: skip
        return measured([str(word) for word in command])


def whole(site: Path, cache: Path) -> Run:
    """Read every module of an environment."""
    return measured([sys.executable, "-m", "benchmarks.generator", "--read", str(site), "--cache", str(cache)])


def measured(command: list[str]) -> Run:
    """Run a command that prints a JSON outcome; take its costs from the system, children included."""
    start = time.perf_counter()
    # Installed packages have bytecode; a source tree has none where somebody forbids Python to keep it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    outcome = json.loads(said.splitlines()[-1]) if said.strip() else {"sentence": "it said nothing"}
    wall, processor = time.perf_counter() - start, used.ru_utime + used.ru_stime
    failure = outcome.get("sentence", "failed")[:90] if process.returncode else ""
    typeless = next((note for note in outcome.get("notes", ()) if note.startswith("no type facts")), "")
    entries = outcome.get("globals", 0) + outcome.get("reduces", 0)
    return Run(wall, processor, outcome.get("peak_memory_bytes", 0), entries, failure or typeless[:90])


def read(site: Path, cache: Path) -> None:
    """Read every module of an environment into a cache; say how much memory that took."""
    import resource

    from pickleball_generate.facts import Environment as Packages
    from pickleball_generate.joern import Joern, default_jars
    from pickleball_generate.sources import Library

    joern = Joern(default_jars(), MEMORY // 2)
    packages = Packages(Library([site]), joern, cache)
    modules = packages.prepare_all()
    packages.close()
    joern.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + joern.peak
    print(json.dumps({"globals": modules, "peak_memory_bytes": peak, "notes": packages.notes}))


def site_of(environment: Environment) -> Path | None:
    """Give the site-packages of an environment; None where it is not made."""
    return environment.packages if (environment.folder / ".complete").exists() else None


def main() -> int:
    """Print a row for each library and mode, and the medians; 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    parser.add_argument("--only", default="", help="libraries, separated by commas")
    parser.add_argument("--modes", default="cold,cached,cpg,whole", help="which of cold, cached, cpg, whole")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(options.read, options.cache)
        return 0
    modes, only = options.modes.split(","), set(filter(None, options.only.split(",")))
    print(f"{'':32}{'wall s':>7} {'CPU s':>7} {'MiB':>7} {'entries':>7}", flush=True)
    runs: dict[str, list[Run]] = {mode: [] for mode in modes}
    for library, environment, name in CLASSES:
        if only and library not in only:
            continue
        site = site_of(named(environment))
        if site is None:
            print(f"{library:24} left out: {named(environment).folder} is not made (make evaluate makes it)")
            continue
        with tempfile.TemporaryDirectory() as cache:
            if "cached" in modes and "cold" not in modes:
                generate(site, name, Path(cache))
            for mode, flags in (("cold", ()), ("cached", ()), ("cpg", ("--use-cpg",))):
                if mode in modes:
                    folder = Path(cache) / "cpg" if mode == "cpg" else Path(cache)
                    run = generate(site, name, folder, *flags)
                    if mode == "cached" and run.wall < SHORT and not run.failure:
                        again = [generate(site, name, folder, *flags) for _ in range(2)]
                        run = min([run, *again], key=lambda run: run.wall)
                    runs[mode].append(run)
                    print(f"{library:24} {mode:7}{runs[mode][-1].row()}", flush=True)
    site = site_of(named(LARGEST))
    if "whole" in modes and site is not None:
        with tempfile.TemporaryDirectory() as cache:
            runs["whole"].append(whole(site, Path(cache)))
            print(f"{LARGEST:24} {'whole':7}{runs['whole'][-1].row()} (entries: modules)")
    return verdict(runs)


def verdict(runs: dict[str, list[Run]]) -> int:
    """Print the median of each mode beside its target, and the largest memory."""
    missed = False
    for mode, found in runs.items():
        good = [run for run in found if not run.failure]
        if not good:
            continue
        median, peak = statistics.median(run.wall for run in good), max(run.memory for run in good)
        missed |= median > TARGETS[mode] or peak > MEMORY
        print(f"median {mode:8} {median:6.1f} s of {TARGETS[mode]:.0f}, {len(good)} of {len(found)} runs, "
              f"most memory {peak / 2**20:.0f} MiB of {MEMORY / 2**20:.0f}")  # fmt: skip
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
