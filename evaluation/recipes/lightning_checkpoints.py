"""PyTorch Lightning: checkpoints of a trainer, with hyperparameters and callbacks."""

from __future__ import annotations

import argparse

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

from evaluation.specimens import Recipe, Way

ROWS = TensorDataset(torch.ones(4, 3), torch.zeros(4, 1))


def trainer(*callbacks):
    """A trainer for one step that writes nothing by itself."""
    return pl.Trainer(
        max_steps=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        callbacks=list(callbacks), enable_checkpointing=bool(callbacks), default_root_dir=".",
    )  # fmt: skip


class Line(pl.LightningModule):
    """A line."""

    def __init__(self, width: int = 3, settings=None):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)

    def forward(self, rows):
        return self.layer(rows)

    def training_step(self, batch, _):
        loss = (self(batch[0]) - batch[1]).pow(2).mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def predicted(checkpoint):
    """What the restored weights say."""
    model = Line()
    model.load_state_dict(checkpoint["state_dict"])
    return model(torch.ones(1, 3)).item(), sorted(checkpoint)


CHECKPOINT = Way(
    "save_checkpoint", ".ckpt", lambda trained, path: trained.save_checkpoint(path),
    lambda path: torch.load(path, weights_only=False),
)  # fmt: skip
RECIPE = Recipe(predicted, CHECKPOINT)


def fitted(model, *callbacks):
    """Train for one step."""
    pl.seed_everything(0)
    made = trainer(*callbacks)
    made.fit(model, DataLoader(ROWS, 2))
    return made


@RECIPE.model("pytorch_lightning.LightningModule")
def plain():
    pl.seed_everything(0)
    return fitted(Line())


@RECIPE.model("pytorch_lightning.LightningModule")
def with_callbacks():
    pl.seed_everything(0)
    return fitted(Line(), EarlyStopping("loss"), ModelCheckpoint("checkpoints", monitor="loss"))


@RECIPE.model("pytorch_lightning.LightningModule")
def with_namespace():
    pl.seed_everything(0)
    return fitted(Line(settings=argparse.Namespace(rate=0.1)))
