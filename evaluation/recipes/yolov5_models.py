"""yolov5: detection models; saved as its trainer does, whole."""

from __future__ import annotations

import os

import torch
import yolov5
from yolov5.models.yolo import ClassificationModel, DetectionModel, SegmentationModel

from evaluation.specimens import Recipe, Way, torched

# It loads whole models by torch.load, from before that refused them.
os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"


def checkpoint(model, path):
    """Save a training checkpoint with the model inside."""
    torch.save({"epoch": -1, "best_fitness": None, "model": model.half(), "ema": None, "optimizer": None}, path)


def run(model):
    """What the network says of an empty picture."""
    with torch.no_grad():
        said = model.float()(torch.zeros(1, 3, 64, 64))
    while isinstance(said, (tuple, list)):
        said = said[0]
    return said.flatten()[:8]


CHECKPOINT = Way(
    "checkpoint", ".pt", checkpoint, lambda path: yolov5.load(str(path), device="cpu", autoshape=False).model
)
RECIPE = Recipe(run, torched(), CHECKPOINT)
CONFIGS = yolov5.__path__[0] + "/models"


def made(cls, config):
    """A network of the smallest size."""
    torch.manual_seed(0)
    return cls(f"{CONFIGS}/{config}").eval()


@RECIPE.model("yolov5.models.yolo.DetectionModel")
def detection():
    return made(DetectionModel, "yolov5n.yaml")


# The head is the one that the configuration names.
@RECIPE.model("yolov5.models.yolo.SegmentationModel", "yolov5.models.yolo.Segment", ways=(torched(),))
def segmentation():
    return made(SegmentationModel, "segment/yolov5n-seg.yaml")


@RECIPE.model("yolov5.models.yolo.ClassificationModel", ways=(torched(),))
def classification():
    torch.manual_seed(0)
    return ClassificationModel(model=DetectionModel(f"{CONFIGS}/yolov5n.yaml"), nc=4).eval()
