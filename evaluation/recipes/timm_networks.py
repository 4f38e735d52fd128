"""timm: networks of several families; whole and as weights."""

from __future__ import annotations

import timm
import torch

from evaluation.specimens import Recipe, torched, weights


def seen(model):
    """What a network says of an empty picture."""
    with torch.no_grad():
        return model(torch.zeros(1, 3, 64, 64)).flatten()[:4]


def made(name, **settings):
    """A network by name, with random weights."""
    torch.manual_seed(0)
    return timm.create_model(name, num_classes=4, **settings).eval()


RECIPE = Recipe(seen, torched())


def resnet():
    """A residual network."""
    return made("resnet10t")


@RECIPE.model("timm.models.resnet.ResNet", ways=(torched(), torched(zipped=False), weights(resnet)))
def residual():
    return resnet()


@RECIPE.model("timm.models.vision_transformer.VisionTransformer")
def transformer():
    return made("vit_tiny_patch16_224", img_size=64, depth=1, embed_dim=48)


@RECIPE.model("timm.models.efficientnet.EfficientNet")
def efficient():
    return made("mobilenetv2_035")


@RECIPE.model("timm.models.convnext.ConvNeXt")
def convolutions():
    return made("convnext_atto", depths=(1, 1, 1, 1), dims=(8, 16, 24, 32))


@RECIPE.model("timm.models.mobilenetv3.MobileNetV3")
def mobile():
    return made("mobilenetv3_small_050")


@RECIPE.model("timm.models.regnet.RegNet")
def regular():
    return made("regnetx_002")
