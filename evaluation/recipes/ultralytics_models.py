"""Ultralytics: detection, segmentation, classification and pose; saved as the trainer does, whole."""

from __future__ import annotations

import torch
from ultralytics import YOLO
from ultralytics.nn.tasks import ClassificationModel, DetectionModel, OBBModel, PoseModel, SegmentationModel

from evaluation.specimens import Recipe, Way, torched


def checkpoint(model, path):
    """Save a training checkpoint with the model inside."""
    torch.save({"epoch": -1, "model": model, "ema": None, "train_args": {"task": "detect"}, "version": "8"}, path)


def opened(path):
    """Load a checkpoint by the public class."""
    return YOLO(str(path), task="detect").model.float().eval()


CHECKPOINT = Way("checkpoint", ".pt", checkpoint, opened)


def run(model):
    """What the network says of an empty picture."""
    with torch.no_grad():
        said = model(torch.zeros(1, 3, 64, 64))
    while isinstance(said, (tuple, list)):
        said = said[0]
    return sum(value.sum().item() for value in said.values()) if isinstance(said, dict) else said.flatten()[:8]


RECIPE = Recipe(run, CHECKPOINT, torched())


def made(cls, config):
    """A network of the smallest size."""
    torch.manual_seed(0)
    return cls(config, verbose=False).eval()


@RECIPE.model("ultralytics.nn.tasks.DetectionModel")
def yolo11():
    return made(DetectionModel, "yolo11n.yaml")


@RECIPE.model("ultralytics.nn.tasks.DetectionModel")
def yolov8():
    return made(DetectionModel, "yolov8n.yaml")


@RECIPE.model("ultralytics.nn.tasks.DetectionModel", ways=(torched(),))
def yolov5u():
    return made(DetectionModel, "yolov5n.yaml")


@RECIPE.model("ultralytics.nn.tasks.SegmentationModel")
def segmentation():
    return made(SegmentationModel, "yolo11n-seg.yaml")


@RECIPE.model("ultralytics.nn.tasks.ClassificationModel")
def classification():
    return made(ClassificationModel, "yolo11n-cls.yaml")


@RECIPE.model("ultralytics.nn.tasks.PoseModel")
def pose():
    return made(PoseModel, "yolo11n-pose.yaml")


@RECIPE.model("ultralytics.nn.tasks.OBBModel", ways=(torched(),))
def oriented():
    return made(OBBModel, "yolo11n-obb.yaml")
