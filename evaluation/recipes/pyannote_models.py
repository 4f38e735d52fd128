"""pyannote.audio: segmentation models; saved as Lightning checkpoints."""

from __future__ import annotations

import pytorch_lightning
import torch
from pyannote.audio import Model
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.segmentation import PyanNet

from evaluation.specimens import Recipe, Way, torched


def saved(model, path):
    """Save what Lightning's trainer saves of the model."""
    checkpoint = {
        "epoch": 0, "global_step": 0, "pytorch-lightning_version": pytorch_lightning.__version__,
        "state_dict": model.state_dict(), "hyper_parameters": dict(model.hparams),
    }  # fmt: skip
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, path)


def heard(model):
    """What it says of silence."""
    with torch.no_grad():
        return model(torch.zeros(1, 1, 16000)).flatten()[:8]


CHECKPOINT = Way("checkpoint", ".ckpt", saved, lambda path: Model.from_pretrained(path).eval())
RECIPE = Recipe(heard, CHECKPOINT, torched())


def network(specifications: Specifications):
    """A small network for a task."""
    torch.manual_seed(0)
    model = PyanNet(lstm={"hidden_size": 8, "num_layers": 1}, linear={"hidden_size": 8, "num_layers": 1})
    model.specifications = specifications
    model.build()
    model.setup()
    return model.eval()


@RECIPE.model("pyannote.audio.Model", "pyannote.audio.models.segmentation.PyanNet")
def segmentation():
    return network(Specifications(
        problem=Problem.MULTI_LABEL_CLASSIFICATION, resolution=Resolution.FRAME, duration=5.0,
        classes=["speaker1", "speaker2"], permutation_invariant=True,
    ))  # fmt: skip


@RECIPE.model("pyannote.audio.models.segmentation.PyanNet")
def activity():
    return network(Specifications(
        problem=Problem.BINARY_CLASSIFICATION, resolution=Resolution.FRAME, duration=2.0, classes=["speech"],
    ))  # fmt: skip
