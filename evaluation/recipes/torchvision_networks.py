"""torchvision: networks and transforms; whole and as weights."""

from __future__ import annotations

import torch
from torchvision import models, transforms

from evaluation.specimens import Recipe, torched, weights


def seen(model):
    """What a network says of an empty picture."""
    with torch.no_grad():
        said = model(torch.zeros(1, 3, 64, 64))
    said = said["out"] if isinstance(said, dict) else said
    return str(said)[:60] if isinstance(said, list) else said.flatten()[:8]


RECIPE = Recipe(seen, torched())


def resnet():
    """A residual network."""
    torch.manual_seed(0)
    return models.resnet18(num_classes=4).eval()


@RECIPE.model("torchvision.models.resnet.ResNet", ways=(torched(), torched(zipped=False), weights(resnet)))
def residual():
    return resnet()


@RECIPE.model("torchvision.models.mobilenetv3.MobileNetV3")
def mobile():
    torch.manual_seed(0)
    return models.mobilenet_v3_small(num_classes=4).eval()


@RECIPE.model("torchvision.models.efficientnet.EfficientNet")
def efficient():
    torch.manual_seed(0)
    return models.efficientnet_b0(num_classes=4).eval()


@RECIPE.model("torchvision.models.vision_transformer.VisionTransformer")
def transformer():
    torch.manual_seed(0)
    return models.VisionTransformer(64, 32, 1, 2, 16, 32, num_classes=4).eval()


@RECIPE.model("torchvision.models.squeezenet.SqueezeNet")
def squeeze():
    torch.manual_seed(0)
    return models.squeezenet1_1(num_classes=4).eval()


@RECIPE.model("torchvision.models.segmentation.lraspp.LRASPP")
def segmentation():
    torch.manual_seed(0)
    return models.segmentation.lraspp_mobilenet_v3_large(weights_backbone=None, num_classes=3).eval()


@RECIPE.model("torchvision.models.detection.ssd.SSD")
def detection():
    torch.manual_seed(0)
    return models.detection.ssdlite320_mobilenet_v3_large(weights_backbone=None, num_classes=3).eval()


@RECIPE.model(
    "torchvision.transforms.Compose", "torchvision.transforms.Resize", "torchvision.transforms.Normalize",
    predict=lambda made: made(torch.zeros(3, 16, 16)).flatten()[:4],
)  # fmt: skip
def steps():
    return transforms.Compose([transforms.Resize(8), transforms.Normalize([0.5] * 3, [0.5] * 3)])
