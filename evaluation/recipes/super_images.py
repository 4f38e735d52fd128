"""super-image: networks that enlarge pictures; saved by save_pretrained and whole."""

from __future__ import annotations

import torch
from super_image import A2nConfig, A2nModel, EdsrConfig, EdsrModel, PanConfig, PanModel

from evaluation.specimens import Recipe, Way, torched


def saved(cls: type) -> Way:
    """Save and load with its own methods, without a hub."""
    return Way("save_pretrained", "", lambda model, path: model.save_pretrained(str(path)),
               lambda path: restored(cls, path), "*.pt")  # fmt: skip


def restored(cls, path):
    """Load the weights that save_pretrained wrote."""
    scale = next(path.glob("*.pt"))
    made = cls(cls.config_class(scale=2))
    made.load_state_dict(torch.load(scale, weights_only=False))
    return made.eval()


def enlarged(model):
    """What it makes of an empty picture."""
    with torch.no_grad():
        return model(torch.zeros(1, 3, 8, 8)).flatten()[:6]


RECIPE = Recipe(enlarged, torched(), torched(zipped=False))


def seeded(cls, config):
    """A network with random weights."""
    torch.manual_seed(0)
    return cls(config).eval()


@RECIPE.model("super_image.EdsrModel", ways=(saved(EdsrModel), torched(), torched(zipped=False)))
def edsr():
    return seeded(EdsrModel, EdsrConfig(scale=2))


@RECIPE.model("super_image.A2nModel")
def a2n():
    return seeded(A2nModel, A2nConfig(scale=2))


@RECIPE.model("super_image.PanModel")
def pan():
    return seeded(PanModel, PanConfig(scale=2))
